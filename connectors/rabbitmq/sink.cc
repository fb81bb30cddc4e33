#include "connectors/rabbitmq/sink.h"

#include <algorithm>

#include "connectors/rabbitmq/names.h"
#include "server/base/codec.h"
#include "server/base/limits.h"

namespace tidegate::rabbitmq {

using connectors::Outcome;
using connectors::OutMessage;
using connectors::PublishResult;
using std::chrono::milliseconds;

namespace {

constexpr auto kRefusedPause = std::chrono::seconds(1);  // the broker answers, but says no

Status Overloaded(std::string_view cause) {
  return MakeError(ErrorClass::kOverloaded, "publish to rabbitmq: " + std::string(cause));
}

Status LostAgain() {
  return MakeError(ErrorClass::kConnectionClosed,
                   "publish to rabbitmq: the connection was lost again");
}

milliseconds Left(TimePoint deadline) {
  return std::chrono::ceil<milliseconds>(deadline - Clock::now());
}

}  // namespace

struct RabbitSink::Slot {
  explicit Slot(net::Worker& worker) : done(worker) {}
  net::Event done;
  std::uint32_t outstanding = 0;  // confirmations still to come
  std::uint32_t ok = 0;
  std::uint32_t unknown = 0;
  Status failure;        // the first
  TimePoint settled_at;
  bool waited = false;   // somebody waits
  bool blocked = false;  // caught by an alarm
  bool abandoned = false;  // nobody waits any longer
};

RabbitSink::RabbitSink(SharedPtr shared, net::Worker& worker)
    : shared_(std::move(shared)), worker_(worker),
      configured_(Confirms::PlaceOf(shared_->config.producer.exchange.name,
                                    shared_->config.producer.routing_key)),
      confirms_([this](std::uint32_t slot, PublishResult result) {
        Settle(slot, std::move(result));
      }),
      blocked_timer_([this] { OnBlockedTooLong(); }), idle_timer_([this] { OnIdle(); }) {}

RabbitSink::~RabbitSink() {
  if (!connection_) return;
  connection_->Detach();
  connection_->Abort();
  shared_->monitor->Disconnected();
}

PublishResult RabbitSink::No(Status why) {
  shared_->monitor->Published(Outcome::kNo);
  return PublishResult(Outcome::kNo, std::move(why));
}

Status RabbitSink::Refusal(const OutMessage& message) const {
  if (connectors::SizeOf(message) > kMessageBytesMax) {
    return MakeError(ErrorClass::kMessageRejected,
                     "publish to rabbitmq: the message is larger than " +
                         std::to_string(kMessageBytesMax) + " bytes with its headers");
  }
  const std::uint32_t frame_max = connection_ ? connection_->frame_max() : kFrameBytes;
  const std::string_view fault = HeaderFault(message.headers, frame_max);
  if (fault.empty()) return OkStatus();
  return MakeError(ErrorClass::kMessageRejected, "publish to rabbitmq: " + std::string(fault));
}

Task<PublishResult> RabbitSink::Publish(const OutMessage& message, TimePoint deadline) {
  const std::shared_ptr<RabbitSink> self = shared_from_this();  // a drain may drop it
  const TimePoint begun = Clock::now();
  last_used_ = begun;
  Status refusal = Refusal(message);
  if (!refusal.ok()) co_return No(std::move(refusal));
  if (!ready_) {
    Status status = co_await Ready(deadline);
    if (status.ok()) status = Refusal(message);  // the frames of this connection may be smaller
    if (!status.ok()) co_return No(std::move(status));
  }
  if (!connection_->open()) co_return No(LostAgain());
  if (connection_->blocked()) co_return No(Overloaded("the broker is short of memory or disk"));
  if (connection_->unsent() > kUnsentBytesMax) co_return No(Overloaded("too many bytes unsent"));
  if (abandoned_ >= kAbandonedMax || confirms_.span() >= kConfirmSpanMax) {
    connection_->Abort();
    co_return No(Overloaded("the broker leaves messages unconfirmed; connecting anew"));
  }
  std::uint32_t index = 0;
  Slot* slot = Take(index);
  if (slot == nullptr) co_return No(Overloaded("too many in flight"));
  Status sent = SendAll(message, index);
  if (!sent.ok()) {
    Free(index);
    co_return No(std::move(sent));
  }
  slot->waited = true;
  if (deadline > begun && slot->done.Arm(deadline)) co_await slot->done.Suspend();
  slot->done.Take();
  PublishResult result;
  if (slot->outstanding == 0) {
    if (!slot->failure.ok()) {
      // Several destinations: a definite no only when none of them may have it.
      const bool no = slot->ok == 0 && slot->unknown == 0;
      result = PublishResult(no ? Outcome::kNo : Outcome::kUnknown, slot->failure);
    }
    shared_->monitor->Confirmed(slot->settled_at - begun);
    Free(index);
  } else {
    slot->waited = false;  // its confirmations free it
    slot->abandoned = true;
    ++abandoned_;
    Status why = slot->blocked
                     ? Overloaded("the broker ran short of memory or disk meanwhile")
                     : MakeError(ErrorClass::kTimeout,
                                 "publish to rabbitmq: no confirmation before the deadline");
    result = PublishResult(Outcome::kUnknown, std::move(why));
  }
  shared_->monitor->Published(result.outcome);
  co_return result;
}

Status RabbitSink::SendAll(const OutMessage& message, std::uint32_t slot) {
  const RabbitmqConfig::Producer& producer = shared_->config.producer;
  if (message.topics.empty()) {
    Send(message, slot, producer.exchange.name, producer.routing_key, configured_);
    return OkStatus();
  }
  if (message.topics.size() > kDestinationsMax) {
    return MakeError(ErrorClass::kMessageRejected, "publish to rabbitmq: too many destinations");
  }
  std::vector<Destination> destinations;
  for (const std::string& text : message.topics) {
    auto destination = ParseDestination(text, producer.exchange.name, false);
    if (!destination.ok()) {
      return MakeError(ErrorClass::kMessageRejected, MessageOf(destination.status()));
    }
    destinations.push_back(std::move(*destination));
  }
  for (const Destination& destination : destinations) {
    Send(message, slot, destination.exchange, destination.routing_key,
         Confirms::PlaceOf(destination.exchange, destination.routing_key));
  }
  return OkStatus();
}

void RabbitSink::Send(const OutMessage& message, std::uint32_t slot, std::string_view exchange,
                      std::string_view routing_key, const Confirms::Place& place) {
  const std::string id = confirms_.IdOf(confirms_.next());
  Content content;
  content.body = message.content;
  content.headers = message.headers;
  content.message_id = id;
  content.persistent = shared_->config.producer.persistent;
  connection_->Publish(exchange, routing_key, shared_->config.producer.mandatory, content);
  confirms_.Add(slot, place, std::string(OwnMessageId(message.headers)));
  ++slots_[slot]->outstanding;
}

Task<Status> RabbitSink::Ready(TimePoint deadline) {
  if (!connecting_) {
    if (Clock::now() < retry_at_) co_return last_error_;
    connecting_ = true;
    worker_.Spawn("rabbitmq.connect", Connect(shared_from_this()));
  }
  if (waiting_.size() >= kPublishesInFlightMax) co_return Overloaded("too many in flight");
  net::Event done(worker_);
  if (connecting_) {  // Connect may have ended before it had to wait
    waiting_.push_back(&done);
    const milliseconds left = Left(deadline);
    bool woken = left > milliseconds(0);
    if (woken) woken = co_await done.WaitFor(left);
    std::erase(waiting_, &done);
    if (!woken) {
      co_return MakeError(ErrorClass::kConnectFailed, "publish to rabbitmq: no connection in time");
    }
  }
  if (ready_) co_return OkStatus();
  // It was made, and went before this had its turn.
  co_return last_error_.ok() ? LostAgain() : last_error_;
}

Task<void> RabbitSink::Connect(std::shared_ptr<RabbitSink> self) {
  Status status = co_await self->Establish();
  self->connecting_ = false;
  self->ready_ = status.ok() && self->connection_ && self->connection_->channel_open();
  if (self->ready_) {
    self->last_error_ = OkStatus();
    self->ready_at_ = Clock::now();
    self->idle_timer_.Cancel();
    self->worker_.wheel().Arm(self->idle_timer_, kClientLinger);
  } else {
    if (status.ok()) status = MakeError(ErrorClass::kConnectionClosed, "rabbitmq: lost again");
    const bool answers = self->connection_ && self->connection_->open();
    milliseconds pause =
        answers ? milliseconds(kRefusedPause) : self->backoff_.Next(RandomUint64());
    if (ClassOf(status) == ErrorClass::kAuthFailed) pause = kLockOutPause;
    self->retry_at_ = Clock::now() + pause;
    self->last_error_ = std::move(status);
  }
  const std::vector<net::Event*> waiting = std::move(self->waiting_);
  self->waiting_.clear();
  for (net::Event* event : waiting) event->Set();
}

Task<Status> RabbitSink::Establish() {
  Monitor& monitor = *shared_->monitor;
  if (!connection_ || !connection_->open()) {
    monitor.Connecting();
    std::string name = "tidegate-producer-" + monitor.api() + "-" + monitor.endpoint();
    const TimePoint deadline = Clock::now() + shared_->config.connect_timeout;
    auto opened = co_await Connection::Open(worker_, shared_, std::move(name), this, deadline);
    if (!opened.ok()) {
      monitor.ConnectFailed(opened.status());
      co_return opened.status();
    }
    connection_ = std::move(*opened);
    monitor.Connected();
  }
  ConnectionPtr connection = connection_;
  Status status = co_await SetUpChannel(connection);
  if (!status.ok()) monitor.Refused(status);
  co_return status;
}

Task<Status> RabbitSink::SetUpChannel(ConnectionPtr connection) {
  Status status = co_await connection->OpenChannel();
  if (status.ok()) {
    status = co_await connection->DeclareExchange(shared_->config.producer.exchange);
  }
  if (status.ok()) status = co_await connection->SelectConfirms();
  co_return status;
}

RabbitSink::Slot* RabbitSink::Take(std::uint32_t& index) {
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    if (slots_.size() >= kPublishesInFlightMax) return nullptr;
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(std::make_unique<Slot>(worker_));
    free_.reserve(slots_.size());
  }
  Slot& slot = *slots_[index];
  slot.done.Reset();
  slot.outstanding = slot.ok = slot.unknown = 0;
  slot.failure = OkStatus();
  slot.waited = slot.blocked = slot.abandoned = false;
  ++inflight_;
  shared_->monitor->InFlight(1);
  return &slot;
}

