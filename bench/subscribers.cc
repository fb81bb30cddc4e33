#include "bench/subscribers.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace tidegate::bench {
namespace {

constexpr std::size_t kOpeningAtOnce = 128;  // below any server's accept queue
constexpr std::string_view kMark = "ts=";

}  // namespace

Subscribers::Subscribers(const Options& options)
    : target_(ParseTarget(options.Need("url"))),
      websocket_(options.Get("kind", "sse") == "ws"),
      subscribers_(static_cast<std::size_t>(options.Number("n", 1000))),
      buffer_(std::size_t{256} << 10) {
  if (!websocket_ && options.Get("kind", "sse") != "sse") Fail("--kind is sse or ws", 2);
  request_ = "GET " + target_.path + " HTTP/1.1\r\nHost: " + target_.host + ":" +
             std::to_string(target_.port) + "\r\n";
  request_ += websocket_ ? HandshakeLines() : "Accept: text/event-stream\r\n";
  for (const auto& header : options.All("header")) request_ += header + "\r\n";
  if (const auto id = options.Get("last-event-id", ""); !id.empty()) {
    request_ += "Last-Event-ID: " + id + "\r\n";
  }
  request_ += "\r\n";
}

void Subscribers::Open(std::size_t index) {
  Subscriber& subscriber = subscribers_[index];
  subscriber.fd = ConnectTo(target_);
  poller_.Add(subscriber.fd, index);
  ++opening_;
  if (!SendAll(subscriber.fd, request_)) Fail("a subscription was closed while it was asked for");
}

void Subscribers::OpenAll() {
  std::size_t next = 0;
  const std::int64_t give_up = NowNs() + 120 * kSecond;
  while (next < subscribers_.size() || opening_ > 0) {
    while (next < subscribers_.size() && opening_ < kOpeningAtOnce) Open(next++);
    for (const auto& event : poller_.Wait(NowNs() + kSecond)) Receive(event.data.u64);
    if (g_stop || NowNs() > give_up) {
      Fail(std::to_string(opening_) + " subscriptions were not answered in 120 s");
    }
  }
}

void Subscribers::Run(std::int64_t until) {
  while (!g_stop && NowNs() < until) {
    for (const auto& event : poller_.Wait(until)) Receive(event.data.u64);
  }
}

void Subscribers::Reset() {
  histogram_.Clear();
  deliveries_ = bytes_ = closed_ = garbled_ = 0;
  for (auto& subscriber : subscribers_) subscriber.deliveries = 0;
}

std::uint64_t Subscribers::least() const {
  return std::min_element(subscribers_.begin(), subscribers_.end(), [](auto& a, auto& b) {
           return a.deliveries < b.deliveries;
         })->deliveries;
}

std::uint64_t Subscribers::most() const {
  return std::max_element(subscribers_.begin(), subscribers_.end(), [](auto& a, auto& b) {
           return a.deliveries < b.deliveries;
         })->deliveries;
}

void Subscribers::Receive(std::size_t index) {
  Subscriber& subscriber = subscribers_[index];
  const ssize_t count =
      recv(subscriber.fd, buffer_.data() + kStampSize, buffer_.size() - kStampSize, 0);
  if (count <= 0) {
    if (count == 0 || errno != EAGAIN) Close(subscriber);
    return;
  }
  bytes_ += static_cast<std::uint64_t>(count);
  std::string_view bytes(buffer_.data() + kStampSize, static_cast<std::size_t>(count));
  if (!subscriber.streaming && !TakeHead(subscriber, bytes)) return;
  TakeStream(subscriber, bytes);
}

bool Subscribers::TakeHead(Subscriber& subscriber, std::string_view& bytes) {
  subscriber.kept += bytes;
  const auto end = subscriber.kept.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::string_view wanted = websocket_ ? "HTTP/1.1 101" : "HTTP/1.1 200";
  if (!std::string_view(subscriber.kept).starts_with(wanted)) {
    Fail("a subscription was refused: " + subscriber.kept.substr(0, 300));
  }
  const std::size_t rest = subscriber.kept.size() - end - 4;
  bytes.remove_prefix(bytes.size() - rest);
  subscriber.kept.clear();
  subscriber.kept.shrink_to_fit();
  subscriber.streaming = true;
  --opening_;
  return true;
}

void Subscribers::TakeStream(Subscriber& subscriber, std::string_view fresh) {
  if (websocket_) {
    const bool good = subscriber.frames.Feed(fresh, [&](int opcode, std::string_view payload) {
      if (opcode == kOpcodePing) SendAll(subscriber.fd, ClientFrame(kOpcodePong, payload));
    });
    if (!good) Fail("the server sent a frame that breaks RFC 6455");
  }
  // The begin of a stamp that came last time is put before the bytes, where room was left for it.
  char* start = const_cast<char*>(fresh.data()) - subscriber.kept.size();
  std::memcpy(start, subscriber.kept.data(), subscriber.kept.size());
  Scan(subscriber, {start, fresh.size() + subscriber.kept.size()});
}

void Subscribers::Scan(Subscriber& subscriber, std::string_view bytes) {
  const std::int64_t now = NowNs();
  std::size_t mark = bytes.find(kMark);
  std::size_t behind = 0;
  for (; mark != std::string_view::npos; mark = bytes.find(kMark, behind)) {
    if (bytes.size() - mark < kStampSize) break;
    std::int64_t stamp = 0;
    const char* digits = bytes.data() + mark + kMark.size();
    behind = mark + kStampSize;
    if (std::from_chars(digits, bytes.data() + behind, stamp).ptr != bytes.data() + behind) {
      ++garbled_;
      continue;
    }
    ++deliveries_;
    ++subscriber.deliveries;
    histogram_.Record(now - stamp);
  }
  const std::size_t last_two = std::max(behind, bytes.size() - std::min<std::size_t>(
                                                     bytes.size(), kMark.size() - 1));
  subscriber.kept.assign(bytes.substr(mark == std::string_view::npos ? last_two : mark));
}

void Subscribers::Close(Subscriber& subscriber) {
  if (!subscriber.streaming) Fail("a subscription was closed before it was answered");
  poller_.Remove(subscriber.fd);
  close(subscriber.fd);
  ++closed_;
}

}  // namespace tidegate::bench
