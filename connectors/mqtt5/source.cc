#include "connectors/mqtt5/source.h"

#include <algorithm>

#include "connectors/mqtt5/limits.h"
#include "connectors/mqtt5/topic.h"
#include "server/base/codec.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/telemetry/metrics.h"

namespace tidegate::mqtt5 {
namespace {

using connectors::Qos;
using connectors::Share;

class Mqtt5Source final : public connectors::Source {
 public:
  explicit Mqtt5Source(std::shared_ptr<SourceCore> core) : core_(std::move(core)) {}
  Task<StatusOr<std::size_t>> Next(connectors::MessageBatch& batch, std::uint32_t max) override {
    return core_->Next(batch, max);
  }
  const connectors::Position& origin() const override { return origin_; }
  Task<void> Close() override { return core_->Close(); }

 private:
  const std::shared_ptr<SourceCore> core_;
  const connectors::Position origin_;
};

}  // namespace

Task<StatusOr<connectors::SourcePtr>> OpenMqtt5Source(SharedPtr shared, connectors::SourceSpec spec,
                                                      net::Worker& worker) {
  for (const std::string& topic : spec.topics) {
    if (!IsTopicFilter(topic)) {
      co_return WithReason(InvalidArgument("read mqtt5: a topic filter " +
                                           std::string(TopicFilterRule(topic))),
                           "INVALID_DESTINATION");
    }
  }
  auto core = std::make_shared<SourceCore>(std::move(shared), std::move(spec), worker);
  const Status status = co_await core->Open();
  if (!status.ok()) {
    co_await core->Close();
    co_return status;
  }
  connectors::SourcePtr source = std::make_unique<Mqtt5Source>(std::move(core));
  co_return std::move(source);
}

SourceCore::SourceCore(SharedPtr shared, connectors::SourceSpec spec, net::Worker& worker)
    : shared_(std::move(shared)), spec_(std::move(spec)), worker_(worker),
      filters_(spec_.topics.empty() ? shared_->config.consumer.topics : spec_.topics),
      qos_(spec_.qos == Qos::kNone ? 0 : 1),
      settled_by_consumer_(spec_.share == Share::kGroup && spec_.qos == Qos::kAtLeastOnce),
      inbox_(new AckInbox(worker, [this](const std::vector<SettledAck>& acks) { OnAcks(acks); })),
      arrived_(worker), lost_(worker), wake_(worker), done_(worker) {}

SourceCore::~SourceCore() {
  if (connection_) connection_->Detach();
  inbox_->Detach();
  inbox_->Release();
}

Task<Status> SourceCore::Open() {
  Status status = co_await TakeClientId();
  if (status.ok()) status = co_await Connect(false);
  if (!status.ok()) co_return status;
  if (closed_) co_return Cancelled("read mqtt5: the source was closed");
  supervised_ = true;
  worker_.Spawn("mqtt5.supervise", Supervise(shared_from_this()));
  co_return OkStatus();
}

// ---- handing over

bool SourceCore::Hand(Ready& item, connectors::MessageBatch& batch, std::size_t& bytes) {
  AckWindow::Entry* entry = nullptr;
  if (item.number != kNoNumber) {
    entry = window_.Open(item.number);
    if (entry == nullptr) return true;  // of a connection that is over
  }
  Block& block = entry != nullptr ? *entry->block : *item.block;
  if (!batch.empty() && bytes + block.size() > connectors::kBatchBytesMax) return false;
  bytes += block.size();
  connectors::Message& message = batch.Add();
  block.FillInto(message);
  if (entry == nullptr) {
    --(item.may_go ? loose_ : kept_);
    (item.may_go ? loose_bytes_ : kept_bytes_) -= block.size();
    return true;
  }
  message.redelivered = message.redelivered || entry->again;
  entry->handed_over = true;
  if (settled_by_consumer_) {
    ++handed_;
    connectors::AckToken token;
    token.generation = generation_;
    token.tag = static_cast<std::int64_t>(item.number);
    message.ack = connectors::Ack(*inbox_, token);
    return true;
  }
  handed_over_.push_back(entry->packet_id);
  if (handed_over_.size() > kWindowMax) handed_over_.pop_front();
  window_.Settle(item.number, 0);
  return true;
}

Task<StatusOr<std::size_t>> SourceCore::Next(connectors::MessageBatch& batch, std::uint32_t max) {
  const std::shared_ptr<SourceCore> self = shared_from_this();
  while (!closed_) {
    std::size_t bytes = 0;
    while (batch.size() < max && !ready_.empty()) {
      // What is in the window waits while nobody knows whether the session lives on.
      if (ready_.front().number != kNoNumber && wire_ == nullptr) break;
      if (handed_ >= kReceiveMaximum) break;
      if (!Hand(ready_.front(), batch, bytes)) break;
      ready_.pop_front();
    }
    if (!batch.empty()) {
      if (!settled_by_consumer_ && qos_ > 0 && wire_ != nullptr) {
        SendSettled();
        wire_->Flush();
      }
      if (wire_ != nullptr && HasRoom()) wire_->RoomAgain();
      co_return batch.size();
    }
    if (!failed_.ok()) co_return failed_;
    co_await arrived_.Wait();
  }
  co_return Cancelled("read mqtt5: the source was closed");
}

// ---- what the connection tells

void SourceCore::OnConnected(Connection& connection) {
  wire_ = &connection;
  handed_ = 0;
  full_since_.reset();
  handed_over_.clear();
  if (connection.connack().session_present) {
    // Everything that was not acknowledged comes again, and with it what waits here.
    ready_.erase(std::remove_if(ready_.begin(), ready_.end(),
                                [](const Ready& item) { return item.number != kNoNumber; }),
                 ready_.end());
  } else {
    // Nobody else has what waits here.
    for (Ready& item : ready_) {
      AckWindow::Entry* entry =
          item.number == kNoNumber ? nullptr : window_.Open(item.number);
      if (entry == nullptr) continue;
      ++kept_;
      kept_bytes_ += entry->block->size();
      item.block = std::move(entry->block);
      item.number = kNoNumber;
    }
    residue_ = Residue();
    residue_.known = true;
  }
  shared_->monitor->inflight().Add(-static_cast<double>(window_.size()));
  window_.Clear();
}

// Which packet ids the broker may repeat although they were handed over: those of this connection,
// unless their acknowledgements are with it (`told`), and what is left of earlier ones. It holds no
// more than a window's worth back.
void SourceCore::KeepResidue(bool told) {
  if (!told) {
    residue_.handed_over.insert(residue_.handed_over.end(), handed_over_.begin(),
                                handed_over_.end());
  }
  handed_over_.clear();
  while (residue_.handed_over.size() > kWindowMax) residue_.handed_over.pop_front();
}

// After a reconnect the broker repeats what it has no PUBACK of. Where we acknowledged at hand-over
// such a message was delivered already, or (at-most-once, after a crash) may have been. That goes
// on for as long as the session: a second loss may come before the broker has repeated everything.
bool SourceCore::WasHandedOver(const Publish& packet) {
  if (settled_by_consumer_ || !grouped()) return false;
  const auto at =
      std::find(residue_.handed_over.begin(), residue_.handed_over.end(), packet.packet_id);
  const bool found = at != residue_.handed_over.end();
  if (found) residue_.handed_over.erase(at);
  if (!residue_.known && residue_.fresh.empty()) residue_.fresh.resize(65'536);
  if (!packet.dup) {  // its id is used anew
    if (!residue_.known) residue_.fresh[packet.packet_id] = true;
    return false;
  }
  const bool ours = residue_.known || residue_.fresh[packet.packet_id];
  return found || (!ours && spec_.qos == Qos::kAtMostOnce);
}

void SourceCore::OnPublish(const Publish& packet) {
  if (packet.dup) shared_->monitor->Redelivered();
  if (packet.qos == 0) {
    Ready item;
    item.block = BlockPtr(Block::Make(packet, metadata_.Of(packet)));
    item.may_go = true;
    ++loose_;
    loose_bytes_ += item.block->size();
    ready_.push_back(std::move(item));
    if (loose_ > kQos0Messages || loose_bytes_ > kQos0Bytes) DropOldest();
    return;
  }
  BlockPtr block(Block::Make(packet, metadata_.Of(packet)));
  const std::uint64_t number = window_.Add(packet.packet_id, std::move(block), Clock::now());
  shared_->monitor->inflight().Add(1);
  if (WasHandedOver(packet)) {
    window_.Settle(number, 0);
    return;
  }
  Ready item;
  item.number = number;
  ready_.push_back(std::move(item));
}

void SourceCore::OnPuback(const Puback& /*packet*/) {
  wire_->Abort(kProtocolError, "a PUBACK for nothing");
}

void SourceCore::OnTurn() {
  if (wire_ == nullptr) return;
  SendSettled();
  if (!ready_.empty()) arrived_.Set();
}

// QoS 0 has no acknowledgement to hold back: the broker waits a moment, then the oldest go.
bool SourceCore::HasRoom() {
  // Brokers that send more than the receive maximum wait in the socket.
  const std::size_t bytes = window_.bytes() + kept_bytes_;
  if (subscribing_) return bytes < 4 * kUnsettledBytesMax;
  if (bytes >= kUnsettledBytesMax || window_.size() + kept_ >= kWindowMax) return false;
  if (loose_ < kQos0Messages / 2 && loose_bytes_ < kQos0Bytes / 2) {
    full_since_.reset();
    return true;
  }
  if (qos_ > 0 || (loose_ < kQos0Messages && loose_bytes_ < kQos0Bytes)) return true;
  if (!full_since_) full_since_ = Clock::now();
  return Clock::now() - *full_since_ >= kQos0Patience;
}

void SourceCore::DropOldest() {
  std::uint64_t dropped = 0;
  auto at = ready_.begin();
  while (loose_ > kQos0Messages || loose_bytes_ > kQos0Bytes) {
    // Those of QoS 1 may stand before them, and stay.
    at = std::find_if(at, ready_.end(), [](const Ready& item) { return item.may_go; });
    if (at == ready_.end()) break;
    --loose_;
    loose_bytes_ -= at->block->size();
    at = ready_.erase(at);
    ++dropped;
  }
  if (dropped > 0) shared_->monitor->Dropped(dropped);
}

void SourceCore::OnAcks(const std::vector<SettledAck>& acks) {
  for (const SettledAck& ack : acks) {
    if (ack.token.generation != generation_) continue;
    const auto number = static_cast<std::uint64_t>(ack.token.tag);
    if (ack.settlement != Settlement::kRetry) {
      if (window_.Settle(number, ack.settlement == Settlement::kDone ? 0 : kUnspecified)) {
        --handed_;
      }
      continue;
    }
    AckWindow::Entry* entry = window_.Open(number);
    if (entry == nullptr || !entry->handed_over) continue;
    --handed_;
    entry->handed_over = false;
    entry->again = true;
    Ready item;
    item.number = number;
    ready_.push_front(std::move(item));
    arrived_.Set();
  }
  if (!ready_.empty()) arrived_.Set();
  if (wire_ == nullptr) return;
  SendSettled();
  wire_->RoomAgain();
}

void SourceCore::SendSettled() {
  bool any = false;
  const TimePoint now = Clock::now();
  window_.PopSettled([&](const AckWindow::Entry& entry) {
    EncodePuback(wire_->out(), entry.packet_id, entry.reason);
    shared_->monitor->ack_seconds().Observe(now - entry.arrived);
    shared_->monitor->inflight().Add(-1);
    any = true;
  });
  if (any) wire_->ScheduleFlush();
}

}  // namespace tidegate::mqtt5
