// Publishing to MQTT 5 at QoS 1 at its least: packets of one turn of the loop in one send, a table
// of packet identifiers, no more unanswered than the broker said.
//
// Thread: one. Fails: a broker that refuses or goes away ends the program.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "bench/producer.h"

namespace tidegate::bench {

class MqttProducer : public Producer {
 public:
  // `broker`: "ADDRESS:PORT", no password.
  MqttProducer(const std::string& broker, std::string topic);
  MqttProducer(const MqttProducer&) = delete;
  MqttProducer& operator=(const MqttProducer&) = delete;
  ~MqttProducer() override;

  int event_fd() const override { return fd_; }
  // What is beyond the receive maximum of the broker waits here.
  bool Produce(std::string_view payload, std::uint64_t opaque) override;
  void Flush() override;
  void Poll(const OnDelivered& on_delivered) override;

 private:
  struct Waiting {
    std::string payload;
    std::uint64_t opaque = 0;
  };

  void LogIn();
  // Reads what is there; false when there is nothing.
  bool Receive();
  void Send(std::string_view payload, std::uint64_t opaque);

  int fd_ = -1;
  const std::string topic_;
  std::string out_;
  std::string in_;
  std::string buffer_ = std::string(std::size_t{64} << 10, '\0');
  std::vector<std::uint64_t> opaques_;  // by packet identifier - 1
  std::vector<std::size_t> free_;       // packet identifiers
  std::deque<Waiting> waiting_;
};

}  // namespace tidegate::bench
