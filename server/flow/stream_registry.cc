#include "server/flow/stream_registry.h"

#include <algorithm>

#include "server/exchange/error_map.h"

namespace tidegate::flow {
namespace {

// The entrypoint and the plan of a stream must still be there for it to go on.
bool HasEntrypoint(const ApiRuntime& runtime, std::string_view kind) {
  return std::any_of(runtime.entrypoints.begin(), runtime.entrypoints.end(),
                     [&](const EntrypointRuntime& entry) { return entry.kind == kind; });
}

bool HasPlan(const ApiRuntime& runtime, const std::string& plan) {
  return std::any_of(
      runtime.authenticators.begin(), runtime.authenticators.end(),
      [&](const security::AuthenticatorPtr& entry) { return entry->plan().name == plan; });
}

}  // namespace

void LiveStream::Leave() {
  WheelTimer::Cancel();
  if (registry_ != nullptr) registry_->Remove(*this);
}

void LiveStream::ExpireAt(net::TimerWheel& wheel, TimePoint time) {
  expires_ = time;
  wheel.ArmAt(*this, time);
}

void LiveStream::LeaveAt(net::TimerWheel& wheel, TimePoint time) {
  leaving_ = true;
  wheel.ArmAt(*this, std::min(time, expires_));
}

void LiveStream::OnTimer() {
  control->Stop(EndReason::kGoaway, exchange::Refuse(leaving_ ? "DRAINING" : "CONNECTION_AGED"));
}

void StreamRegistry::Add(LiveStream& stream) {
  stream.registry_ = this;
  stream.number_ = next_++;
  stream.place_ = streams_.size();
  streams_.push_back(&stream);
  if (stream.has_key) ++keyed_;
}

void StreamRegistry::Remove(LiveStream& stream) {
  LiveStream* last = streams_.back();
  streams_[stream.place_] = last;
  last->place_ = stream.place_;
  streams_.pop_back();
  if (stream.has_key) --keyed_;
  stream.registry_ = nullptr;
}

bool StreamRegistry::MustReconnect(LiveStream& stream,
                                   const std::shared_ptr<const WorkerSnapshot>& snapshot) {
  const ApiRuntime& old = **stream.runtime;
  const ApiRuntime* fresh = snapshot->snapshot->FindApi(stream.context->api);
  if (fresh == nullptr || fresh->api->stopped || fresh->api->uid != old.api->uid) {
    stream.control->Stop(EndReason::kGoaway, exchange::Refuse("DRAINING"));
    return false;
  }
  if (fresh->api->stream_fingerprint != old.api->stream_fingerprint ||
      !HasEntrypoint(*fresh, stream.entrypoint)) {
    return true;
  }
  if (!HasPlan(*fresh, stream.context->plan)) {
    stream.control->Stop(EndReason::kPlanGone, exchange::Refuse("PLAN_ENDED"));
    return false;
  }
  *stream.runtime = RuntimePtr(snapshot, fresh);
  return false;
}

void StreamRegistry::RebindOne(LiveStream& stream,
                               const std::shared_ptr<const WorkerSnapshot>& snapshot) {
  if (!MustReconnect(stream, snapshot)) return;
  stream.control->Stop(EndReason::kGoaway, exchange::Refuse("DRAINING"));
}

void StreamRegistry::Rebind(const std::shared_ptr<const WorkerSnapshot>& snapshot,
                            net::TimerWheel& wheel, std::chrono::milliseconds notice) {
  std::vector<LiveStream*> changed;
  for (LiveStream* stream : streams_) {
    if (MustReconnect(*stream, snapshot)) changed.push_back(stream);
  }
  Spread(changed, wheel, notice);
}

void StreamRegistry::Spread(const std::vector<LiveStream*>& streams, net::TimerWheel& wheel,
                            std::chrono::milliseconds notice) {
  if (streams.empty()) return;
  const auto window = std::chrono::microseconds(notice) * kGoawayPercentOfNotice / 100;
  const auto count = static_cast<std::int64_t>(streams.size());
  const auto step = std::min<std::chrono::microseconds>(kGoawayPace, window / count);
  const TimePoint now = Clock::now();
  TimePoint time = now;
  for (LiveStream* stream : streams) {
    if (stream->leaving_) continue;  // a second change does not keep it longer
    if (time == now) {
      stream->leaving_ = true;
      stream->control->Stop(EndReason::kGoaway, exchange::Refuse("DRAINING"));
    } else {
      stream->LeaveAt(wheel, time);
    }
    time += step;
  }
}

void StreamRegistry::CheckOne(LiveStream& stream, const security::SubscriptionIndex& index,
                              model::WallTime now) {
  const exchange::Context& context = *stream.context;
  const auto found = index.FindKey(context.plan, stream.key, now);
  const bool holds = found.subscription && found.subscription->name == context.subscription &&
                     security::ValidityOf(*found.subscription, now) == security::Validity::kValid &&
                     security::ValidityOf(*found.key, now) == security::Validity::kValid;
  if (!holds) stream.control->Stop(EndReason::kPlanGone, exchange::Refuse("SUBSCRIPTION_ENDED"));
}

void StreamRegistry::Check(const std::string& api, const security::SubscriptionIndex& index,
                           model::WallTime now) {
  for (LiveStream* stream : streams_) {
    if (stream->has_key && stream->context->api == api) CheckOne(*stream, index, now);
  }
}

void StreamRegistry::CheckAll(
    const std::function<const security::SubscriptionIndex&(const std::string&)>& of,
    model::WallTime now) {
  for (LiveStream* stream : streams_) {
    if (stream->has_key) CheckOne(*stream, of(stream->context->api), now);
  }
}

void StreamRegistry::StopSpread(net::TimerWheel& wheel, std::chrono::milliseconds notice) {
  Spread(streams_, wheel, notice);
}

void StreamRegistry::CancelSpread(net::TimerWheel& wheel) {
  for (LiveStream* stream : streams_) {
    if (!stream->leaving_ || !stream->armed()) continue;
    stream->leaving_ = false;
    stream->Cancel();
    if (stream->expires_ != TimePoint::max()) wheel.ArmAt(*stream, stream->expires_);
  }
}

std::string StreamRegistry::IdOf(const LiveStream& stream) const {
  return std::to_string(worker_) + "-" + std::to_string(stream.number_);
}

void StreamRegistry::List(std::size_t max, std::vector<ConnectionInfo>& out) const {
  for (const LiveStream* stream : streams_) {
    if (out.size() >= max) return;
    ConnectionInfo info;
    info.id = IdOf(*stream);
    info.api = stream->context->api;
    info.entrypoint = stream->entrypoint;
    info.plan = stream->context->plan;
    info.subscription = stream->context->subscription;
    info.client = stream->context->client_address;
    info.endpoint = stream->endpoint;
    info.started_unix_ms = stream->started_unix_ms;
    info.messages = stream->control->messages();
    info.bytes = stream->control->bytes();
    info.pending_bytes = stream->control->backlog().bytes;
    out.push_back(std::move(info));
  }
}

void StreamRegistry::SumBacklogs(std::map<std::string, Backlog>& out) const {
  for (const LiveStream* stream : streams_) {
    const Backlog one = stream->control->backlog();
    Backlog& sum = out[stream->context->api];
    sum.messages += one.messages;
    sum.bytes += one.bytes;
    sum.paused += one.paused;
  }
}

bool StreamRegistry::Close(const std::string& id) {
  for (LiveStream* stream : streams_) {
    if (IdOf(*stream) != id) continue;
    stream->control->Stop(EndReason::kGoaway, exchange::Refuse("DRAINING"));
    return true;
  }
  return false;
}

}  // namespace tidegate::flow
