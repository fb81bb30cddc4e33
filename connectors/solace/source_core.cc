#include "connectors/solace/source_core.h"

#include <proton/delivery.h>
#include <proton/disposition.h>

#include <algorithm>

#include "connectors/solace/backoff.h"
#include "connectors/solace/condition.h"
#include "connectors/solace/limits.h"
#include "connectors/solace/settler.h"
#include "server/base/check.h"
#include "server/base/codec.h"

namespace tidegate::solace {

using connectors::MessageBatch;
using connectors::Qos;
using std::chrono::milliseconds;

namespace {

void Finish(pn_delivery_t* delivery, std::uint64_t outcome) {
  if (outcome == PN_MODIFIED) pn_disposition_set_failed(pn_delivery_local(delivery), true);
  pn_delivery_update(delivery, outcome);
  pn_delivery_settle(delivery);
}

}  // namespace

std::string LinkName(const std::string& group, const std::string& topic) {
  constexpr std::size_t kDigits = 8;
  const Sha256Digest digest = Sha256(group + '\n' + topic);
  std::string name;
  for (const char c : group.substr(0, kEndpointNameBytesMax - kDigits - 1)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte < 0x80 && std::isalnum(byte) != 0) || c == '.' || c == '-' ||
                       c == '_' || c == '/' || c == '@';
    name += plain ? c : '_';
  }
  return name + "." + Hex(digest.data(), kDigits / 2);
}

SourceCore::SourceCore(SharedPtr shared, connectors::SourceSpec spec, net::Worker& worker)
    : shared_(std::move(shared)), spec_(std::move(spec)), worker_(worker), changed_(worker) {
  const SolaceConfig::Consumer& consumer = shared_->config.consumer;
  if (!consumer.queue.empty()) {
    receivers_.push_back(std::make_unique<Receiver>(*this, consumer.queue));
  } else {
    const auto& topics = spec_.topics.empty() ? consumer.topics : spec_.topics;
    for (const std::string& topic : topics) {
      receivers_.push_back(std::make_unique<Receiver>(*this, topic));
    }
  }
}

SourceCore::~SourceCore() {
  for (const auto& receiver : receivers_) {
    if (connection_ != nullptr && !receiver->ended()) connection_->ForgetLink(receiver->link());
  }
  if (settler_ != nullptr) settler_->Release();
}

// --- opening -------------------------------------------------------------------------------------

Task<Status> SourceCore::Open(TimePoint deadline) {
  const auto self = shared_from_this();
  settler_ = new Settler(self, worker_);
  Status status = co_await Connect(deadline);
  opened_ = status.ok();
  co_return status;
}

Task<Status> SourceCore::Connect(TimePoint deadline) {
  // Stand-ins name durable subscriptions by container and link, Solace by the link alone.
  const Addressing addressing = shared_->config.addressing;
  const bool named = durable() && (addressing == Addressing::kArtemis ||
                                   addressing == Addressing::kBrokerj);
  std::string container = named ? spec_.group : "tidegate-" + RandomToken(8);
  auto opened = co_await Connection::Open(shared_, worker_, std::move(container),
                                          std::min(deadline, Clock::now() + kConnectTimeout));
  if (!opened.ok()) co_return opened.status();
  connection_ = std::move(*opened);
  ++generation_;
  OpenLinks();
  Status status = LinkStatus();
  while (status.ok() && !closed_ && !AllAttached()) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds(0)) {
      status = MakeError(ErrorClass::kConnectFailed,
                         "read solace: the broker did not attach the link in time");
      break;
    }
    co_await changed_.WaitFor(left);
    status = LinkStatus();
  }
  if (status.ok() && closed_) status = Cancelled("read solace: closed");
  if (!status.ok()) {
    co_await Disconnect();
    if (!closed_) shared_->monitor->Failed(status);
    co_return status;
  }
  connected_at_ = Clock::now();
  co_return OkStatus();
}

void SourceCore::OpenLinks() {
  for (const auto& receiver : receivers_) receiver->Open(*connection_, SpecOf(*receiver));
  connection_->Flush();
}

Receiver::Spec SourceCore::SpecOf(const Receiver& receiver) const {
  Receiver::Spec spec;
  const bool queue = !shared_->config.consumer.queue.empty();
  spec.address = queue ? connection_->QueueAddress(receiver.topic())
                       : connection_->TopicAddress(receiver.topic());
  spec.presettled = spec_.qos == Qos::kNone;
  spec.durable = durable();
  spec.session_bytes = std::max(kSessionBytesMin, kSessionBytes / receivers_.size());
  // A queue has a name of its own; what consumes from it need not be known again.
  spec.link_name = durable() && !queue ? LinkName(spec_.group, receiver.topic())
                                       : "tidegate-" + RandomToken(8);
  return spec;
}

