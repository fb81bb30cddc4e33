#include "server/security/subscription_index.h"

#include <algorithm>

namespace tidegate::security {
namespace {

bool Equal(const model::ApiKey& a, const model::ApiKey& b) {
  return a.name == b.name && a.sha256 == b.sha256 && a.expire == b.expire && a.revoked == b.revoked;
}

bool Equal(const model::Subscription& a, const model::Subscription& b) {
  return a.name == b.name && a.uid == b.uid && a.api == b.api && a.plan == b.plan &&
         a.application == b.application && a.state == b.state && a.start == b.start &&
         a.end == b.end && a.keys.size() == b.keys.size() &&
         std::equal(a.keys.begin(), a.keys.end(), b.keys.begin(),
                    [](const model::ApiKey& x, const model::ApiKey& y) { return Equal(x, y); });
}

std::string_view Bytes(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

std::string_view NameOf(Validity validity) {
  switch (validity) {
    case Validity::kValid: return "valid";
    case Validity::kNotAccepted: return "not-accepted";
    case Validity::kNotStarted: return "not-started";
    case Validity::kEnded: return "ended";
    case Validity::kRevoked: return "revoked";
    case Validity::kExpired: return "expired";
  }
  return "?";
}

Validity ValidityOf(const model::Subscription& subscription, model::WallTime now) {
  if (subscription.state != model::SubscriptionState::kAccepted) return Validity::kNotAccepted;
  if (subscription.start && now < *subscription.start) return Validity::kNotStarted;
  if (subscription.end && now >= *subscription.end) return Validity::kEnded;
  return Validity::kValid;
}

Validity ValidityOf(const model::ApiKey& key, model::WallTime now) {
  if (key.revoked) return Validity::kRevoked;
  if (key.expire && now >= *key.expire) return Validity::kExpired;
  return Validity::kValid;
}

SubscriptionIndexPtr SubscriptionIndex::Build(std::vector<model::Subscription> subscriptions,
                                              const SubscriptionIndex* previous) {
  auto index = std::make_shared<SubscriptionIndex>();
  std::array<Shard, kShards> shards;
  for (model::Subscription& subscription : subscriptions) {
    SubscriptionPtr kept = previous ? previous->FindName(subscription.name) : nullptr;
    if (!kept || !Equal(*kept, subscription)) {
      kept = std::make_shared<const model::Subscription>(std::move(subscription));
    }
    if (!index->by_name_.emplace(kept->name, kept).second) continue;  // a name stands once
    for (std::size_t i = 0; i < kept->keys.size(); ++i) {
      Entry entry;
      entry.sha256 = kept->keys[i].sha256;
      entry.subscription = kept;
      entry.key = i;
      shards[ShardOf(entry.sha256)].push_back(std::move(entry));
    }
  }
  for (std::size_t i = 0; i < kShards; ++i) {
    std::sort(shards[i].begin(), shards[i].end(), [](const Entry& a, const Entry& b) {
      if (a.sha256 != b.sha256) return a.sha256 < b.sha256;
      return a.subscription->name < b.subscription->name;
    });
    if (shards[i].empty()) continue;
    if (previous && previous->shards_[i] && *previous->shards_[i] == shards[i]) {
      index->shards_[i] = previous->shards_[i];
    } else {
      index->shards_[i] = std::make_shared<const Shard>(std::move(shards[i]));
    }
  }
  return index;
}

SubscriptionIndex::Found SubscriptionIndex::FindKey(std::string_view plan,
                                                    const Sha256Digest& sha256,
                                                    model::WallTime now) const {
  const std::shared_ptr<const Shard>& shard = shards_[ShardOf(sha256)];
  if (!shard) return Found();
  auto it = std::lower_bound(
      shard->begin(), shard->end(), sha256,
      [](const Entry& entry, const Sha256Digest& wanted) { return entry.sha256 < wanted; });
  Found first;
  for (; it != shard->end() && ConstantTimeEquals(Bytes(it->sha256), Bytes(sha256)); ++it) {
    if (it->subscription->plan != plan) continue;
    Found found;
    found.subscription = it->subscription;
    found.key = &it->subscription->keys[it->key];
    const bool holds = ValidityOf(*found.subscription, now) == Validity::kValid &&
                       ValidityOf(*found.key, now) == Validity::kValid;
    if (holds) return found;
    if (!first.subscription) first = std::move(found);
  }
  return first;
}

SubscriptionPtr SubscriptionIndex::FindName(std::string_view name) const {
  auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

std::size_t SubscriptionIndex::SharedShards(const SubscriptionIndex& other) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < kShards; ++i) {
    if (shards_[i] && shards_[i] == other.shards_[i]) ++count;
  }
  return count;
}

}  // namespace tidegate::security
