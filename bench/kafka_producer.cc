#include "bench/kafka_producer.h"

#include <librdkafka/rdkafka.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>

#include "bench/options.h"

namespace tidegate::bench {
namespace {

void Set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char error[512];
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error) !=
      RD_KAFKA_CONF_OK) {
    Fail("kafka setting " + name + ": " + error, 2);
  }
}

void ReportError(rd_kafka_event_t* event) {
  std::fprintf(stderr, "bench: kafka: %s\n", rd_kafka_event_error_string(event));
}

}  // namespace

KafkaProducer::KafkaProducer(const ProducerSettings& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  Set(conf, "bootstrap.servers", settings.bootstrap);
  Set(conf, "linger.ms", settings.linger_ms);
  Set(conf, "acks", settings.acks);
  Set(conf, "enable.idempotence", settings.idempotence);
  for (const auto& property : settings.properties) {
    const auto equals = property.find('=');
    if (equals == std::string::npos) Fail("--property needs name=value", 2);
    Set(conf, property.substr(0, equals), property.substr(equals + 1));
  }
  rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
  char error[512];
  client_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (client_ == nullptr) Fail(std::string("kafka producer: ") + error);
  topic_ = rd_kafka_topic_new(client_, settings.topic.c_str(), nullptr);
  if (topic_ == nullptr) Fail("kafka topic " + settings.topic);
  queue_ = rd_kafka_queue_get_main(client_);
  event_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const std::uint64_t one = 1;
  rd_kafka_queue_io_event_enable(queue_, event_fd_, &one, sizeof one);
}

KafkaProducer::~KafkaProducer() {
  rd_kafka_queue_destroy(queue_);
  rd_kafka_topic_destroy(topic_);
  rd_kafka_destroy(client_);
  close(event_fd_);
}

bool KafkaProducer::Produce(std::string_view payload, std::uint64_t opaque) {
  return rd_kafka_produce(topic_, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                          const_cast<char*>(payload.data()), payload.size(), nullptr, 0,
                          reinterpret_cast<void*>(opaque)) == 0;
}

void KafkaProducer::Poll(const OnDelivered& on_delivered) {
  std::uint64_t wakeups = 0;
  if (read(event_fd_, &wakeups, sizeof wakeups) < 0) wakeups = 0;  // nothing pending is fine
  while (rd_kafka_event_t* event = rd_kafka_queue_poll(queue_, 0)) {
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR) ReportError(event);
    while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event)) {
      on_delivered(reinterpret_cast<std::uint64_t>(message->_private),
                   message->err == RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    rd_kafka_event_destroy(event);
  }
}

}  // namespace tidegate::bench