bool SourceCore::AllAttached() const {
  return std::all_of(receivers_.begin(), receivers_.end(),
                     [](const auto& receiver) { return receiver->attached(); });
}

// The first failure among the links; OK while none has failed.
Status SourceCore::LinkStatus() const {
  if (connection_ == nullptr || !connection_->open()) {
    return connection_ == nullptr
               ? MakeError(ErrorClass::kConnectionClosed, "read solace: not connected")
               : connection_->status();
  }
  for (const auto& receiver : receivers_) {
    if (!receiver->ended()) continue;
    return MakeError(ClassOf(receiver->status()),
                     "read solace: " + MessageOf(receiver->status()));
  }
  return OkStatus();
}

Task<Status> SourceCore::Reconnect() {
  if (Clock::now() - connected_at_ > kHealthyAfter) failures_ = 0;
  Status status = LinkStatus();
  co_await Disconnect();
  while (!closed_) {
    if (failures_ >= shared_->config.reconnect_attempts) co_return status;
    const milliseconds pause = BackoffPause(failures_++, ClassOf(status));
    const TimePoint until = Clock::now() + pause;
    while (!closed_ && Clock::now() < until) {
      co_await changed_.WaitFor(std::chrono::ceil<milliseconds>(until - Clock::now()));
    }
    if (closed_) break;
    status = co_await Connect(Clock::now() + kOpenTimeout);
    if (status.ok()) co_return status;
    if (IsPermanent(ClassOf(status))) co_return status;
  }
  co_return Cancelled("read solace: closed");
}

// --- reading -------------------------------------------------------------------------------------

Task<StatusOr<std::size_t>> SourceCore::Next(MessageBatch& batch, std::uint32_t max) {
  const auto self = shared_from_this();
  while (!closed_) {
    if (!LinkStatus().ok()) {
      Status status = co_await Reconnect();
      if (closed_) break;
      if (!status.ok()) co_return status;
    }
    const std::size_t taken = Pull(batch, max);
    if (taken > 0) {
      if (spec_.qos == Qos::kAtMostOnce) {
        // The word must be out before the message is: who never hears it may send again.
        const bool written = co_await connection_->Written(Clock::now() + kConnectTimeout);
        if (!written) {
          batch.Clear();
          continue;
        }
      } else {
        connection_->Flush();
      }
      co_return taken;
    }
    Demand(max);
    co_await changed_.Wait();
  }
  co_return Cancelled("read solace: closed");
}

// Each link is granted its share of what is wanted, at least one: a link that has nothing must not
// keep the others waiting.
void SourceCore::Demand(std::uint32_t max) {
  std::size_t wanted = std::min<std::size_t>(max, kWindow);
  if (manual()) wanted = std::min(wanted, kWindow - std::min<std::size_t>(kWindow,
                                                                          unsettled_count_));
  if (wanted == 0) return;
  const std::size_t share = (wanted + receivers_.size() - 1) / receivers_.size();
  int granted = 0;
  for (const auto& receiver : receivers_) granted += receiver->Grant(static_cast<int>(share));
  if (granted == 0) return;
  shared_->monitor->Credit(granted);
  connection_->Flush();
}

std::size_t SourceCore::Pull(MessageBatch& batch, std::uint32_t max) {
  std::size_t bytes = 0;
  std::size_t empty = 0;
  while (batch.size() < max && bytes < connectors::kBatchBytesMax && empty < receivers_.size()) {
    if (manual() && unsettled_count_ >= kWindow) break;
    Receiver& receiver = *receivers_[turn_++ % receivers_.size()];
    empty = TakeInto(receiver, batch, bytes) ? 0 : empty + 1;
  }
  return batch.size();
}

