// The floor of POST → broker: epoll, the least HTTP that can be called so, and librdkafka producing
// the same bytes, or AMQP frames or MQTT packets put together by hand. 202 is sent when the broker
// has confirmed. What a gateway costs beyond this is the price of what it does.
//
//   floor_post --bootstrap HOST:PORT --topic NAME [--http ADDR:PORT] [--ports-file PATH]
//              [--linger MS] [--acks all] [--idempotence true] [--property NAME=VALUE]…
//   floor_post --amqp ADDRESS:PORT --exchange NAME --routing-key KEY
//              [--http ADDR:PORT] [--ports-file PATH]
//   floor_post --mqtt ADDRESS:PORT --topic NAME [--http ADDR:PORT] [--ports-file PATH]
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "bench/amqp_producer.h"
#include "bench/kafka_producer.h"
#include "bench/mqtt_producer.h"
#include "bench/net.h"
#include "bench/options.h"

namespace tidegate::bench {
namespace {

constexpr std::uint64_t kListenerTag = ~std::uint64_t{0};
constexpr std::uint64_t kProducerTag = kListenerTag - 1;
constexpr std::string_view kAccepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kRefused = "HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n";

struct Connection {
  int fd = -1;
  std::uint32_t generation = 0;  // a report for a connection that has gone is dropped
  std::string pending;           // the begin of a request that is not whole yet
};

class PostFloor {
 public:
  PostFloor(int listener, Producer& producer) : listener_(listener), producer_(producer) {
    poller_.Add(listener_, kListenerTag);
    poller_.Add(producer_.event_fd(), kProducerTag);
  }

  void Run() {
    while (!g_stop) {
      for (const auto& event : poller_.Wait(NowNs() + kSecond)) {
        if (event.data.u64 == kListenerTag) {
          Accept();
        } else if (event.data.u64 == kProducerTag) {
          producer_.Poll([this](std::uint64_t opaque, bool ok) { Answer(opaque, ok); });
        } else {
          Receive(static_cast<std::uint32_t>(event.data.u64));
        }
      }
      producer_.Flush();
    }
  }

 private:
  void Accept() {
    for (int fd = AcceptFrom(listener_); fd >= 0; fd = AcceptFrom(listener_)) {
      std::uint32_t slot = 0;
      while (slot < connections_.size() && connections_[slot].fd >= 0) ++slot;
      if (slot == connections_.size()) connections_.emplace_back();
      connections_[slot].fd = fd;
      poller_.Add(fd, slot);
    }
  }

  void Close(Connection& connection) {
    close(connection.fd);
    connection.fd = -1;
    ++connection.generation;
    connection.pending.clear();
  }

  void Receive(std::uint32_t slot) {
    Connection& connection = connections_[slot];
    const ssize_t count = recv(connection.fd, buffer_.data(), buffer_.size(), 0);
    if (count <= 0) {
      if (count == 0 || errno != EAGAIN) Close(connection);
      return;
    }
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(count));
    if (!connection.pending.empty()) {
      connection.pending += bytes;
      bytes = connection.pending;
    }
    const std::size_t used = Handle(slot, bytes);
    if (used == bytes.size()) {
      connection.pending.clear();
    } else {
      connection.pending = std::string(bytes.substr(used));
    }
  }

  // Produces the body of one whole request; returns what it took.
  std::size_t Handle(std::uint32_t slot, std::string_view bytes) {
    const auto head = bytes.find("\r\n\r\n");
    if (head == std::string_view::npos) return 0;
    std::size_t length = 0;
    for (std::size_t line = bytes.find("\r\n"); line < head; line = bytes.find("\r\n", line + 2)) {
      constexpr std::string_view kName = "content-length:";
      if (strncasecmp(bytes.data() + line + 2, kName.data(), kName.size()) == 0) {
        length = std::strtoul(bytes.data() + line + 2 + kName.size(), nullptr, 10);
      }
    }
    const std::size_t whole = head + 4 + length;
    if (bytes.size() < whole) return 0;
    const std::uint64_t opaque = std::uint64_t{connections_[slot].generation} << 32 | slot;
    if (!producer_.Produce(bytes.substr(head + 4, length), opaque)) {
      SendAll(connections_[slot].fd, kRefused);
    }
    return whole;
  }

  void Answer(std::uint64_t opaque, bool ok) {
    Connection& connection = connections_[static_cast<std::uint32_t>(opaque)];
    if (connection.fd < 0 || connection.generation != opaque >> 32) return;
    SendAll(connection.fd, ok ? kAccepted : kRefused);
  }

  const int listener_;
  Producer& producer_;
  Poller poller_;
  std::vector<Connection> connections_;
  std::string buffer_ = std::string(std::size_t{64} << 10, '\0');
};

std::unique_ptr<Producer> MakeProducer(const Options& options) {
  const std::string amqp = options.Get("amqp", "");
  if (!amqp.empty()) {
    return std::make_unique<AmqpProducer>(amqp, options.Need("exchange"),
                                          options.Need("routing-key"));
  }
  const std::string mqtt = options.Get("mqtt", "");
  if (!mqtt.empty()) return std::make_unique<MqttProducer>(mqtt, options.Need("topic"));
  ProducerSettings settings;
  settings.bootstrap = options.Need("bootstrap");
  settings.topic = options.Need("topic");
  settings.linger_ms = options.Get("linger", settings.linger_ms);
  settings.acks = options.Get("acks", settings.acks);
  settings.idempotence = options.Get("idempotence", settings.idempotence);
  settings.properties = options.All("property");
  return std::make_unique<KafkaProducer>(settings);
}

int Run(int count, char** values) {
  const Options options(count, values,
                        {"bootstrap", "topic", "http", "ports-file", "linger", "acks",
                         "idempotence", "property", "amqp", "exchange", "routing-key", "mqtt"});
  StopOnSignals();
  int port = 0;
  const int listener = ListenOn(options.Get("http", "127.0.0.1:0"), port);
  const std::unique_ptr<Producer> producer = MakeProducer(options);
  WriteFile(options.Get("ports-file", ""), "{\"http\": \"127.0.0.1:" + std::to_string(port) +
                                               "\", \"pid\": " + std::to_string(getpid()) + "}");
  PostFloor floor(listener, *producer);
  floor.Run();
  return 0;
}

}  // namespace
}  // namespace tidegate::bench

int main(int argc, char** argv) { return tidegate::bench::Run(argc - 1, argv + 1); }
