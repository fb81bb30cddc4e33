// The connection of a source: who we are, what we subscribe to, and what happens when it is lost.
#include <algorithm>

#include "connectors/mqtt5/attempts.h"
#include "connectors/mqtt5/limits.h"
#include "connectors/mqtt5/source.h"
#include "server/base/codec.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/telemetry/metrics.h"

namespace tidegate::mqtt5 {


Task<Status> SourceCore::TakeClientId() {
  if (!grouped()) {
    client_id_ = RandomId(shared_->monitor->api());
    co_return OkStatus();
  }
  const std::string base =
      GroupIdBase(shared_->monitor->api(), spec_.group, filters_, ReplicaName());
  const TimePoint until = Clock::now() + kConnectTimeout;
  bool again = true;
  while (again && !closed_) {
    lease_ = AcquireId(base, again);
    if (lease_ || Clock::now() > until) break;
    if (again) co_await worker_.wheel().Sleep(kWheelTick);
  }
  if (!lease_) {
    co_return MakeError(ErrorClass::kOverloaded,
                        "read mqtt5: too many members of this group on one machine");
  }
  client_id_ = lease_->id();
  residue_ = lease_->TakeResidue();
  co_return OkStatus();
}

Task<Status> SourceCore::Connect(bool again) {
  Status status = co_await ConnectOnce(again);
  // Refused by a whole connection instead of a SUBACK: the other way without shared subscriptions.
  if (!status.ok() && plain_ && ReasonOf(status) == "SHARED_NOT_SUPPORTED") {
    status = co_await ConnectOnce(again);
  }
  // Sent away before the subscription was there.
  for (int hop = 0; !status.ok() && !hint_.empty() && hop < kRedirectsMax && !closed_; ++hop) {
    status = co_await ConnectOnce(again);
  }
  if (!status.ok()) shared_->monitor->ConnectFailed(status);
  lost_.Reset();
  co_return status;
}

Task<Status> SourceCore::ConnectOnce(bool again) {
  const Mqtt5Config& config = shared_->config;
  mqtt5::Connect connect = MakeConnect(config, client_id_);
  // `cleanStart` drops what an earlier run left behind; a connection that was lost is resumed.
  connect.clean_start = !grouped() || (config.clean_start && !again);
  connect.session_expiry = grouped() ? config.session_expiry : 0;
  shared_->monitor->Connecting();
  auto opened = co_await shared_->dialer.Open(worker_, std::move(connect), *this,
                                              std::exchange(hint_, std::string()),
                                              Clock::now() + kConnectTimeout);
  if (!opened.ok()) {
    wire_ = nullptr;
    co_return opened.status();
  }
  connection_ = std::move(*opened);
  shared_->monitor->Connected(again);
  subscribing_ = true;
  Status status = co_await SubscribeAll();
  subscribing_ = false;
  if (status.ok() && closed_) status = Cancelled("read mqtt5: the source was closed");
  if (status.ok()) {
    connected_at_ = Clock::now();
    co_return OkStatus();
  }
  if (connection_) {
    const bool shared_refused = connection_->last_reason() == kSharedNotSupported;
    HeedReference(*connection_);
    co_await EndConnection();
    if (shared_refused && grouped() && !plain_) {
      LeaveShared("refused");
      status = WithReason(std::move(status), "SHARED_NOT_SUPPORTED");
    }
  }
  co_return status;
}

// A broker without shared subscriptions gives every replica every message.
void SourceCore::LeaveShared(const char* why) {
  plain_ = true;
  Log(LogLevel::kWarn, "mqtt5.no_shared_subscriptions",
      {{"api", shared_->monitor->api()}, {"endpoint", shared_->monitor->endpoint()}, {"why", why}});
}

Task<Status> SourceCore::SubscribeAll() {
  if (grouped() && !plain_ && !connection_->connack().shared_available) LeaveShared("CONNACK");
  for (int round = 0; round < 2; ++round) {
    const bool shared = grouped() && !plain_;
    std::vector<Subscription> wanted;
    for (const std::string& filter : filters_) {
      Subscription& one = wanted.emplace_back();
      one.filter = shared ? "$share/" + spec_.group + "/" + filter : filter;
      one.id = static_cast<std::uint32_t>(wanted.size());
    }
    // Retained messages come with a new subscription, not with one that the session has kept.
    const std::uint8_t retain_handling = shared ? 0 : 1;
    const ConnectionPtr connection = connection_;
    auto granted = co_await connection->Subscribe(std::move(wanted), qos_, retain_handling,
                                                  Clock::now() + kConnectTimeout);
    if (!granted.ok()) co_return granted.status();
    const Status status = CheckGranted(*granted);
    if (shared && plain_) {
      // Once more, without sharing. What was granted of it would bring everything a second time.
      std::vector<std::string> given;
      for (std::size_t i = 0; i < granted->size(); ++i) {
        if ((*granted)[i] < 0x80) given.push_back("$share/" + spec_.group + "/" + filters_[i]);
      }
      if (given.empty()) continue;
      const Status left =
          co_await connection->Unsubscribe(std::move(given), Clock::now() + kConnectTimeout);
      if (!left.ok()) co_return left;
      continue;
    }
    co_return status;
  }
  co_return MakeError(ErrorClass::kConfigInvalid, "subscribe at mqtt5: refused");
}

Status SourceCore::CheckGranted(const std::vector<std::uint8_t>& reasons) {
  const bool shared = grouped() && !plain_;
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    const std::uint8_t reason = reasons[i];
    if (reason == kSharedNotSupported && shared) {
      LeaveShared("SUBACK");
      return OkStatus();
    }
    if (reason >= 0x80) {
      return ReasonError("subscribe at mqtt5 " + connection_->server() + " to filter " +
                             std::to_string(i + 1) + " of " + std::to_string(reasons.size()),
                         reason, "");
    }
    if (reason >= qos_) continue;
    if (shared) {
      LeaveShared("QoS 0 only");
      return OkStatus();
    }
    if (settled_by_consumer_) {
      return MakeError(ErrorClass::kConfigInvalid,
                       "subscribe at mqtt5 " + connection_->server() +
                           ": the broker grants QoS 0 only, at-least-once needs QoS 1");
    }
  }
  return OkStatus();
}

