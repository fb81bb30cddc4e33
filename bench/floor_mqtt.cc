// The floor of MQTT → WebSocket: epoll, the least MQTT 5 client that can be called so (QoS 1, a
// PUBACK for each message, those of one read in one send) and each message in a frame to whoever
// asked for a WebSocket last. What a gateway costs beyond this is the price of what it does.
//
//   floor_mqtt --mqtt ADDRESS:PORT --topic NAME [--http ADDR:PORT] [--ports-file PATH]
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "bench/mqtt_wire.h"
#include "bench/net.h"
#include "bench/options.h"

namespace tidegate::bench {
namespace {

constexpr std::uint64_t kListenerTag = 0;
constexpr std::uint64_t kBrokerTag = 1;
constexpr std::uint64_t kClientTag = 2;
constexpr std::string_view kUpgrade =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

using mqtt::Packet;
using mqtt::PacketType;

class ReadFloor {
 public:
  ReadFloor(int listener, const std::string& broker, const std::string& topic)
      : listener_(listener), broker_(ConnectTo(ParseTarget(broker))) {
    LogIn(topic);
    poller_.Add(listener_, kListenerTag);
    poller_.Add(broker_, kBrokerTag);
  }

  void Run() {
    while (!g_stop) {
      for (const auto& event : poller_.Wait(NowNs() + kSecond)) {
        switch (event.data.u64) {
          case kListenerTag: Accept(); break;
          case kBrokerTag: Receive(); break;
          default: HearClient();
        }
      }
    }
  }

 private:
  void LogIn(const std::string& topic) {
    SendAll(broker_, mqtt::kHello);
    Await(mqtt::kConnack);
    std::string rest("\0\1\0", 3);  // packet identifier 1, no properties
    mqtt::PutText(rest, topic);
    rest += '\1';  // QoS 1
    std::string packet(1, static_cast<char>(mqtt::kSubscribe));
    mqtt::PutLength(packet, rest.size());
    SendAll(broker_, packet + rest);
    Await(mqtt::kSuback);
  }

  void Await(PacketType type) {
    Packet packet;
    std::string_view bytes = in_;
    while (!mqtt::TakePacket(bytes, packet)) {
      pollfd readable{broker_, POLLIN, 0};
      if (poll(&readable, 1, 10'000) != 1) Fail("mqtt: no answer at login");
      Read();
      bytes = in_;
    }
    if (packet.head != type) Fail("mqtt: the broker says something else at login");
    in_.erase(0, in_.size() - bytes.size());
  }

  void Read() {
    const ssize_t count = recv(broker_, buffer_.data(), buffer_.size(), 0);
    if (count > 0) in_.append(buffer_.data(), static_cast<std::size_t>(count));
    if (count == 0 || (count < 0 && errno != EAGAIN)) Fail("mqtt: the broker has gone");
  }

  void Accept() {
    const int fd = AcceptFrom(listener_);
    if (fd < 0) return;
    if (client_ >= 0) close(client_);
    client_ = fd;
    poller_.Add(fd, kClientTag);
  }

  void HearClient() {
    const ssize_t count = recv(client_, buffer_.data(), buffer_.size(), 0);
    if (count > 0) {
      SendAll(client_, kUpgrade);  // the only thing that a client here says
    } else if (count == 0 || errno != EAGAIN) {
      close(client_);
      client_ = -1;
    }
  }

  void Receive() {
    Read();
    std::string_view bytes = in_;
    Packet packet;
    while (mqtt::TakePacket(bytes, packet)) {
      if ((packet.head & 0xF0) == mqtt::kPublish) Hear(packet);
    }
    in_.erase(0, in_.size() - bytes.size());
    if (!acks_.empty() && !SendAll(broker_, acks_)) Fail("mqtt: the broker has gone");
    acks_.clear();
    if (!frames_.empty() && client_ >= 0) SendAll(client_, frames_);
    frames_.clear();
  }

  void Hear(const Packet& packet) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(packet.rest.at(i)); };
    std::size_t at = 2 + (std::size_t{byte(0)} << 8 | byte(1));
    if ((packet.head & 6) != 0) {
      acks_ += static_cast<char>(mqtt::kPuback);
      acks_ += '\2';
      acks_ += packet.rest.substr(at, 2);
      at += 2;
    }
    at += 1 + std::size_t{byte(at)};  // properties, shorter than 128 bytes
    const std::string_view content = packet.rest.substr(at);
    if (content.size() > 65535) Fail("mqtt: a message larger than this floor carries");
    frames_ += '\x82';
    if (content.size() < 126) {
      frames_ += static_cast<char>(content.size());
    } else {
      frames_ += '\x7e';
      frames_ += static_cast<char>(content.size() >> 8);
      frames_ += static_cast<char>(content.size());
    }
    frames_ += content;
  }

  const int listener_;
  const int broker_;
  int client_ = -1;
  Poller poller_;
  std::string in_;
  std::string acks_;
  std::string frames_;
  std::string buffer_ = std::string(std::size_t{64} << 10, '\0');
};

int Run(int count, char** values) {
  const Options options(count, values, {"mqtt", "topic", "http", "ports-file"});
  StopOnSignals();
  int port = 0;
  const int listener = ListenOn(options.Get("http", "127.0.0.1:0"), port);
  ReadFloor floor(listener, options.Need("mqtt"), options.Need("topic"));
  WriteFile(options.Get("ports-file", ""), "{\"http\": \"127.0.0.1:" + std::to_string(port) +
                                               "\", \"pid\": " + std::to_string(getpid()) + "}");
  floor.Run();
  return 0;
}

}  // namespace
}  // namespace tidegate::bench

int main(int argc, char** argv) { return tidegate::bench::Run(argc - 1, argv + 1); }
