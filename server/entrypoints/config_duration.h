// google.protobuf.Duration in milliseconds; what is shorter than one becomes one.
#pragma once

#include <google/protobuf/duration.pb.h>

#include <algorithm>
#include <chrono>

namespace tidegate::entrypoints {

inline std::chrono::milliseconds ToMilliseconds(const google::protobuf::Duration& duration) {
  const std::int64_t ms = duration.seconds() * 1000 + duration.nanos() / 1'000'000;
  if (ms == 0 && duration.nanos() > 0) return std::chrono::milliseconds(1);
  return std::chrono::milliseconds(std::max<std::int64_t>(ms, 0));
}

}  // namespace tidegate::entrypoints
