// The wall clock as brokers and clients of the admin API write it.
// Thread: any.
#pragma once

#include <chrono>
#include <cstdint>

namespace tidegate {

// Milliseconds since 1970-01-01 UTC.
inline std::int64_t UnixMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace tidegate
