#include "server/flow/position_keeper.h"

#include <utility>

#include "server/base/limits.h"
#include "server/base/log.h"

namespace tidegate::flow {
namespace {

constexpr auto kPositionReload = std::chrono::seconds(1);    // an answer serves who asks next
constexpr auto kPositionLoadWait = std::chrono::seconds(8);  // beyond the store's own deadline

}  // namespace

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
  if (connector_->positions() == nullptr) co_return std::optional<connectors::Position>();
  bool first = false;
  const std::shared_ptr<Event> event = std::make_shared<Event>(worker);
  const std::shared_ptr<Loading> loading = Join(name, event, worker, first);
  if (first) {
    worker.Spawn("positions.load", LoadOne(shared_from_this(), name, loading, worker));
  }
  if (!event->is_set()) co_await event->WaitFor(kPositionLoadWait);
  recent = Recent(name);
  if (recent) co_return recent;
  const std::lock_guard lock(mutex_);
  if (!loading->done) {
    co_return MakeError(ErrorClass::kTimeout, "load position: the broker did not answer in time");
  }
  co_return loading->result;
}

std::shared_ptr<PositionKeeper::Loading> PositionKeeper::Join(const std::string& name,
                                                              const std::shared_ptr<Event>& event,
                                                              net::Worker& worker, bool& first) {
  const std::lock_guard lock(mutex_);
  const TimePoint now = Clock::now();
  if (loads_.size() >= kPositionsTracked) {
    std::erase_if(loads_, [](const auto& pair) { return pair.second->done; });
  }
  std::shared_ptr<Loading>& slot = loads_[name];
  const bool stale = slot && slot->done &&
                     (!slot->result.ok() || now - slot->finished >= kPositionReload);
  if (!slot || stale) {
    slot = std::make_shared<Loading>();
    first = true;
  }
  if (slot->done) {
    event->Set();
  } else {
    slot->waiters.emplace_back(&worker, event);
  }
  return slot;
}

Task<void> PositionKeeper::LoadOne(std::shared_ptr<PositionKeeper> self, std::string name,
                                   std::shared_ptr<Loading> loading, net::Worker& worker) {
  auto result = co_await self->connector_->positions()->Load(std::move(name), worker);
  std::vector<std::pair<net::Worker*, std::shared_ptr<Event>>> waiters;
  {
    const std::lock_guard lock(self->mutex_);
    loading->result = std::move(result);
    loading->done = true;
    loading->finished = Clock::now();
    waiters.swap(loading->waiters);
  }
  for (auto& [home, event] : waiters) {
    if (home->IsCurrent()) {
      event->Set();
    } else {
      home->Post([waiter = std::move(event)] { waiter->Set(); });
    }
  }
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
