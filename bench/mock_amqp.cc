// A RabbitMQ stand-in that takes everything, keeps nothing and confirms at once, many with one
// word: what publishing costs a gateway is seen, not what a broker can take. It knows the methods
// of a publisher with confirms and no other.
//
//   mock_amqp --ports-file PATH [--amqp ADDR:PORT]     runs until SIGTERM
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/amqp_wire.h"
#include "bench/net.h"
#include "bench/options.h"

namespace tidegate::bench {
namespace {

constexpr std::uint64_t kListenerTag = ~std::uint64_t{0};
constexpr unsigned kFrameMax = 131072;

struct Peer {
  int fd = -1;
  bool greeted = false;
  std::string pending;           // the begin of a frame that is not whole yet
  std::uint64_t body_left = 0;   // of the message under way
  std::uint64_t published = 0;   // on its channel: the tag of a confirm
  std::uint64_t confirmed = 0;
  unsigned channel = 0;          // where it publishes; one is enough
};

class Broker {
 public:
  explicit Broker(int listener) : listener_(listener) { poller_.Add(listener_, kListenerTag); }

  void Run() {
    while (!g_stop) {
      for (const auto& event : poller_.Wait(NowNs() + kSecond)) {
        if (event.data.u64 == kListenerTag) {
          Accept();
        } else {
          Receive(*peers_[event.data.u64]);
        }
      }
    }
  }

 private:
  void Accept() {
    for (int fd = AcceptFrom(listener_); fd >= 0; fd = AcceptFrom(listener_)) {
      peers_.push_back(std::make_unique<Peer>());
      peers_.back()->fd = fd;
      poller_.Add(fd, peers_.size() - 1);
    }
  }

  void Receive(Peer& peer) {
    const ssize_t count = recv(peer.fd, buffer_.data(), buffer_.size(), 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      close(peer.fd);
      peer = Peer();
      return;
    }
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(count));
    if (!peer.pending.empty()) {
      peer.pending += bytes;
      bytes = peer.pending;
    }
    out_.clear();
    if (!peer.greeted && bytes.size() >= amqp::kGreeting.size()) {
      peer.greeted = true;
      bytes.remove_prefix(amqp::kGreeting.size());
      SayStart();
    }
    amqp::Frame frame;
    while (peer.greeted && amqp::TakeFrame(bytes, frame)) Hear(peer, frame);
    peer.pending = std::string(bytes);
    if (peer.confirmed < peer.published) {
      peer.confirmed = peer.published;
      std::string arguments;
      amqp::Put(arguments, peer.published, 8);
      amqp::Put(arguments, 1, 1);  // multiple
      amqp::PutMethod(out_, peer.channel, amqp::kAck, arguments);
    }
    if (!out_.empty()) SendAll(peer.fd, out_);
  }

  void SayStart() {
    std::string arguments;
    amqp::Put(arguments, 0x0009, 2);
    amqp::PutLong(arguments, "");  // no server properties
    amqp::PutLong(arguments, "PLAIN");
    amqp::PutLong(arguments, "en_US");
    amqp::PutMethod(out_, 0, amqp::kStart, arguments);
  }

  void Hear(Peer& peer, const amqp::Frame& frame) {
    switch (frame.type) {
      case amqp::kMethod: return Answer(peer, frame);
      case amqp::kHeartbeat: return amqp::PutFrame(out_, amqp::kHeartbeat, 0, "");
      case amqp::kHeader: {
        if (frame.payload.size() < 12) Fail("a content header that is too short");
        peer.channel = frame.channel;
        peer.body_left = amqp::Get(frame.payload.data() + 4, 8);
        break;
      }
      default: peer.body_left -= std::min<std::uint64_t>(peer.body_left, frame.payload.size());
    }
    if (peer.body_left == 0) ++peer.published;
  }

  void Answer(Peer& peer, const amqp::Frame& frame) {
    using amqp::PutMethod;
    switch (frame.method()) {
      case amqp::kStartOk: {
        std::string arguments;
        amqp::Put(arguments, 2047, 2);
        amqp::Put(arguments, kFrameMax, 4);
        amqp::Put(arguments, 60, 2);
        return PutMethod(out_, 0, amqp::kTune, arguments);
      }
      case amqp::kOpen: return PutMethod(out_, 0, amqp::kOpenOk, std::string(1, '\0'));
      case amqp::kChannelOpen:
        peer.published = peer.confirmed = 0;
        return PutMethod(out_, frame.channel, amqp::kChannelOpenOk, std::string(4, '\0'));
      case amqp::kExchangeDeclare:
        return PutMethod(out_, frame.channel, amqp::kExchangeDeclareOk);
      case amqp::kConfirmSelect: return PutMethod(out_, frame.channel, amqp::kConfirmSelectOk);
      case amqp::kChannelClose: return PutMethod(out_, frame.channel, amqp::kChannelCloseOk);
      case amqp::kClose: return PutMethod(out_, 0, amqp::kCloseOk);
      case amqp::kTuneOk:
      case amqp::kPublish:
      case amqp::kChannelCloseOk: return;
      default: Fail("a method that this stand-in does not know: " +
                    std::to_string(frame.method() >> 16) + "." +
                    std::to_string(frame.method() & 0xFFFF));
    }
  }

  const int listener_;
  Poller poller_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::string buffer_ = std::string(std::size_t{256} << 10, '\0');
  std::string out_;
};

int Run(int count, char** values) {
  const Options options(count, values, {"ports-file", "amqp"});
  StopOnSignals();
  int port = 0;
  const int listener = ListenOn(options.Get("amqp", "127.0.0.1:0"), port);
  WriteFile(options.Need("ports-file"), "{\"amqp\": \"127.0.0.1:" + std::to_string(port) +
                                            "\", \"pid\": " + std::to_string(getpid()) + "}");
  Broker(listener).Run();
  return 0;
}

}  // namespace
}  // namespace tidegate::bench

int main(int argc, char** argv) { return tidegate::bench::Run(argc - 1, argv + 1); }
