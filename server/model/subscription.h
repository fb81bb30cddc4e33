// Applications, subscriptions and keys: resources of their own that act at once (DESIGN §7).
// Thread: immutable values. Owner: the subscription index (server/security) and the store.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/base/codec.h"

namespace tidegate::model {

enum class SubscriptionState : std::uint8_t { kPending, kAccepted, kPaused, kRejected, kClosed };

using WallTime = std::chrono::system_clock::time_point;

struct ApiKey {
  std::string name;
  Sha256Digest sha256{};
  std::optional<WallTime> expire;
  bool revoked = false;
};

struct Subscription {
  std::string name;         // short
  std::string uid;          // the client identifier of its consumers
  std::string api;          // short
  std::string plan;         // short
  std::string application;  // short
  SubscriptionState state = SubscriptionState::kPending;
  std::optional<WallTime> start;
  std::optional<WallTime> end;
  std::vector<ApiKey> keys;
};

}  // namespace tidegate::model
