// Mode post. Closed loop: each connection sends when it has its answer; for CPU per request.
// Open loop (--rate): requests have an intended time, and latency counts from there, so a server
// that stalls is charged for all who would have come meanwhile (coordinated omission).
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "bench/histogram.h"
#include "bench/modes.h"
#include "bench/net.h"
#include "bench/options.h"
#include "bench/report.h"

namespace tidegate::bench {
namespace {

struct Connection {
  int fd = -1;
  std::int64_t intended = 0;  // of the request that is under way; 0: none is
  std::string answer;
};

class PostLoad {
 public:
  explicit PostLoad(const Options& options)
      : target_(ParseTarget(options.Need("url"))),
        rate_(options.Number("rate", 0)),
        expect_(static_cast<int>(options.Number("expect", 202))),
        pids_(options.Pids()) {
    const auto size = static_cast<std::size_t>(options.Number("size", 1024));
    request_ = "POST " + target_.path + " HTTP/1.1\r\nHost: " + target_.host + ":" +
               std::to_string(target_.port) + "\r\nContent-Type: application/octet-stream\r\n";
    for (const auto& header : options.All("header")) request_ += header + "\r\n";
    request_ += "Content-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
    connections_.resize(static_cast<std::size_t>(options.Number("connections", 64)));
    for (std::size_t index = 0; index < connections_.size(); ++index) Open(index);
  }

  int Run(const Options& options) {
    const double warmup = options.Number("warmup", 1);
    const double duration = options.Number("duration", 8);
    const std::int64_t begin = NowNs();
    next_ = begin;
    const auto measure_from = begin + static_cast<std::int64_t>(warmup * 1e9);
    const auto end = measure_from + static_cast<std::int64_t>(duration * 1e9);
    Loop(measure_from);
    histogram_.Clear();
    done_ = errors_ = 0;
    const ProcessStats before = ReadStats(pids_);
    const std::int64_t from = NowNs();
    Loop(end);
    const double seconds = static_cast<double>(NowNs() - from) / 1e9;
    const ProcessStats after = ReadStats(pids_);
    Report report("post");
    report.Text("name", options.Get("name", ""))
        .Number("connections", static_cast<double>(connections_.size()))
        .Number("rate", rate_)
        .Number("seconds", seconds)
        .Number("count", static_cast<double>(done_))
        .Number("errors", static_cast<double>(errors_))
        .Number("per_second", static_cast<double>(done_) / seconds)
        .Number("behind", static_cast<double>(waiting_.size()))
        .Latency(histogram_)
        .Cpu(before, after, static_cast<double>(done_))
        .Number("cpu_share", (after.user_us + after.system_us - before.user_us -
                              before.system_us) / seconds / 1e6)
        .Print();
    return 0;
  }

 private:
  void Open(std::size_t index) {
    Connection& connection = connections_[index];
    connection.fd = ConnectTo(target_);
    connection.intended = 0;
    connection.answer.clear();
    poller_.Add(connection.fd, index);
    free_.push_back(index);
  }

  void Loop(std::int64_t until) {
    while (!g_stop) {
      const std::int64_t now = NowNs();
      if (now >= until) return;
      Send(now);
      const std::int64_t wake = rate_ > 0 ? std::min(until, next_) : until;
      for (const auto& event : poller_.Wait(wake)) Receive(event.data.u64);
    }
  }

  void Send(std::int64_t now) {
    if (rate_ > 0) {
      for (; next_ <= now; next_ += static_cast<std::int64_t>(1e9 / rate_)) {
        waiting_.push_back(next_);
      }
    }
    while (!free_.empty() && (rate_ == 0 || !waiting_.empty())) {
      const std::size_t index = free_.back();
      free_.pop_back();
      Connection& connection = connections_[index];
      connection.intended = NowNs();
      if (rate_ > 0) {
        connection.intended = waiting_.front();
        waiting_.pop_front();
      }
      if (!SendAll(connection.fd, request_)) Reopen(index);
    }
  }

  void Reopen(std::size_t index) {
    ++errors_;
    std::erase(free_, index);
    poller_.Remove(connections_[index].fd);
    close(connections_[index].fd);
    Open(index);
  }

  void Receive(std::size_t index) {
    Connection& connection = connections_[index];
    char buffer[16384];
    const ssize_t count = recv(connection.fd, buffer, sizeof buffer, 0);
    if (count <= 0) {
      if (count == 0 || errno != EAGAIN) Reopen(index);
      return;
    }
    connection.answer.append(buffer, static_cast<std::size_t>(count));
    const auto head = connection.answer.find("\r\n\r\n");
    if (head == std::string::npos) return;
    if (connection.answer.size() < head + 4 + BodyLength(connection.answer, head)) return;
    const int status = std::atoi(connection.answer.c_str() + sizeof "HTTP/1.1");
    if (connection.intended != 0) Count(status, connection);
    connection.answer.clear();
    connection.intended = 0;
    free_.push_back(index);
  }

  static std::size_t BodyLength(const std::string& answer, std::size_t head) {
    for (auto line = answer.find("\r\n"); line < head; line = answer.find("\r\n", line + 2)) {
      const char* text = answer.c_str() + line + 2;
      constexpr std::string_view kLength = "content-length:", kCoding = "transfer-encoding:";
      if (strncasecmp(text, kLength.data(), kLength.size()) == 0) {
        return std::strtoul(text + kLength.size(), nullptr, 10);
      }
      if (strncasecmp(text, kCoding.data(), kCoding.size()) == 0) {
        Fail("answers to POST in chunks are not understood");
      }
    }
    return 0;
  }

  void Count(int status, const Connection& connection) {
    if (status != expect_) {
      if (++errors_ == 1) std::fprintf(stderr, "bench: %.300s\n", connection.answer.c_str());
      return;
    }
    ++done_;
    histogram_.Record(NowNs() - connection.intended);
  }

  const Target target_;
  const double rate_;
  const int expect_;
  const std::vector<int> pids_;
  std::string request_;
  Poller poller_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> free_;      // connections without a request under way
  std::deque<std::int64_t> waiting_;   // intended times without a free connection
  std::int64_t next_ = 0;
  Histogram histogram_;
  std::uint64_t done_ = 0;
  std::uint64_t errors_ = 0;
};

}  // namespace

int RunPost(int count, char** values) {
  const Options options(count, values, {"url", "connections", "size", "duration", "warmup", "rate",
                                        "header", "pid", "name", "expect"});
  PostLoad load(options);
  return load.Run(options);
}

}  // namespace tidegate::bench
