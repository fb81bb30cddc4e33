// Bytes eight at a time, for checks that look at every byte of a request.
// Thread: any.
#pragma once

#include <cstdint>
#include <cstring>

namespace tidegate {

// The eight bytes at `at`, which need not be aligned, in the machine's order.
inline std::uint64_t Load8(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

}  // namespace tidegate
