// How long to wait before a connection is tried again.
//
// Thread: pure, apart from the thread's random numbers.
#pragma once

#include <algorithm>
#include <chrono>

#include "connectors/solace/limits.h"
#include "server/base/codec.h"
#include "server/base/error_class.h"

namespace tidegate::solace {

// Doubling from kBackoffMin to kBackoffMax, a quarter more or less by chance, so that many
// gateways do not come at once. Refused credentials wait kLockOutPause.
inline std::chrono::milliseconds BackoffPause(int failures, ErrorClass error_class) {
  using std::chrono::milliseconds;
  if (error_class == ErrorClass::kAuthFailed) return milliseconds(kLockOutPause);
  const milliseconds longest(kBackoffMax);
  const milliseconds pause =
      std::min(longest, milliseconds(kBackoffMin) * (1L << std::clamp(failures, 0, 10)));
  const auto half = static_cast<std::uint64_t>(pause.count() / 2);
  return pause - milliseconds(half / 2) + milliseconds(RandomUint64() % (half + 1));
}

}  // namespace tidegate::solace
