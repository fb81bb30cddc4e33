// SHA-256 of the keys that a worker saw lately, so that a busy client's key is hashed once.
//
// Direct mapped, fixed in size; holds the key's text in memory (never written anywhere).
// Thread: one worker. Owner: its worker-local state. Fails: never.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/codec.h"
#include "server/base/limits.h"

namespace tidegate::security {

class KeyCache {
 public:
  Sha256Digest Digest(std::string_view key) {
    if (key.empty() || key.size() > kCachedBytesMax) return Sha256(key);
    if (entries_.empty()) entries_.resize(kKeyCacheEntries);
    Entry& entry = entries_[std::hash<std::string_view>()(key) % kKeyCacheEntries];
    if (!ConstantTimeEquals(entry.key, key)) {
      entry.digest = Sha256(key);
      entry.key = std::string(key);
    }
    return entry.digest;
  }

 private:
  static constexpr std::size_t kCachedBytesMax = 128;
  struct Entry {
    std::string key;
    Sha256Digest digest{};
  };
  std::vector<Entry> entries_;
};

}  // namespace tidegate::security
