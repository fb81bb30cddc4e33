#include "server/flow/reader_hub.h"

#include <utility>
#include <vector>

#include "server/base/limits.h"
#include "server/flow/each_reader.h"
#include "server/flow/each_seat.h"
#include "server/flow/group_reader.h"
#include "server/flow/hub_state.h"
#include "server/flow/private_reader.h"

namespace tidegate::flow {
namespace {

std::shared_ptr<PositionKeeper> KeeperLocked(HubState& hub,
                                             const connectors::ConnectorPtr& connector) {
  std::erase_if(hub.keepers, [](const auto& pair) { return pair.second.expired(); });
  std::weak_ptr<PositionKeeper>& slot = hub.keepers[connector.get()];
  std::shared_ptr<PositionKeeper> keeper = slot.lock();
  if (!keeper) {
    keeper = std::make_shared<PositionKeeper>(connector);
    slot = keeper;
  }
  return keeper;
}

class Hub final : public ReaderHub {
 public:
  explicit Hub(net::WorkerPool& workers)
      : workers_(workers), state_(std::make_shared<HubState>()) {}

  Task<StatusOr<AttachmentPtr>> Attach(connectors::ConnectorPtr connector, SubscribeSpec spec,
                                       Subscriber& subscriber, net::Worker& worker) override {
    const connectors::Share share = spec.share;
    // Each implementation's seat counts itself out when it goes.
    state_->subscribers += 1;
    StatusOr<AttachmentPtr> result(AttachmentPtr{});
    if (share == connectors::Share::kPrivate) {
      result = co_await PrivateReader::Attach(state_, std::move(connector), std::move(spec),
                                              subscriber, worker);
    } else if (share == connectors::Share::kGroup) {
      result = co_await GroupReader::Attach(state_, std::move(connector), std::move(spec),
                                            subscriber, worker);
    } else {
      result = co_await AttachEach(std::move(connector), std::move(spec), subscriber, worker);
    }
    co_return std::move(result);
  }

  ReaderStats stats() const override {
    ReaderStats stats;
    stats.live_readers = static_cast<std::uint64_t>(state_->live_readers.load());
    stats.catch_up_readers = static_cast<std::uint64_t>(state_->catch_up_readers.load());
    stats.group_readers = static_cast<std::uint64_t>(state_->group_readers.load());
    stats.private_readers = static_cast<std::uint64_t>(state_->private_readers.load());
    stats.subscribers = static_cast<std::uint64_t>(state_->subscribers.load());
    stats.buffered_bytes = static_cast<std::uint64_t>(state_->ring_bytes.load());
    stats.dropped = state_->dropped.load();
    return stats;
  }

  void EndReadersOf(const connectors::Connector& connector) override;
  Task<void> Shutdown(TimePoint deadline, net::Worker& worker) override;

 private:
  Task<StatusOr<AttachmentPtr>> AttachEach(connectors::ConnectorPtr connector, SubscribeSpec spec,
                                           Subscriber& subscriber, net::Worker& worker);
  StatusOr<std::shared_ptr<EachReader>> FindOrMakeEach(const connectors::ConnectorPtr& connector,
                                                       const SubscribeSpec& spec,
                                                       net::Worker& worker);
  Status MakeRoomLocked(const ReaderKey& key, std::shared_ptr<EachReader>& evicted);
  bool Quiet();