bool SourceCore::TakeInto(Receiver& receiver, MessageBatch& batch, std::size_t& bytes) {
  pn_delivery_t* delivery = receiver.TakeNext(raw_);
  if (delivery == nullptr) return false;
  auto envelope = std::make_unique<Envelope>();
  if (!codec_.Decode(raw_, *connection_, receiver.topic(), *envelope)) {
    Finish(delivery, PN_REJECTED);
    OnDropped("malformed");
    return true;
  }
  bytes += raw_.size();
  if (shared_->config.addressing == Addressing::kRabbitmq) {
    envelope->redelivered = !envelope->first_acquirer;  // it does not count deliveries
  }
  if (envelope->redelivered) shared_->monitor->Redelivered();
  connectors::Message& slot = batch.Add();
  FillSlot(std::move(envelope), slot);
  if (manual() && !pn_delivery_settled(delivery)) {
    slot.ack = AckFor(delivery);
  } else {
    Finish(delivery, PN_ACCEPTED);
  }
  return true;
}

// --- settling ------------------------------------------------------------------------------------

connectors::Ack SourceCore::AckFor(pn_delivery_t* delivery) {
  std::uint32_t tag = 0;
  if (free_tags_.empty()) {
    tag = static_cast<std::uint32_t>(unsettled_.size());
    unsettled_.push_back(delivery);
  } else {
    tag = free_tags_.back();
    free_tags_.pop_back();
    unsettled_[tag] = delivery;
  }
  ++unsettled_count_;
  connectors::AckToken token;
  token.generation = generation_;
  token.tag = tag;
  return connectors::Ack(*settler_, token);
}

void SourceCore::Settle(const connectors::AckToken& token, std::uint64_t outcome) {
  if (closed_ || token.generation != generation_) return;
  const auto tag = static_cast<std::size_t>(token.tag);
  if (tag >= unsettled_.size()) return;
  pn_delivery_t* delivery = std::exchange(unsettled_[tag], nullptr);
  free_tags_.push_back(static_cast<std::uint32_t>(tag));  // an ack comes once
  if (delivery == nullptr) return;                        // settled by the broker
  --unsettled_count_;
  Finish(delivery, outcome == PN_MODIFIED ? Again() : outcome);
}

// What somebody had and did not finish counts as a failed delivery: it comes again, marked, as
// the JMS clients for Solace do it. RabbitMQ knows only `released`, and marks that.
std::uint64_t SourceCore::Again() const {
  return shared_->config.addressing == Addressing::kRabbitmq ? PN_RELEASED : PN_MODIFIED;
}

void SourceCore::FlushSettled() {
  if (closed_ || connection_ == nullptr) return;
  connection_->Flush();
  changed_.Set();  // the window may have room again
}

// The broker has taken it back (expired, deleted): our word counts no more. The tag stays taken
// until its ack comes, so that it means no other delivery.
void SourceCore::OnSettledByPeer(pn_delivery_t* delivery) {
  const auto it = std::find(unsettled_.begin(), unsettled_.end(), delivery);
  if (it == unsettled_.end()) return;
  *it = nullptr;
  --unsettled_count_;
  pn_delivery_settle(delivery);
}

void SourceCore::ForgetDeliveries() {
  unsettled_.clear();
  free_tags_.clear();
  unsettled_count_ = 0;
}

void SourceCore::OnLinkGone(Receiver& receiver) {
  shared_->monitor->Credit(-receiver.DropGranted());
  // Acks of this link's deliveries would touch freed memory: all of them are of the past now.
  ForgetDeliveries();
  ++generation_;
  changed_.Set();
}

void SourceCore::OnTaken() { shared_->monitor->Credit(-1); }
void SourceCore::OnDropped(const char* reason) { shared_->monitor->Dropped(reason); }

// --- the end -------------------------------------------------------------------------------------

void SourceCore::ReleaseAll() {
  for (pn_delivery_t* delivery : unsettled_) {
    if (delivery != nullptr) Finish(delivery, Again());
  }
  for (const auto& receiver : receivers_) receiver->ReleaseUntaken();
}

// What we hold goes back to the broker; durable endpoints stay there.
Task<void> SourceCore::Disconnect() {
  if (connection_ == nullptr) co_return;
  settler_->Apply();  // what was settled is settled, although its post may be behind us
  const ConnectionPtr connection = std::exchange(connection_, nullptr);
  if (connection->open()) ReleaseAll();
  ForgetDeliveries();
  ++generation_;
  for (const auto& receiver : receivers_) {
    shared_->monitor->Credit(-receiver->DropGranted());
    if (receiver->ended()) continue;
    connection->ReleaseLink(receiver->link(), durable());
    receiver->Forget();
  }
  co_await connection->Close();
}

Task<void> SourceCore::Close() {
  const auto self = shared_from_this();
  if (connection_ != nullptr) settler_->Apply();
  closed_ = true;
  changed_.Set();
  co_await Disconnect();
}

}  // namespace tidegate::solace
