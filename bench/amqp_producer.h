// Publishing to RabbitMQ with confirms at its least: frames of one turn of the loop in one send,
// one channel, confirms answered in order of their tags.
//
// Thread: one. Fails: a broker that refuses or goes away ends the program.
#pragma once

#include <deque>
#include <string>

#include "bench/producer.h"

namespace tidegate::bench {

class AmqpProducer : public Producer {
 public:
  // `broker`: "ADDRESS:PORT", guest/guest. The exchange must be there.
  AmqpProducer(const std::string& broker, std::string exchange, std::string routing_key);
  AmqpProducer(const AmqpProducer&) = delete;
  AmqpProducer& operator=(const AmqpProducer&) = delete;
  ~AmqpProducer() override;

  int event_fd() const override { return fd_; }
  bool Produce(std::string_view payload, std::uint64_t opaque) override;
  void Flush() override;
  void Poll(const OnDelivered& on_delivered) override;

 private:
  void LogIn();
  // Reads until a method `id` comes.
  void Await(std::uint32_t id);
  // Reads what is there; false when there is nothing.
  bool Receive();
  void Settle(std::uint64_t tag, bool multiple, bool ok, const OnDelivered& on_delivered);

  struct Waiting {
    std::uint64_t opaque = 0;
    bool settled = false;
  };

  int fd_ = -1;
  std::string publish_;  // the basic.publish frame, the same for all
  std::string out_;
  std::string in_;
  std::string buffer_ = std::string(std::size_t{64} << 10, '\0');
  std::deque<Waiting> waiting_;  // of the tags from first_ on
  std::uint64_t first_ = 1;
};

}  // namespace tidegate::bench
