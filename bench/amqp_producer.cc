#include "bench/amqp_producer.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "bench/amqp_wire.h"
#include "bench/net.h"
#include "bench/options.h"

namespace tidegate::bench {
namespace {

constexpr unsigned kChannel = 1;
constexpr unsigned kMandatory = 1;
constexpr unsigned kDeliveryMode = 0x1000;  // the flag of the only property: 1, not kept on disk

}  // namespace

AmqpProducer::AmqpProducer(const std::string& broker, std::string exchange, std::string routing_key)
    : fd_(ConnectTo(ParseTarget(broker))) {
  std::string arguments;
  amqp::Put(arguments, 0, 2);
  amqp::PutShort(arguments, exchange);
  amqp::PutShort(arguments, routing_key);
  amqp::Put(arguments, kMandatory, 1);
  amqp::PutMethod(publish_, kChannel, amqp::kPublish, arguments);
  LogIn();
}

AmqpProducer::~AmqpProducer() { close(fd_); }

void AmqpProducer::LogIn() {
  SendAll(fd_, amqp::kGreeting);
  Await(amqp::kStart);
  std::string arguments;
  amqp::PutLong(arguments, "");
  amqp::PutShort(arguments, "PLAIN");
  amqp::PutLong(arguments, std::string_view("\0guest\0guest", 12));
  amqp::PutShort(arguments, "en_US");
  amqp::PutMethod(out_, 0, amqp::kStartOk, arguments);
  Flush();
  Await(amqp::kTune);
  arguments.clear();
  amqp::Put(arguments, 2047, 2);
  amqp::Put(arguments, 131072, 4);
  amqp::Put(arguments, 0, 2);  // no heartbeats
  amqp::PutMethod(out_, 0, amqp::kTuneOk, arguments);
  amqp::PutMethod(out_, 0, amqp::kOpen, std::string_view("\1/\0\0", 4));
  Flush();
  Await(amqp::kOpenOk);
  amqp::PutMethod(out_, kChannel, amqp::kChannelOpen, std::string(1, '\0'));
  Flush();
  Await(amqp::kChannelOpenOk);
  amqp::PutMethod(out_, kChannel, amqp::kConfirmSelect, std::string(1, '\0'));
  Flush();
  Await(amqp::kConfirmSelectOk);
}

void AmqpProducer::Await(std::uint32_t id) {
  while (true) {
    std::string_view bytes = in_;
    amqp::Frame frame;
    if (amqp::TakeFrame(bytes, frame)) {
      if (frame.method() != id) Fail("amqp: the broker says something else at login");
      in_.erase(0, in_.size() - bytes.size());
      return;
    }
    pollfd readable{fd_, POLLIN, 0};
    if (poll(&readable, 1, 10'000) != 1) Fail("amqp: no answer at login");
    Receive();
  }
}

bool AmqpProducer::Receive() {
  const ssize_t count = recv(fd_, buffer_.data(), buffer_.size(), 0);
  if (count > 0) {
    in_.append(buffer_.data(), static_cast<std::size_t>(count));
    return true;
  }
  if (count == 0 || errno != EAGAIN) Fail("amqp: the broker has gone");
  return false;
}

bool AmqpProducer::Produce(std::string_view payload, std::uint64_t opaque) {
  out_ += publish_;
  std::string header;
  amqp::Put(header, 60, 2);
  amqp::Put(header, 0, 2);
  amqp::Put(header, payload.size(), 8);
  amqp::Put(header, kDeliveryMode, 2);
  amqp::Put(header, 1, 1);
  amqp::PutFrame(out_, amqp::kHeader, kChannel, header);
  amqp::PutFrame(out_, amqp::kBody, kChannel, payload);
  waiting_.push_back({opaque, false});
  return true;
}

void AmqpProducer::Flush() {
  if (out_.empty()) return;
  if (!SendAll(fd_, out_)) Fail("amqp: the broker has gone");
  out_.clear();
}

void AmqpProducer::Poll(const OnDelivered& on_delivered) {
  if (!Receive()) return;
  std::string_view bytes = in_;
  amqp::Frame frame;
  while (amqp::TakeFrame(bytes, frame)) {
    const std::uint32_t method = frame.method();
    if (method == amqp::kClose || method == amqp::kChannelClose) Fail("amqp: the broker refuses");
    if (method != amqp::kAck && method != amqp::kNack) continue;
    if (frame.payload.size() < 13) Fail("amqp: a confirm that is too short");
    const std::uint64_t tag = amqp::Get(frame.payload.data() + 4, 8);
    Settle(tag, (frame.payload[12] & 1) != 0, method == amqp::kAck, on_delivered);
  }
  in_.erase(0, in_.size() - bytes.size());
}

void AmqpProducer::Settle(std::uint64_t tag, bool multiple, bool ok,
                          const OnDelivered& on_delivered) {
  for (std::uint64_t i = multiple ? first_ : tag; i <= tag; ++i) {
    Waiting& one = waiting_.at(i - first_);
    if (one.settled) continue;
    one.settled = true;
    on_delivered(one.opaque, ok);
  }
  while (!waiting_.empty() && waiting_.front().settled) {
    waiting_.pop_front();
    ++first_;
  }
}

}  // namespace tidegate::bench