// Where the server has sent us goes before the settings, once.
void SourceCore::HeedReference(const Connection& ended) {
  hint_ = ended.redirect();
  if (ended.last_reason() == kServerMoved) shared_->dialer.Moved(hint_);
}

void SourceCore::OnClosed(const Status& why) {
  wire_ = nullptr;
  if (connection_) HeedReference(*connection_);
  connection_.reset();
  ++generation_;
  KeepResidue(false);
  lost_why_ = why;
  shared_->monitor->Closed(why);
  lost_.Set();
}

Task<void> SourceCore::Supervise(std::shared_ptr<SourceCore> self) {
  while (!self->closed_) {
    co_await self->lost_.Wait();
    if (self->closed_) break;
    self->shared_->monitor->Reconnecting(1);
    Status status = co_await self->Reconnect();
    self->shared_->monitor->Reconnecting(-1);
    if (self->closed_) break;
    // Next reads on, or is told of the failure.
    if (!status.ok()) self->failed_ = std::move(status);
    self->arrived_.Set();
    if (!self->failed_.ok()) break;
  }
  if (self->closed_) {
    co_await self->EndConnection();
    self->FreeClientId();
  }
  self->supervised_ = false;
  self->done_.Set();
}

// Another gateway calls itself as this one does. Fighting for the name would end both for ever.
void SourceCore::LeaveName() {
  Log(LogLevel::kWarn, "mqtt5.session_taken_over",
      {{"api", shared_->monitor->api()},
       {"endpoint", shared_->monitor->endpoint()},
       {"hint", "give each replica its own TIDEGATE_REPLICA or host name"}});
  if (!grouped()) {
    client_id_ = RandomId(shared_->monitor->api());
    return;
  }
  if (own_name_.empty()) own_name_ = client_id_;
  client_id_ = own_name_ + "-" + RandomToken(4);
  residue_ = Residue();
  lease_.reset();
}

Task<Status> SourceCore::Reconnect() {
  if (ReasonOf(lost_why_) == "SESSION_TAKEN_OVER") LeaveName();
  if (Clock::now() - connected_at_ >= kHealthyAfter) attempts_ = 0;
  Status status = lost_why_;
  while (attempts_ < shared_->config.reconnect_attempts && !closed_) {
    const std::chrono::milliseconds pause = BackoffOf(attempts_++);
    co_await wake_.WaitFor(pause);
    if (closed_) break;
    status = co_await Connect(true);
    if (status.ok() || IsPermanent(ClassOf(status))) co_return status;
    if (ReasonOf(status) == "SESSION_TAKEN_OVER") LeaveName();
  }
  co_return status;
}

// ---- the end

Task<void> SourceCore::EndConnection() {
  const std::shared_ptr<SourceCore> self = shared_from_this();
  if (!connection_) co_return;
  const ConnectionPtr connection = std::exchange(connection_, nullptr);
  if (wire_ != nullptr) {
    inbox_->Drain();
    if (wire_ != nullptr) SendSettled();
  }
  wire_ = nullptr;
  ++generation_;
  // The first member's session goes on collecting for it; another's, or that of a name that nobody
  // will have again, would collect for nobody.
  bool returns = lease_ ? lease_->slot() == 0 : own_name_.empty();
  if (closed_ && grouped() && returns && lease_ && lease_->HasCompany()) {
    // Whoever ends with us, as when the process does, has begun to by then. Another that goes on
    // would share the messages with a session that nobody reads.
    co_await worker_.wheel().Sleep(kCompanyWait);
    returns = !lease_->HasCompany();
  }
  if (closed_ && grouped() && !returns && connection->open()) {
    std::vector<std::string> filters;
    for (const std::string& filter : filters_) {
      filters.push_back(plain_ ? filter : "$share/" + spec_.group + "/" + filter);
    }
    connection->Detach();
    (void)co_await connection->Unsubscribe(std::move(filters), Clock::now() + kFarewell);
  }
  const bool was_open = connection->open();
  co_await connection->Close();
  shared_->monitor->Closed(OkStatus());
  // What was acknowledged at hand-over went out before the farewell, unless it was over already.
  KeepResidue(was_open);
}

void SourceCore::FreeClientId() {
  if (!lease_) return;
  lease_->LeaveResidue(std::exchange(residue_, Residue()));
  lease_.reset();
}

Task<void> SourceCore::Close() {
  const std::shared_ptr<SourceCore> self = shared_from_this();
  if (std::exchange(closed_, true)) co_return;
  if (lease_) lease_->Closing();
  arrived_.Set();
  wake_.Set();
  lost_.Set();
  if (supervised_) {
    // It may be in the middle of connecting: then it ends by itself, a little later.
    co_await done_.WaitFor(2 * kFarewell + kFarewell);
  } else {
    co_await EndConnection();
    FreeClientId();
  }
  inbox_->Detach();
  shared_->monitor->inflight().Add(-static_cast<double>(window_.size()));
  window_.Clear();
  ready_.clear();
}

}  // namespace tidegate::mqtt5