void RabbitSink::Free(std::uint32_t index) {
  free_.push_back(index);
  --inflight_;
  shared_->monitor->InFlight(-1);
}

void RabbitSink::Settle(std::uint32_t index, PublishResult result) {
  Slot& slot = *slots_[index];
  if (result.outcome == Outcome::kOk) {
    ++slot.ok;
  } else {
    if (result.outcome == Outcome::kUnknown) ++slot.unknown;
    if (slot.failure.ok()) slot.failure = std::move(result.status);
  }
  if (--slot.outstanding > 0) return;
  slot.settled_at = settling_at_;
  if (slot.waited) {
    slot.done.Set();
    return;
  }
  if (slot.abandoned) --abandoned_;
  Free(index);
}

void RabbitSink::OnConfirm(std::uint64_t tag, bool multiple, bool ack) {
  settling_at_ = Clock::now();
  confirms_.OnConfirm(tag, multiple, ack);
}

void RabbitSink::OnReturn(const Returned& returned) {
  confirms_.OnReturn(returned);
}

void RabbitSink::OnBlocked(bool blocked) {
  blocked_timer_.Cancel();
  if (blocked) worker_.wheel().Arm(blocked_timer_, kBlockedPatience);
}

// The broker has stopped reading: what it had not confirmed may be with it or on its way.
void RabbitSink::OnBlockedTooLong() {
  for (const auto& slot : slots_) {
    if (!slot->waited || slot->outstanding == 0) continue;
    slot->blocked = true;
    slot->done.Set();
  }
}