  net::WorkerPool& workers_;
  const HubStatePtr state_;
};

StatusOr<std::shared_ptr<EachReader>> Hub::FindOrMakeEach(
    const connectors::ConnectorPtr& connector, const SubscribeSpec& spec, net::Worker& worker) {
  ReaderKey key;
  key.connector = connector.get();
  for (const std::string& topic : spec.topics) key.name += topic + "\n";
  std::shared_ptr<EachReader> evicted;
  const std::lock_guard lock(state_->mutex);
  if (state_->shut) return MakeError(ErrorClass::kOverloaded, "attach: readers are shut");
  if (!state_->each.contains(key)) {
    TG_RETURN_IF_ERROR(MakeRoomLocked(key, evicted));
    if (evicted) evicted->End(EndReason::kGoaway, OkStatus());
  }
  HubState::Seat<EachReader>& entry = state_->each[key];
  ++entry.users;
  if (!entry.reader) {
    entry.reader = std::make_shared<EachReader>(state_, key, connector, spec,
                                                KeeperLocked(*state_, connector), worker,
                                                workers_.size());
    entry.reader->Start();
  }
  return entry.reader;
}

// Consumers choose topics where the API lets them: that must not choose how many readers there are.
Status Hub::MakeRoomLocked(const ReaderKey& key, std::shared_ptr<EachReader>& evicted) {
  std::size_t same = 0;
  auto idle = state_->each.end();
  for (auto it = state_->each.begin(); it != state_->each.end(); ++it) {
    if (it->first.connector != key.connector) continue;
    ++same;
    if (it->second.users == 0) idle = it;
  }
  if (same < kLiveReadersPerEndpointMax) return OkStatus();
  if (idle == state_->each.end()) {
    return WithReason(ResourceExhausted("attach: too many destinations are being read"),
                      "BROKER_CLIENTS_EXHAUSTED");
  }
  evicted = std::move(idle->second.reader);
  state_->each.erase(idle);
  return OkStatus();
}

Task<StatusOr<AttachmentPtr>> Hub::AttachEach(connectors::ConnectorPtr connector,
                                              SubscribeSpec spec, Subscriber& subscriber,
                                              net::Worker& worker) {
  auto reader = FindOrMakeEach(connector, spec, worker);
  if (!reader.ok()) {
    state_->subscribers -= 1;
    co_return reader.status();
  }
  // From here on the seat counts for the reader and for the hub.
  auto seat = std::make_unique<EachSeat>((*reader)->FanFor(worker), state_->next_id.fetch_add(1),
                                         spec, subscriber);
  AdmitRequest request;
  request.id = seat->id();
  request.fan = (*reader)->FanFor(worker);
  request.encoder = subscriber.encoder();
  request.qos = spec.qos;
  request.position = std::move(spec.position);
  if (!request.position && GivesIds(spec.qos) && !spec.broker_name.empty()) {
    auto remembered = co_await (*reader)->keeper().Load(spec.broker_name, worker);
    if (!remembered.ok()) co_return remembered.status();
    request.position = std::move(*remembered);
    request.remembered = request.position.has_value();
  }
  (*reader)->Admit(std::move(request));
  const Status status = co_await seat->WaitForPlace();
  if (!status.ok()) co_return status;
  AttachmentPtr attachment = std::move(seat);
  co_return std::move(attachment);
}

bool Hub::Quiet() {
  if (state_->live_readers > 0 || state_->catch_up_readers > 0 || state_->group_readers > 0 ||
      state_->private_readers > 0) {
    return false;
  }
  const std::lock_guard lock(state_->mutex);
  for (const auto& [connector, weak] : state_->keepers) {
    const std::shared_ptr<PositionKeeper> keeper = weak.lock();
    if (keeper && !keeper->idle()) return false;
  }
  return true;
}

void Hub::EndReadersOf(const connectors::Connector& connector) {
  std::vector<std::shared_ptr<EachReader>> each;
  std::vector<std::shared_ptr<GroupReader>> groups;
  std::vector<std::shared_ptr<Endable>> privates;
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& [id, weak] : state_->privates) {
      auto reader = weak.lock();
      if (reader && &reader->connector() == &connector) privates.push_back(std::move(reader));
    }
    for (const auto& [key, entry] : state_->each) {
      if (key.connector == &connector) each.push_back(entry.reader);
    }
    for (const auto& [key, entry] : state_->groups) {
      if (key.connector == &connector) groups.push_back(entry.reader);
    }
  }
  for (const auto& reader : each) reader->End(EndReason::kGoaway, OkStatus());
  for (const auto& reader : groups) reader->End(EndReason::kGoaway, OkStatus());
  for (const auto& reader : privates) reader->End(EndReason::kGoaway, OkStatus());
}

Task<void> Hub::Shutdown(TimePoint deadline, net::Worker& worker) {
  std::vector<std::shared_ptr<EachReader>> each;
  std::vector<std::shared_ptr<GroupReader>> groups;
  std::vector<std::shared_ptr<Endable>> privates;
  {
    const std::lock_guard lock(state_->mutex);
    state_->shut = true;
    for (const auto& [key, entry] : state_->each) each.push_back(entry.reader);
    for (const auto& [key, entry] : state_->groups) groups.push_back(entry.reader);
    for (const auto& [id, weak] : state_->privates) {
      if (auto reader = weak.lock()) privates.push_back(std::move(reader));
    }
  }
  for (const auto& reader : each) reader->End(EndReason::kGoaway, OkStatus());
  for (const auto& reader : groups) reader->End(EndReason::kGoaway, OkStatus());
  for (const auto& reader : privates) reader->End(EndReason::kGoaway, OkStatus());
  each.clear();
  groups.clear();
  privates.clear();
  // Also the positions of seats that go after their OnEnd are waited for.
  do {
    co_await worker.wheel().Sleep(kWheelTick);
  } while (!Quiet() && Clock::now() < deadline);
}

}  // namespace

std::unique_ptr<ReaderHub> MakeReaderHub(net::WorkerPool& workers) {
  return std::make_unique<Hub>(workers);
}

}  // namespace tidegate::flow
