#include "bench/mqtt_producer.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "bench/mqtt_wire.h"
#include "bench/net.h"
#include "bench/options.h"

namespace tidegate::bench {
namespace {

constexpr std::size_t kUnansweredMax = 256;     // when the broker names no receive maximum
constexpr unsigned char kReceiveMaximum = 0x21;  // a property (MQTT 5, 3.2.2.3.3)

// What the broker takes unanswered: a CONNACK is flags, reason, length, properties, and Mosquitto
// names this among the first.
std::size_t ReceiveMaximum(std::string_view connack) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(connack.at(i)); };
  if (byte(1) != 0) Fail("mqtt: the broker refuses");
  for (std::size_t i = 3; i + 2 < connack.size(); ++i) {
    if (byte(i) == kReceiveMaximum) return std::size_t{byte(i + 1)} << 8 | byte(i + 2);
    if (byte(i) == 0x22) i += 2;  // topic alias maximum, which may stand before it
  }
  return kUnansweredMax;
}

}  // namespace

MqttProducer::MqttProducer(const std::string& broker, std::string topic)
    : fd_(ConnectTo(ParseTarget(broker))), topic_(std::move(topic)) {
  LogIn();
}

MqttProducer::~MqttProducer() { close(fd_); }

void MqttProducer::LogIn() {
  SendAll(fd_, mqtt::kHello);
  mqtt::Packet packet;
  std::string_view bytes;
  while (!mqtt::TakePacket(bytes, packet)) {
    pollfd readable{fd_, POLLIN, 0};
    if (poll(&readable, 1, 10'000) != 1) Fail("mqtt: no answer at login");
    Receive();
    bytes = in_;
  }
  if (packet.head != mqtt::kConnack) Fail("mqtt: the broker says something else at login");
  opaques_.resize(std::min(ReceiveMaximum(packet.rest), kUnansweredMax));
  for (std::size_t id = opaques_.size(); id > 0; --id) free_.push_back(id);
  in_.erase(0, in_.size() - bytes.size());
}

bool MqttProducer::Receive() {
  const ssize_t count = recv(fd_, buffer_.data(), buffer_.size(), 0);
  if (count > 0) {
    in_.append(buffer_.data(), static_cast<std::size_t>(count));
    return true;
  }
  if (count == 0 || errno != EAGAIN) Fail("mqtt: the broker has gone");
  return false;
}

bool MqttProducer::Produce(std::string_view payload, std::uint64_t opaque) {
  if (free_.empty()) {
    waiting_.push_back({std::string(payload), opaque});
  } else {
    Send(payload, opaque);
  }
  return true;
}

void MqttProducer::Send(std::string_view payload, std::uint64_t opaque) {
  const std::size_t id = free_.back();
  free_.pop_back();
  opaques_[id - 1] = opaque;
  out_ += static_cast<char>(mqtt::kPublish | 2);  // QoS 1
  mqtt::PutLength(out_, 2 + topic_.size() + 2 + 1 + payload.size());
  mqtt::PutText(out_, topic_);
  out_ += static_cast<char>(id >> 8);
  out_ += static_cast<char>(id);
  out_ += '\0';  // no properties
  out_ += payload;
}

void MqttProducer::Flush() {
  if (out_.empty()) return;
  if (!SendAll(fd_, out_)) Fail("mqtt: the broker has gone");
  out_.clear();
}

void MqttProducer::Poll(const OnDelivered& on_delivered) {
  if (!Receive()) return;
  std::string_view bytes = in_;
  mqtt::Packet packet;
  while (mqtt::TakePacket(bytes, packet)) {
    if (packet.head != mqtt::kPuback) continue;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(packet.rest.at(i)); };
    const std::size_t id = std::size_t{byte(0)} << 8 | byte(1);
    const bool ok = packet.rest.size() < 3 || byte(2) < 0x80;
    on_delivered(opaques_.at(id - 1), ok);
    free_.push_back(id);
  }
  in_.erase(0, in_.size() - bytes.size());
  while (!waiting_.empty() && !free_.empty()) {
    Send(waiting_.front().payload, waiting_.front().opaque);
    waiting_.pop_front();
  }
}

}  // namespace tidegate::bench
