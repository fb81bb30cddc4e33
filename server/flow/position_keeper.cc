#include "server/flow/position_keeper.h"

#include <utility>

#include "server/base/limits.h"
#include "server/base/log.h"

namespace tidegate::flow {

PositionKeeper::PositionKeeper(connectors::ConnectorPtr connector)
    : connector_(std::move(connector)) {}

std::optional<connectors::Position> PositionKeeper::Recent(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(name);
  if (it == entries_.end()) return std::nullopt;
  const Entry& entry = it->second;
  const bool fresh = Clock::now() - entry.noted < kPositionFresh;
  if (!entry.dirty && !entry.storing && !fresh) return std::nullopt;
  return entry.latest;
}

Task<StatusOr<std::optional<connectors::Position>>> PositionKeeper::Load(std::string name,
                                                                         net::Worker& worker) {
  std::optional<connectors::Position> recent = Recent(name);
  if (recent) co_return recent;
  connectors::PositionStore* store = connector_->positions();
  if (store == nullptr) co_return std::optional<connectors::Position>();
  co_return co_await store->Load(std::move(name), worker);
}

void PositionKeeper::Note(const std::string& name, connectors::Position position,
                          net::Worker& worker) {
  if (connector_->positions() == nullptr || name.empty() || position.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    const TimePoint now = Clock::now();
    if (entries_.size() >= kPositionsTracked) SweepLocked(now);
    Entry& entry = entries_[name];
    entry.noted = now;
    entry.latest = std::move(position);
    if (!entry.dirty) {
      entry.dirty = true;
      if (!entry.storing) queue_.push_back(name);
    }
  }
  Pump(worker);
}

bool PositionKeeper::idle() const {
  const std::lock_guard lock(mutex_);
  return running_ == 0 && queue_.empty();
}

void PositionKeeper::Pump(net::Worker& worker) {
  {
    const std::lock_guard lock(mutex_);
    if (running_ >= kPositionStoresMax || running_ >= queue_.size()) return;
    ++running_;
  }
  worker.Spawn("positions.store", StoreAll(shared_from_this(), worker));
}

Task<void> PositionKeeper::StoreAll(std::shared_ptr<PositionKeeper> self, net::Worker& worker) {
  for (;;) {
    std::string name;
    connectors::Position position;
    if (!self->TakeLocked(name, position)) co_return;
    connectors::PositionStore* store = self->connector_->positions();
    const Status status = co_await store->Store(name, std::move(position), worker);
    self->Stored(name, status);
  }
}

bool PositionKeeper::TakeLocked(std::string& name, connectors::Position& position) {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) {
    --running_;
    return false;
  }
  name = std::move(queue_.front());
  queue_.pop_front();
  Entry& entry = entries_[name];
  entry.dirty = false;
  entry.storing = true;
  position = entry.latest;
  return true;
}

void PositionKeeper::Stored(const std::string& name, const Status& status) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[name];
  entry.storing = false;
  if (entry.dirty) queue_.push_back(name);
  if (status.ok()) return;
  Log(LogLevel::kWarn, "positions.store_failed", {{"name", name}, {"cause", MessageOf(status)}});
}

void PositionKeeper::SweepLocked(TimePoint now) {
  std::erase_if(entries_, [&](const auto& pair) {
    const Entry& entry = pair.second;
    return !entry.dirty && !entry.storing && now - entry.noted >= kPositionFresh;
  });
}

}  // namespace tidegate::flow
