#include "connectors/mqtt5/sink.h"

#include <algorithm>

#include "connectors/mqtt5/attempts.h"
#include "connectors/mqtt5/client_id.h"
#include "connectors/mqtt5/headers.h"
#include "connectors/mqtt5/limits.h"
#include "connectors/mqtt5/topic.h"
#include "server/base/check.h"
#include "server/base/limits.h"
#include "server/telemetry/metrics.h"

namespace tidegate::mqtt5 {

using connectors::Outcome;
using connectors::OutMessage;
using connectors::PublishResult;

namespace {

std::chrono::milliseconds Left(TimePoint deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

Status TooLarge(const std::string& text) {
  return WithReason(MakeError(ErrorClass::kMessageRejected, "publish to mqtt5: " + text),
                    "MESSAGE_TOO_LARGE");
}

}  // namespace

Mqtt5Sink::Mqtt5Sink(SharedPtr shared, net::Worker& worker)
    : shared_(std::move(shared)), worker_(worker),
      client_id_(RandomId(shared_->monitor->api())), wake_(worker) {}

Mqtt5Sink::~Mqtt5Sink() {
  if (connection_) connection_->Detach();
}

std::size_t Mqtt5Sink::window() const {
  return std::min<std::size_t>(kPublishWindow, connection_->connack().receive_maximum);
}

Status Mqtt5Sink::CheckMessage(const OutMessage& message) const {
  std::size_t size = message.content.size();
  for (const connectors::HeaderField& header : message.headers) {
    size += header.name.size() + header.value.size();
  }
  if (size > kMessageBytesMax) {
    return TooLarge("a message has at most " + std::to_string(kMessageBytesMax) + " bytes");
  }
  for (const std::string& topic : message.topics) {
    if (!IsTopicName(topic)) {
      return WithReason(InvalidArgument("publish to mqtt5: a topic " +
                                        std::string(TopicNameRule(topic))),
                        "INVALID_DESTINATION");
    }
  }
  return OkStatus();
}

Task<PublishResult> Mqtt5Sink::Publish(const OutMessage& message, TimePoint deadline) {
  const std::shared_ptr<Mqtt5Sink> self = shared_from_this();
  Status status = CheckMessage(message);
  if (status.ok() && Clock::now() >= deadline) {
    status = MakeError(ErrorClass::kTimeout, "publish to mqtt5: the deadline has passed");
  }
  if (!status.ok()) co_return PublishResult(Outcome::kNo, std::move(status));
  std::string properties;
  const std::string wrong =
      EncodeProperties(message, shared_->config.producer, properties);
  if (!wrong.empty()) {
    status = MakeError(ErrorClass::kMessageRejected, "publish to mqtt5: " + wrong);
    co_return PublishResult(Outcome::kNo, std::move(status));
  }
  quiet_.store(false, std::memory_order_release);
  Call call(worker_);
  const std::span<const std::string> topics =
      message.topics.empty() ? std::span<const std::string>(shared_->config.producer.topics)
                             : message.topics;
  for (const std::string& topic : topics) {
    if (!HasPlace()) status = co_await Ready(call, deadline);
    if (status.ok()) status = Send(call, topic, properties, message.content);
    if (status.ok()) continue;
    ++call.no;
    if (call.why.ok()) call.why = std::move(status);
    break;  // the topics after it have no better chance
  }
  while (call.unconfirmed > 0 && Clock::now() < deadline) {
    if (call.event.Arm(deadline)) co_await call.event.Suspend();
    call.event.Take();
  }
  if (call.unconfirmed > 0) {
    Forget(call);
    call.unknown += call.unconfirmed;
    if (call.why.ok()) {
      call.why = MakeError(ErrorClass::kTimeout, "publish to mqtt5: no PUBACK in time");
    }
  }
  worker_.wheel().Arm(*this, kIdleLinger);
  if (call.no == 0 && call.unknown == 0) co_return PublishResult();
  const bool definite = call.ok == 0 && call.unknown == 0;
  co_return PublishResult(definite ? Outcome::kNo : Outcome::kUnknown, std::move(call.why));
}

Status Mqtt5Sink::Send(Call& call, const std::string& topic, std::string_view properties,
                       std::string_view payload) {
  const Connack& broker = connection_->connack();
  PublishOut packet;
  packet.topic = topic;
  packet.properties = properties;
  packet.payload = payload;
  packet.retain = shared_->config.producer.retained;
  if (broker.packet_bytes_max != 0 && SizeOf(packet) > broker.packet_bytes_max) {
    return TooLarge("the broker takes packets up to " +
                       std::to_string(broker.packet_bytes_max) + " bytes");
  }
  if (packet.retain && !broker.retain_available) {
    return MakeError(ErrorClass::kConfigInvalid,
                     "publish to mqtt5: retained is set, but the broker retains nothing");
  }
  if (broker.maximum_qos == 0) {
    return MakeError(ErrorClass::kConfigInvalid,
                     "publish to mqtt5: the broker takes QoS 0 only, which confirms nothing");
  }
  packet.packet_id = free_.back();
  free_.pop_back();
  Slot& slot = slots_[packet.packet_id - 1];
  slot.call = &call;
  slot.taken = true;
  call.ids.push_back(packet.packet_id);
  ++call.unconfirmed;
  inflight_.fetch_add(1, std::memory_order_relaxed);
  shared_->monitor->inflight().Add(1);
  EncodePublish(connection_->out(), packet);
  connection_->ScheduleFlush();
  // One PUBACK wakes one; where several came, each that goes on wakes the next.
  if (!waiting_.empty() && !free_.empty()) waiting_.front()->event.Set();
  return OkStatus();
}

bool Mqtt5Sink::HasPlace() const {
  return connection_ && connection_->open() && !free_.empty() &&
         connection_->unsent() < kOutBytesMax;
}

Task<Status> Mqtt5Sink::Ready(Call& call, TimePoint deadline) {
  while (true) {
    if (HasPlace()) co_return OkStatus();
    const bool open = connection_ && connection_->open();
    if (!open && !connecting_) {
      // An error that is known does not become better by asking at once again.
      if (Clock::now() < retry_at_ && !connect_error_.ok()) co_return connect_error_;
      if (!connection_) {
        connecting_ = true;
        worker_.Spawn("mqtt5.connect", ConnectTask(shared_from_this()));
      }
    }
    if (waiting_.size() >= kPublishesWaiting) {
      co_return MakeError(ErrorClass::kOverloaded, "publish to mqtt5: too many messages wait");
    }
    if (Clock::now() >= deadline) {
      co_return MakeError(ErrorClass::kTimeout, "publish to mqtt5: the broker takes no more");
    }
    const bool waits_for_connection = !open;
    waiting_.push_back(&call);
    co_await call.event.WaitFor(Left(deadline));
    std::erase(waiting_, &call);
    const bool now_open = connection_ && connection_->open();
    if (waits_for_connection && !now_open && !connecting_ && !connect_error_.ok()) {
      co_return connect_error_;
    }
  }
}

Task<void> Mqtt5Sink::ConnectTask(std::shared_ptr<Mqtt5Sink> self) {
  self->shared_->monitor->Connecting();
  mqtt5::Connect connect = MakeConnect(self->shared_->config, self->client_id_);
  std::string hint = std::exchange(self->hint_, std::string());
  auto opened = co_await self->shared_->dialer.Open(self->worker_, std::move(connect), *self,
                                                    std::move(hint),
                                                    Clock::now() + kConnectTimeout);
  self->connecting_ = false;
  if (opened.ok()) {
    self->connection_ = std::move(*opened);
    self->connect_error_ = OkStatus();
    self->retry_at_ = TimePoint();  // a publish may have failed while this attempt slept
    self->connected_at_ = Clock::now();
    self->shared_->monitor->Connected(std::exchange(self->was_connected_, true));
    const std::size_t size = self->window();
    self->slots_.assign(size, Slot());
    self->free_.clear();
    for (std::size_t i = size; i > 0; --i) {
      self->free_.push_back(static_cast<std::uint16_t>(i));
    }
    self->worker_.wheel().Arm(*self, kIdleLinger);
  } else {
    self->connect_error_ = opened.status();
    const ErrorClass error_class = ClassOf(opened.status());
    const bool refused =
        error_class == ErrorClass::kAuthFailed || error_class == ErrorClass::kNotAuthorized;
    self->retry_at_ = Clock::now() + (refused ? std::chrono::milliseconds(kRefusedBackoff)
                                              : std::chrono::milliseconds(kPublishBackoff));
    self->shared_->monitor->ConnectFailed(opened.status());
  }
  self->WakeWaiting();
}

void Mqtt5Sink::WakeWaiting() {
  for (Call* call : waiting_) call->event.Set();
}

void Mqtt5Sink::OnConnected(Connection& /*connection*/) {}

void Mqtt5Sink::OnPublish(const mqtt5::Publish& /*packet*/) {
  if (connection_) connection_->Abort(kProtocolError, "a message that nobody has subscribed to");
}

void Mqtt5Sink::OnPuback(const Puback& packet) {
  const std::size_t index = packet.packet_id - 1U;
  if (index >= slots_.size() || !slots_[index].taken) {
    if (connection_) connection_->Abort(kProtocolError, "a PUBACK for nothing");
    return;
  }
  Settle(packet.packet_id, packet);
  // One that waits for room takes it.
  if (!waiting_.empty()) waiting_.front()->event.Set();
}

void Mqtt5Sink::Settle(std::uint16_t packet_id, const Puback& packet) {
  Slot& slot = slots_[packet_id - 1U];
  Call* const call = slot.call;
  slot = Slot();
  free_.push_back(packet_id);
  inflight_.fetch_sub(1, std::memory_order_relaxed);
  shared_->monitor->inflight().Add(-1);
  if (call == nullptr) return;
  // 0x10, nobody subscribes, is a success: the broker has taken the message.
  if (packet.reason < 0x80) {
    ++call->ok;
  } else {
    ++call->no;
    if (call->why.ok()) {
      call->why = ReasonError("publish to mqtt5 " + connection_->server(), packet.reason,
                              packet.reason_text);
    }
  }
  if (--call->unconfirmed == 0) call->event.Set();
}

void Mqtt5Sink::Forget(Call& call) {
  for (const std::uint16_t id : call.ids) {
    if (id <= slots_.size() && slots_[id - 1U].call == &call) slots_[id - 1U].call = nullptr;
  }
}

void Mqtt5Sink::OnClosed(const Status& why) {
  const TimePoint now = Clock::now();
  if (connection_) {
    hint_ = connection_->redirect();
    if (connection_->last_reason() == kServerMoved) shared_->dialer.Moved(hint_);
  }
  if (ReasonOf(why) == "SESSION_TAKEN_OVER") client_id_ = RandomId(shared_->monitor->api());
  if (now - connected_at_ >= kHealthyAfter) attempts_ = 0;
  if (now - connected_at_ >= kPublishBackoff) {
    brief_ = 0;
  } else if (++brief_ > kRedirectsMax) {
    // Taken in and sent away at once: who waits does not run in a circle.
    retry_at_ = now + kPublishBackoff;
    connect_error_ = why;
  }
  LoseConnection(why);
  if (reconnecting_ || attempts_ >= shared_->config.reconnect_attempts) return;
  reconnecting_ = true;
  retiring_ = false;
  wake_.Reset();
  worker_.Spawn("mqtt5.reconnect", ReconnectTask(shared_from_this()));
}

Task<void> Mqtt5Sink::ReconnectTask(std::shared_ptr<Mqtt5Sink> self) {
  self->shared_->monitor->Reconnecting(1);
  while (!self->retiring_ && !self->connection_ &&
         self->attempts_ < self->shared_->config.reconnect_attempts) {
    const std::chrono::milliseconds pause = BackoffOf(self->attempts_++);
    co_await self->wake_.WaitFor(pause);
    if (self->retiring_ || self->connection_ || self->connecting_) continue;
    // A publish may have been refused meanwhile: asking again would lock the account.
    if (IsPermanent(ClassOf(self->connect_error_))) break;
    self->connecting_ = true;
    co_await ConnectTask(self);
    if (!self->connection_ && IsPermanent(ClassOf(self->connect_error_))) break;
  }
  self->shared_->monitor->Reconnecting(-1);
  self->reconnecting_ = false;
  if (self->retiring_ && self->connection_ && self->waiting_.empty() && self->inflight() == 0) {
    co_await Retire(self, Clock::now());
  }
}

void Mqtt5Sink::LoseConnection(const Status& why) {
  connection_.reset();
  free_.clear();
  std::size_t lost = 0;
  for (Slot& slot : slots_) {
    if (!slot.taken) continue;
    ++lost;
    if (slot.call != nullptr) {
      ++slot.call->unknown;
      if (slot.call->why.ok()) slot.call->why = why;
      if (--slot.call->unconfirmed == 0) slot.call->event.Set();
    }
    slot = Slot();
  }
  inflight_.fetch_sub(lost, std::memory_order_relaxed);
  shared_->monitor->inflight().Add(-static_cast<double>(lost));
  shared_->monitor->Closed(why);
  WakeWaiting();  // they make a new one
}

void Mqtt5Sink::OnTimer() {
  if (inflight() > 0 || !waiting_.empty()) return worker_.wheel().Arm(*this, kIdleLinger);
  worker_.Spawn("mqtt5.retire", Retire(shared_from_this(), Clock::now()));
}

Task<void> Mqtt5Sink::Retire(std::shared_ptr<Mqtt5Sink> self, TimePoint deadline) {
  self->retiring_ = true;
  self->wake_.Set();
  while ((self->inflight() > 0 || self->reconnecting_) && Clock::now() < deadline) {
    co_await self->worker_.wheel().Sleep(kWheelTick);
  }
  const ConnectionPtr connection = self->connection_;
  if (connection && self->inflight() > 0) {
    self->LoseConnection(MakeError(ErrorClass::kConnectionClosed, "publish to mqtt5: drained"));
  } else if (connection) {
    self->connection_.reset();
    self->free_.clear();
    self->shared_->monitor->Closed(OkStatus());
  }
  self->Cancel();
  if (connection) co_await connection->Close();
  if (!self->connection_ && !self->connecting_ && !self->reconnecting_ &&
      self->waiting_.empty() && !self->armed()) {
    self->quiet_.store(true, std::memory_order_release);
  }
}

}  // namespace tidegate::mqtt5
