#include "server/flow/worker_state.h"

#include <functional>

#include "server/exchange/context.h"

namespace tidegate::flow {
namespace {

constexpr std::size_t kAddresses = 256;  // direct mapped: a busy sidecar sees few addresses

}  // namespace

void WorkerState::SetSnapshot(std::shared_ptr<const Snapshot> snapshot) {
  snapshot_ = std::make_shared<const WorkerSnapshot>(std::move(snapshot));
  streams_.Rebind(snapshot_, worker_.wheel(), services_.drain_notice);
}

void WorkerState::KeepStreams() {
  streams_.CancelSpread(worker_.wheel());
  if (snapshot_) streams_.Rebind(snapshot_, worker_.wheel(), services_.drain_notice);
}

const security::SubscriptionIndex* WorkerState::Subscriptions(std::string_view api) const {
  auto it = subscriptions_.find(api);
  return it == subscriptions_.end() ? nullptr : it->second.get();
}

void WorkerState::SetSubscriptions(const std::string& api, security::SubscriptionIndexPtr index) {
  streams_.Check(api, *index, std::chrono::system_clock::now());
  if (index->size() == 0) {
    subscriptions_.erase(api);
  } else {
    subscriptions_[api] = std::move(index);
  }
}

const std::string& WorkerState::AddressIdentifier(const std::string& address) {
  if (addresses_.empty()) addresses_.resize(kAddresses);
  AddressEntry& entry = addresses_[std::hash<std::string>()(address) % kAddresses];
  if (entry.address != address) {
    entry.identifier = exchange::AddressIdentifier(address);
    entry.address = address;
  }
  return entry.identifier;
}

telemetry::Gauge* WorkerState::ActiveStreams(const std::string& entrypoint,
                                             const std::string& listener) {
  for (const ActiveEntry& entry : active_) {
    if (entry.entrypoint == entrypoint && entry.listener == listener) return entry.gauge;
  }
  ActiveEntry entry;
  entry.entrypoint = entrypoint;
  entry.listener = listener;
  entry.gauge = flow::ActiveStreams(entrypoint, listener);
  active_.push_back(std::move(entry));
  return active_.back().gauge;
}

void WorkerState::Recheck(LiveStream& stream) {
  if (snapshot_) StreamRegistry::RebindOne(stream, snapshot_);
  if (!stream.has_key) return;
  StreamRegistry::CheckOne(stream, IndexOf(stream.context->api),
                           std::chrono::system_clock::now());
}

const security::SubscriptionIndex& WorkerState::IndexOf(const std::string& api) const {
  static const security::SubscriptionIndex kNone;
  const security::SubscriptionIndex* index = Subscriptions(api);
  return index != nullptr ? *index : kNone;
}

void WorkerState::WatchExpiry() {
  if (!armed()) worker_.wheel().Arm(*this, kStreamCheckEvery);
}

void WorkerState::OnTimer() {
  streams_.CheckAll([this](const std::string& api) -> const auto& { return IndexOf(api); },
                    std::chrono::system_clock::now());
  if (streams_.HasKeyed()) WatchExpiry();
}

}  // namespace tidegate::flow
