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

void LiveStream::OnTimer() {
  control->Stop(EndReason::kGoaway, exchange::Refuse("CONNECTION_AGED"));
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

void StreamRegistry::RebindOne(LiveStream& stream,
                               const std::shared_ptr<const WorkerSnapshot>& snapshot) {
  const ApiRuntime& old = **stream.runtime;
  const ApiRuntime* fresh = snapshot->snapshot->FindApi(stream.context->api);
  if (fresh == nullptr || fresh->api->stopped || fresh->api->uid != old.api->uid ||
      fresh->api->stream_fingerprint != old.api->stream_fingerprint ||
      !HasEntrypoint(*fresh, stream.entrypoint)) {
    stream.control->Stop(EndReason::kGoaway, exchange::Refuse("DRAINING"));
    return;
  }
  if (!HasPlan(*fresh, stream.context->plan)) {
    stream.control->Stop(EndReason::kPlanGone, exchange::Refuse("PLAN_ENDED"));
    return;
  }
  *stream.runtime = RuntimePtr(snapshot, fresh);
}

void StreamRegistry::Rebind(const std::shared_ptr<const WorkerSnapshot>& snapshot) {
  for (LiveStream* stream : streams_) RebindOne(*stream, snapshot);
}

void StreamRegistry::CheckOne(LiveStream& stream, const security::SubscriptionIndex& index,
                              model::WallTime now) {
  const exchange::Context& context = *stream.context;
  const auto found = index.FindKey(context.plan, stream.key);
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

void StreamRegistry::StopAll(EndReason reason, const Status& status) {
  for (LiveStream* stream : streams_) stream->control->Stop(reason, status);
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
