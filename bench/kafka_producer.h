// librdkafka's producer for one topic, told of deliveries through an event fd: what a program with
// an epoll loop can do at best. Settings are those of the gateway: acks and idempotence by flag.
//
// Thread: one (librdkafka has its own). Fails: bad settings end the program.
#pragma once

#include <string>
#include <vector>

#include "bench/producer.h"

extern "C" {
struct rd_kafka_s;
struct rd_kafka_topic_s;
struct rd_kafka_queue_s;
}

namespace tidegate::bench {

struct ProducerSettings {
  std::string bootstrap;
  std::string topic;
  std::string linger_ms = "1";
  std::string acks = "all";
  std::string idempotence = "true";
  std::vector<std::string> properties;  // name=value
};

class KafkaProducer : public Producer {
 public:
  explicit KafkaProducer(const ProducerSettings& settings);
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;
  ~KafkaProducer() override;

  int event_fd() const override { return event_fd_; }
  bool Produce(std::string_view payload, std::uint64_t opaque) override;
  void Poll(const OnDelivered& on_delivered) override;

 private:
  rd_kafka_s* client_ = nullptr;
  rd_kafka_topic_s* topic_ = nullptr;
  rd_kafka_queue_s* queue_ = nullptr;
  int event_fd_ = -1;
};

}  // namespace tidegate::bench
