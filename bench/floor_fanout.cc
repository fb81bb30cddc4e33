// The floor of fan-out: one buffer, framed once, sent to every connected socket by one thread. It
// answers any request with the head of an event stream and makes its own messages, so nothing but
// the sending is measured. With a window several messages leave in one send.
//
//   floor_fanout --rate PER_SECOND --size BYTES [--window-ms MS] [--http ADDR:PORT]
//                [--ports-file PATH]
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/net.h"
#include "bench/options.h"

namespace tidegate::bench {
namespace {

constexpr std::uint64_t kListenerTag = ~std::uint64_t{0};
constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

class FanoutFloor {
 public:
  FanoutFloor(int listener, double rate, std::size_t size, double window_ms)
      : listener_(listener),
        interval_(static_cast<std::int64_t>(1e9 / rate)),
        window_(static_cast<std::int64_t>(window_ms * 1e6)),
        padding_(size > 23 ? size - 23 : 0, 'x') {
    poller_.Add(listener_, kListenerTag);
  }

  void Run() {
    std::int64_t next_message = NowNs() + interval_;
    while (!g_stop) {
      const std::int64_t due = std::max(next_message, last_send_ + window_);
      for (const auto& event : poller_.Wait(due)) Handle(event.data.u64);
      const std::int64_t now = NowNs();
      if (now < due) continue;
      std::string frames;
      for (; next_message <= now; next_message += interval_) frames += Frame(next_message);
      Send(frames);
      last_send_ = now;
    }
  }

 private:
  // The intended time goes into the message: late sending counts as latency.
  std::string Frame(std::int64_t time) const {
    char stamp[32];
    std::snprintf(stamp, sizeof stamp, "ts=%019lld;", static_cast<long long>(time));
    return "data: " + std::string(stamp) + padding_ + "\n\n";
  }

  void Handle(std::uint64_t tag) {
    if (tag == kListenerTag) {
      for (int fd = AcceptFrom(listener_); fd >= 0; fd = AcceptFrom(listener_)) {
        poller_.Add(fd, static_cast<std::uint64_t>(fd));
      }
      return;
    }
    char request[4096];
    const int fd = static_cast<int>(tag);
    const ssize_t count = recv(fd, request, sizeof request, 0);
    if (count > 0) {
      SendAll(fd, kHead);
      subscribers_.push_back(fd);
    } else if (count == 0 || errno != EAGAIN) {
      std::erase(subscribers_, fd);
      close(fd);
    }
  }

  void Send(const std::string& frames) {
    for (const int fd : subscribers_) {
      // Who does not read loses messages here; tg_bench reports what is missing.
      if (send(fd, frames.data(), frames.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) ++lost_;
    }
  }

  const int listener_;
  const std::int64_t interval_;
  const std::int64_t window_;
  const std::string padding_;
  std::int64_t last_send_ = 0;
  std::uint64_t lost_ = 0;
  Poller poller_;
  std::vector<int> subscribers_;
};

int Run(int count, char** values) {
  const Options options(count, values, {"rate", "size", "window-ms", "http", "ports-file"});
  StopOnSignals();
  int port = 0;
  const int listener = ListenOn(options.Get("http", "127.0.0.1:0"), port);
  WriteFile(options.Get("ports-file", ""), "{\"http\": \"127.0.0.1:" + std::to_string(port) +
                                               "\", \"pid\": " + std::to_string(getpid()) + "}");
  FanoutFloor floor(listener, options.Number("rate", 50),
                    static_cast<std::size_t>(options.Number("size", 256)),
                    options.Number("window-ms", 0));
  floor.Run();
  return 0;
}

}  // namespace
}  // namespace tidegate::bench

int main(int argc, char** argv) { return tidegate::bench::Run(argc - 1, argv + 1); }
