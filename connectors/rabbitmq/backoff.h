// How long to wait before the next attempt to connect: doubled each time up to a limit, with ±25 %
// so that many do not come at once.
// Thread: one. `random` is any number; callers give a random one, tests a chosen one.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "connectors/rabbitmq/limits.h"

namespace tidegate::rabbitmq {

class Backoff {
 public:
  std::chrono::milliseconds Next(std::uint64_t random) {
    const std::chrono::milliseconds base = next_;
    next_ = std::min<std::chrono::milliseconds>(next_ * 2, kBackoffMax);
    const auto spread = base.count() / 2;  // 75 % to 125 %
    return std::chrono::milliseconds(base.count() * 3 / 4 +
                                     static_cast<std::int64_t>(random % (spread + 1)));
  }
  void Reset() { next_ = kBackoffFirst; }

 private:
  std::chrono::milliseconds next_ = kBackoffFirst;
};

}  // namespace tidegate::rabbitmq
