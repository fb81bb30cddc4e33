// When a connection that was lost is tried again, and when not: readers and publishers alike.
//
// Thread: pure, apart from the thread's random numbers.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "connectors/mqtt5/limits.h"
#include "server/base/codec.h"
#include "server/base/error_class.h"

namespace tidegate::mqtt5 {

// Another attempt with the same settings would end the same way.
inline bool IsPermanent(ErrorClass error_class) {
  return error_class == ErrorClass::kConfigInvalid || error_class == ErrorClass::kAuthFailed ||
         error_class == ErrorClass::kNotAuthorized || error_class == ErrorClass::kTlsFailed;
}

// Doubled each time, a quarter more or less by chance, so that many do not come at once.
inline std::chrono::milliseconds BackoffOf(int attempt) {
  auto pause = std::chrono::milliseconds(kBackoffFirst) * (1 << std::min(attempt, 5));
  pause = std::min(pause, std::chrono::milliseconds(kBackoffMax));
  const auto spread = static_cast<std::uint64_t>(pause.count()) / 2;
  return pause * 3 / 4 + std::chrono::milliseconds(RandomUint64() % (spread + 1));
}

}  // namespace tidegate::mqtt5
