// Which workers are stuck: those that have left a beat unanswered for too long. Where no beat was
// sent, because whoever sends them was busy itself, nobody owes an answer.
//
// Thread: Sent on one; IsStuck on any. Owner: the lifecycle.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "server/base/task.h"

namespace tidegate::sidecar {

class BeatWatch {
 public:
  explicit BeatWatch(std::size_t workers) : waiting_since_(workers) {}

  // A beat is about to be sent to this worker, which has answered last at `answered`.
  void Sent(std::size_t worker, TimePoint now, TimePoint answered) {
    std::atomic<std::int64_t>& since = waiting_since_[worker];
    const std::int64_t first = since.load(std::memory_order_relaxed);
    if (first == 0 || Ticks(answered) >= first) since.store(Ticks(now), std::memory_order_relaxed);
  }
  bool IsStuck(std::size_t worker, TimePoint now, TimePoint answered) const {
    const std::int64_t first = waiting_since_[worker].load(std::memory_order_relaxed);
    return first != 0 && Ticks(answered) < first &&
           now - TimePoint(Clock::duration(first)) > kPatience;
  }

 private:
  static constexpr auto kPatience = std::chrono::seconds(5);
  static std::int64_t Ticks(TimePoint time) { return time.time_since_epoch().count(); }

  std::vector<std::atomic<std::int64_t>> waiting_since_;  // of the first beat without an answer
};

}  // namespace tidegate::sidecar
