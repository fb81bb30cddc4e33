#include "server/flow/stream_caps.h"

#include <functional>

namespace tidegate::flow {

// Addresses hold no slash and subscriptions always do: the two share the maps.
bool StreamCaps::Enter(const std::string& subscription, const std::string& address) {
  if (!Add(address, per_address_)) return false;
  if (subscription.empty() || Add(subscription, per_subscription_)) return true;
  Remove(address);
  return false;
}

void StreamCaps::Leave(const std::string& subscription, const std::string& address) {
  Remove(address);
  if (!subscription.empty()) Remove(subscription);
}

bool StreamCaps::Add(const std::string& key, std::uint32_t most) {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  std::uint32_t& count = shard.open[key];
  if (count >= most) return false;
  ++count;
  return true;
}

void StreamCaps::Remove(const std::string& key) {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.open.find(key);
  if (found != shard.open.end() && --found->second == 0) shard.open.erase(found);
}

StreamCaps::Shard& StreamCaps::ShardOf(const std::string& key) {
  return shards_[std::hash<std::string>()(key) % kShards];
}

}  // namespace tidegate::flow
