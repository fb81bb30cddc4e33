#include "connectors/rabbitmq/monitor.h"

#include "connectors/api/link_metrics.h"
#include "server/base/log.h"
#include "server/base/unix_time.h"
#include "server/telemetry/metrics.h"

namespace tidegate::rabbitmq {

using connectors::HealthState;
using connectors::LinkChanges;
using connectors::LinkClients;
using connectors::LinkLabels;

Monitor::Monitor(std::string api, std::string endpoint)
    : api_(std::move(api)), endpoint_(std::move(endpoint)),
      connects_(LinkChanges(api_, endpoint_, "reached")),
      failures_(LinkChanges(api_, endpoint_, "failed")),
      losses_(LinkChanges(api_, endpoint_, "lost")),
      delivered_(telemetry::Registry::Global().GetCounter(
          "tidegate_broker_deliveries_total", "Messages that brokers have delivered.",
          LinkLabels(api_, endpoint_))),
      redelivered_(telemetry::Registry::Global().GetCounter(
          "tidegate_broker_redeliveries_total", "Of these, delivered before.",
          LinkLabels(api_, endpoint_))),
      dropped_(telemetry::Registry::Global().GetCounter(
          "tidegate_broker_dropped_total", "Messages that could not be taken.",
          LinkLabels(api_, endpoint_))),
      clients_(LinkClients(api_, endpoint_)),
      inflight_(telemetry::Registry::Global().GetGauge(
          "tidegate_connector_publishes_in_flight", "Publishes that wait for the broker.",
          LinkLabels(api_, endpoint_))),
      blocked_(telemetry::Registry::Global().GetGauge(
          "tidegate_connector_blocked", "Connections that the broker has blocked.",
          LinkLabels(api_, endpoint_))),
      confirm_seconds_(telemetry::Registry::Global().GetHistogram(
          "tidegate_broker_publish_duration_seconds",
          "From hand-over to the broker's confirmation.", telemetry::DurationBuckets(),
          LinkLabels(api_, endpoint_))) {
  constexpr const char* kNames[] = {"ok", "no", "unknown"};
  for (std::size_t i = 0; i < 3; ++i) {
    outcomes_[i] = &telemetry::Registry::Global().GetCounter(
        "tidegate_broker_publishes_total", "Records published to brokers, by outcome.",
        LinkLabels(api_, endpoint_, "outcome", kNames[i]));
  }
  health_.since_unix_ms = UnixMs();
}

void Monitor::Since(HealthState state) {
  if (health_.state == state) return;
  health_.state = state;
  health_.since_unix_ms = UnixMs();
}

void Monitor::Fault(const Status& why) {
  health_.last_error = ClassOf(why);
  health_.last_error_text = MessageOf(why);
}

void Monitor::Connecting() {
  const std::lock_guard lock(mutex_);
  if (health_.state == HealthState::kIdle) Since(HealthState::kConnecting);
}

void Monitor::Connected() {
  const std::lock_guard lock(mutex_);
  ++health_.clients;
  clients_.Set(health_.clients);
  if (broken_) ++health_.reconnects;
  broken_ = false;
  connects_.Add();
  Since(HealthState::kReady);
}

void Monitor::ConnectFailed(const Status& why) {
  const std::lock_guard lock(mutex_);
  ++health_.connect_failures;
  failures_.Add();
  Fault(why);
  // What works for others goes on working for them.
  if (health_.clients == 0) Since(broken_ ? HealthState::kDegraded : HealthState::kFailed);
}

void Monitor::Disconnected() {
  const std::lock_guard lock(mutex_);
  --health_.clients;
  clients_.Set(health_.clients);
  if (health_.clients == 0 && health_.state == HealthState::kReady) Since(HealthState::kIdle);
}

void Monitor::Lost(const Status& why) {
  {
    const std::lock_guard lock(mutex_);
    --health_.clients;
    clients_.Set(health_.clients);
    broken_ = true;
    losses_.Add();
    Fault(why);
    if (health_.clients == 0) Since(HealthState::kDegraded);
  }
  Log(LogLevel::kWarn, "rabbitmq.connection_lost",
      {{"api", api_}, {"endpoint", endpoint_}, {"cause", MessageOf(why)}});
}

void Monitor::Refused(const Status& why) {
  const std::lock_guard lock(mutex_);
  Fault(why);
}

void Monitor::Dropped() {
  dropped_.Add();
  const std::lock_guard lock(mutex_);
  ++health_.dropped;
}

void Monitor::Blocked(bool blocked, std::string_view reason) {
  blocked_.Add(blocked ? 1 : -1);
  Log(LogLevel::kWarn, blocked ? "rabbitmq.blocked" : "rabbitmq.unblocked",
      {{"api", api_}, {"endpoint", endpoint_}, {"cause", std::string(reason)}});
}

connectors::Health Monitor::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

void Monitor::Published(connectors::Outcome outcome) {
  outcomes_[static_cast<std::size_t>(outcome)]->Add();
}

void Monitor::Confirmed(Clock::duration after) { confirm_seconds_.Observe(after); }

void Monitor::Delivered(bool redelivered) {
  delivered_.Add();
  if (redelivered) redelivered_.Add();
}

void Monitor::InFlight(int delta) {
  const std::int64_t now = inflight_count_.fetch_add(delta, std::memory_order_relaxed) + delta;
  inflight_.Set(static_cast<double>(now));
}

}  // namespace tidegate::rabbitmq