void RabbitSink::OnChannelLost(const CloseReason& reason) {
  ready_ = false;
  shared_->monitor->Refused(ChannelError("publish to rabbitmq", reason));
  settling_at_ = Clock::now();
  confirms_.OnChannelClosed(reason);
}

void RabbitSink::OnLost(const Status& why) {
  settling_at_ = Clock::now();
  // A broker that takes us in and throws us out is not asked by every publish.
  if (ready_ && settling_at_ - ready_at_ >= kBriefLife) {
    backoff_.Reset();
  } else if (ready_) {
    retry_at_ = settling_at_ + backoff_.Next(RandomUint64());
    last_error_ = why;
  }
  ready_ = false;
  blocked_timer_.Cancel();
  connection_.reset();
  shared_->monitor->Lost(why);
  confirms_.OnLost(why);
}

void RabbitSink::OnIdle() {
  const auto idle = Clock::now() - last_used_;
  if (idle < kClientLinger || inflight_ > 0 || connecting_) {
    worker_.wheel().Arm(idle_timer_, kClientLinger);
    return;
  }
  worker_.Spawn("rabbitmq.idle", Shut(shared_from_this()));
}

Task<void> RabbitSink::Shut(std::shared_ptr<RabbitSink> self) {
  self->idle_timer_.Cancel();
  self->blocked_timer_.Cancel();
  self->ready_ = false;
  ConnectionPtr connection = std::exchange(self->connection_, nullptr);
  if (!connection) co_return;
  self->shared_->monitor->Disconnected();
  const Status why =
      MakeError(ErrorClass::kConnectionClosed, "publish to rabbitmq: shut down");
  self->settling_at_ = Clock::now();
  self->confirms_.OnLost(why);
  co_await connection->Close();
}

}  // namespace tidegate::rabbitmq
