// Whether messages come so fast that waiting for company pays: more than kCoalesceRate a second,
// looked at every quarter of a second.
//
// Thread: one worker. Owner: who hands messages on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "server/base/limits.h"
#include "server/base/task.h"

namespace tidegate::flow {

class DeliveryRate {
 public:
  DeliveryRate() : since_(Clock::now()) {}

  void Count(std::size_t messages) {
    counted_ += messages;
    const TimePoint now = Clock::now();
    const auto span = std::chrono::duration_cast<std::chrono::milliseconds>(now - since_);
    if (span < std::chrono::milliseconds(250)) return;
    fast_ = static_cast<std::int64_t>(counted_) * 1000 > kCoalesceRate * span.count();
    counted_ = 0;
    since_ = now;
  }
  bool fast() const { return fast_; }

 private:
  bool fast_ = false;
  std::size_t counted_ = 0;
  TimePoint since_;
};

}  // namespace tidegate::flow
