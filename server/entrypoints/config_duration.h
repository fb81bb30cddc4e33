// google.protobuf.Duration in milliseconds; what is shorter than one becomes one. A template, so
// that this header names no generated code.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace tidegate::entrypoints {

template <typename Duration>
std::chrono::milliseconds ToMilliseconds(const Duration& duration) {
  const std::int64_t ms = duration.seconds() * 1000 + duration.nanos() / 1'000'000;
  if (ms == 0 && duration.nanos() > 0) return std::chrono::milliseconds(1);
  return std::chrono::milliseconds(std::max<std::int64_t>(ms, 0));
}

}  // namespace tidegate::entrypoints
