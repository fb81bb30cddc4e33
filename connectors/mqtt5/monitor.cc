#include "connectors/mqtt5/monitor.h"

#include "connectors/api/link_metrics.h"
#include "connectors/mqtt5/limits.h"
#include "server/base/log.h"
#include "server/base/unix_time.h"
#include "server/telemetry/metrics.h"

namespace tidegate::mqtt5 {

using connectors::HealthState;
using connectors::LinkChanges;
using connectors::LinkClients;
using connectors::LinkLabels;
using telemetry::Registry;

Monitor::Monitor(std::string api, std::string endpoint)
    : api_(std::move(api)), endpoint_(std::move(endpoint)),
      connects_(LinkChanges(api_, endpoint_, "reached")),
      failures_(LinkChanges(api_, endpoint_, "failed")),
      losses_(LinkChanges(api_, endpoint_, "lost")),
      redelivered_(Registry::Global().GetCounter(
          "tidegate_connector_redelivered_total", "Messages that the broker delivered again.",
          LinkLabels(api_, endpoint_))),
      dropped_total_(Registry::Global().GetCounter(
          "tidegate_connector_dropped_total", "Messages that a source had to let go.",
          LinkLabels(api_, endpoint_, "reason", "qos0_backlog"))),
      clients_(LinkClients(api_, endpoint_)),
      inflight_(Registry::Global().GetGauge(
          "tidegate_connector_inflight", "Messages that are published or consumed, unconfirmed.",
          LinkLabels(api_, endpoint_))),
      ack_seconds_(Registry::Global().GetHistogram(
          "tidegate_connector_ack_seconds", "From a message's arrival to its acknowledgement.",
          telemetry::DurationBuckets(), LinkLabels(api_, endpoint_))) {
  health_.since_unix_ms = UnixMs();
}

void Monitor::Since(HealthState state) {
  if (health_.state == state) return;
  health_.state = state;
  health_.since_unix_ms = UnixMs();
}

void Monitor::Connecting() {
  const std::lock_guard lock(mutex_);
  if (health_.state == HealthState::kIdle || health_.state == HealthState::kFailed) {
    Since(HealthState::kConnecting);
  }
}

void Monitor::Connected(bool again) {
  connects_.Add();
  const std::lock_guard lock(mutex_);
  ++health_.clients;
  if (again) ++health_.reconnects;
  clients_.Set(health_.clients);
  failed_at_ = TimePoint();
  Since(HealthState::kReady);
}

void Monitor::ConnectFailed(const Status& status) {
  failures_.Add();
  const std::lock_guard lock(mutex_);
  ++health_.connect_failures;
  health_.last_error = ClassOf(status);
  health_.last_error_text = MessageOf(status);
  failed_at_ = Clock::now();
  Since(health_.clients > 0 ? HealthState::kDegraded : HealthState::kFailed);
  Log(LogLevel::kWarn, "mqtt5.connect_failed",
      {{"api", api_}, {"endpoint", endpoint_}, {"cause", health_.last_error_text}});
}

void Monitor::Closed(const Status& status) {
  const std::lock_guard lock(mutex_);
  --health_.clients;
  clients_.Set(health_.clients);
  if (status.ok()) {
    if (health_.clients == 0) Since(HealthState::kIdle);
    return;
  }
  losses_.Add();
  health_.last_error = ClassOf(status);
  health_.last_error_text = MessageOf(status);
  Since(HealthState::kDegraded);
  Log(LogLevel::kWarn, "mqtt5.connection_lost",
      {{"api", api_}, {"endpoint", endpoint_}, {"cause", health_.last_error_text}});
}

void Monitor::Dropped(std::uint64_t count) {
  dropped_.fetch_add(count, std::memory_order_relaxed);
  dropped_total_.Add(count);
}

void Monitor::Redelivered() { redelivered_.Add(); }

// Failed holds for a while only: who is not asked would never be found well again.
connectors::Health Monitor::health() const {
  const std::lock_guard lock(mutex_);
  connectors::Health health = health_;
  health.dropped = dropped_.load(std::memory_order_relaxed);
  if (health.clients > 0) return health;
  if (reconnecting_.load(std::memory_order_relaxed) > 0) {
    health.state = HealthState::kDegraded;
  } else if (health.state == HealthState::kDegraded ||
             (health.state == HealthState::kFailed && Clock::now() - failed_at_ > kFailedFor)) {
    health.state = HealthState::kIdle;
  }
  return health;
}

}  // namespace tidegate::mqtt5
