// All subscriptions of one API, found by the hash of a key or by name: what workers ask.
//
// Immutable. A change builds the next index from the one before: shards and subscriptions that stay
// equal are shared, so 100,000 keys do not cost a copy per change. Published by a post to every
// worker (flow). Thread: any. Owner: shared_ptr held by each worker. Fails: never.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/base/codec.h"
#include "server/base/strings.h"
#include "server/model/subscription.h"

namespace tidegate::security {

using SubscriptionPtr = std::shared_ptr<const model::Subscription>;

// Why a subscription or a key does not hold now.
enum class Validity : std::uint8_t {
  kValid,
  kNotAccepted,
  kNotStarted,
  kEnded,
  kRevoked,
  kExpired,
};
std::string_view NameOf(Validity validity);

Validity ValidityOf(const model::Subscription& subscription, model::WallTime now);
Validity ValidityOf(const model::ApiKey& key, model::WallTime now);

class SubscriptionIndex {
 public:
  struct Found {
    SubscriptionPtr subscription;
    const model::ApiKey* key = nullptr;  // inside `subscription`
  };

  // `previous` may be null.
  static std::shared_ptr<const SubscriptionIndex> Build(
      std::vector<model::Subscription> subscriptions, const SubscriptionIndex* previous);

  // The subscription of `plan` with this key: one that holds at `now` before any other, since a key
  // may stand in a closed subscription, or be revoked under one name and go on under another. Empty
  // when there is none.
  Found FindKey(std::string_view plan, const Sha256Digest& sha256, model::WallTime now) const;
  SubscriptionPtr FindName(std::string_view name) const;
  std::size_t size() const { return by_name_.size(); }
  // Shards that this index shares with `other` (tests).
  std::size_t SharedShards(const SubscriptionIndex& other) const;

 private:
  static constexpr std::size_t kShards = 64;
  struct Entry {
    Sha256Digest sha256{};
    SubscriptionPtr subscription;
    std::size_t key = 0;
    bool operator==(const Entry& other) const {
      return sha256 == other.sha256 && subscription == other.subscription && key == other.key;
    }
  };
  using Shard = std::vector<Entry>;  // sorted by digest
  static std::size_t ShardOf(const Sha256Digest& sha256) { return sha256[0] % kShards; }

  std::array<std::shared_ptr<const Shard>, kShards> shards_;
  std::unordered_map<std::string, SubscriptionPtr, StringHash, std::equal_to<>> by_name_;
};

using SubscriptionIndexPtr = std::shared_ptr<const SubscriptionIndex>;

}  // namespace tidegate::security
