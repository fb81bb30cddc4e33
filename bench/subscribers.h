// Many subscribers in one thread: opens them, reads what comes, counts messages by the timestamp
// in each payload: "ts=" and 19 digits of CLOCK_MONOTONIC nanoseconds, written by `tg_bench pub`.
//
// Thread: one. Owner: the modes subs and idle. Fails: a refused subscription ends the program; one
// that is closed later is counted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/histogram.h"
#include "bench/net.h"
#include "bench/options.h"
#include "bench/websocket.h"

namespace tidegate::bench {

constexpr std::size_t kStampSize = 22;  // "ts=" and the digits

class Subscribers {
 public:
  explicit Subscribers(const Options& options);

  // Connects all, a few at a time, and waits for the heads of their answers.
  void OpenAll();
  // Reads until then.
  void Run(std::int64_t until);
  // Starts counting anew.
  void Reset();

  std::size_t size() const { return subscribers_.size(); }
  std::uint64_t deliveries() const { return deliveries_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t closed() const { return closed_; }
  std::uint64_t garbled() const { return garbled_; }
  std::uint64_t least() const;  // deliveries of the subscriber that had the fewest
  std::uint64_t most() const;
  const Histogram& histogram() const { return histogram_; }

 private:
  struct Subscriber {
    int fd = -1;
    bool streaming = false;
    std::uint64_t deliveries = 0;
    std::string kept;  // of the head before it is whole; later a message's begin
    FrameWalker frames;
  };

  void Open(std::size_t index);
  void Receive(std::size_t index);
  // Returns the stream's first bytes once the head is whole.
  bool TakeHead(Subscriber& subscriber, std::string_view& bytes);
  void TakeStream(Subscriber& subscriber, std::string_view fresh);
  void Scan(Subscriber& subscriber, std::string_view bytes);
  void Close(Subscriber& subscriber);

  const Target target_;
  const bool websocket_;
  std::string request_;
  Poller poller_;
  std::vector<Subscriber> subscribers_;
  std::vector<char> buffer_;
  std::size_t opening_ = 0;  // asked, not answered
  Histogram histogram_;
  std::uint64_t deliveries_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t closed_ = 0;
  std::uint64_t garbled_ = 0;
};

}  // namespace tidegate::bench
