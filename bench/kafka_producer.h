// librdkafka's producer for one topic, told of deliveries through an event fd: what a program with
// an epoll loop can do at best. Settings are those of the gateway: acks and idempotence by flag.
//
// Thread: one (librdkafka has its own). Fails: bad settings end the program.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

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

class KafkaProducer {
 public:
  explicit KafkaProducer(const ProducerSettings& settings);
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;
  ~KafkaProducer();

  // Readable when Poll has something.
  int event_fd() const { return event_fd_; }
  // Copies the payload. False when the queue is full.
  bool Produce(std::string_view payload, std::uint64_t opaque);
  // Calls `on_delivered(opaque, ok)` for all reports that are there.
  void Poll(const std::function<void(std::uint64_t, bool)>& on_delivered);

 private:
  rd_kafka_s* client_ = nullptr;
  rd_kafka_topic_s* topic_ = nullptr;
  rd_kafka_queue_s* queue_ = nullptr;
  int event_fd_ = -1;
};

}  // namespace tidegate::bench
