#include "connectors/solace/monitor.h"

#include "connectors/api/link_metrics.h"
#include "server/base/log.h"
#include "server/base/unix_time.h"
#include "server/telemetry/metrics.h"

namespace tidegate::solace {

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
      clients_(LinkClients(api_, endpoint_)),
      credit_(Registry::Global().GetGauge(
          "tidegate_connector_credit", "Messages that brokers may send and have not sent yet.",
          LinkLabels(api_, endpoint_))),
      redelivered_(Registry::Global().GetCounter("tidegate_connector_redelivered_total",
                                                 "Messages that a broker delivered before.",
                                                 LinkLabels(api_, endpoint_))),
      confirmed_(Registry::Global().GetHistogram(
          "tidegate_broker_publish_duration_seconds",
          "From hand-over to the broker's confirmation.", telemetry::DurationBuckets(),
          LinkLabels(api_, endpoint_))) {
  constexpr const char* kNames[] = {"ok", "no", "unknown"};
  for (std::size_t i = 0; i < 3; ++i) {
    outcomes_[i] = &Registry::Global().GetCounter(
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

void Monitor::Connecting() {
  std::lock_guard lock(mutex_);
  if (health_.clients == 0 && !was_lost_) Since(HealthState::kConnecting);
}

void Monitor::Opened() {
  std::lock_guard lock(mutex_);
  ++health_.clients;
  clients_.Set(health_.clients);
  connects_.Add();
  if (was_lost_) ++health_.reconnects;
  was_lost_ = false;
  Since(HealthState::kReady);
  Log(LogLevel::kInfo, "solace.connected", {{"api", api_}, {"endpoint", endpoint_}});
}

void Monitor::Failed(const Status& status) {
  std::lock_guard lock(mutex_);
  failures_.Add();
  ++health_.connect_failures;
  health_.last_error = ClassOf(status);
  health_.last_error_text = MessageOf(status);
  if (health_.clients == 0) Since(was_lost_ ? HealthState::kDegraded : HealthState::kFailed);
  Log(LogLevel::kWarn, "solace.connect_failed",
      {{"api", api_}, {"endpoint", endpoint_}, {"cause", health_.last_error_text}});
}

void Monitor::Lost(const Status& status) {
  std::lock_guard lock(mutex_);
  losses_.Add();
  was_lost_ = true;
  health_.last_error = ClassOf(status);
  health_.last_error_text = MessageOf(status);
  Gone();
  if (health_.clients == 0) Since(HealthState::kDegraded);
  Log(LogLevel::kWarn, "solace.connection_lost",
      {{"api", api_}, {"endpoint", endpoint_}, {"cause", health_.last_error_text}});
}

void Monitor::Closed() {
  std::lock_guard lock(mutex_);
  Gone();
  if (health_.clients == 0) Since(HealthState::kIdle);
}

void Monitor::Gone() {
  --health_.clients;
  clients_.Set(health_.clients);
}

void Monitor::Redelivered() { redelivered_.Add(); }

void Monitor::Dropped(const char* reason) {
  dropped_.fetch_add(1, std::memory_order_relaxed);
  Registry::Global()
      .GetCounter("tidegate_connector_dropped_total", "Messages that a source had to let go.",
                  LinkLabels(api_, endpoint_, "reason", reason))
      .Add();
}

void Monitor::Credit(int change) { credit_.Add(change); }

connectors::Health Monitor::health() const {
  std::lock_guard lock(mutex_);
  connectors::Health health = health_;
  health.dropped = dropped_.load(std::memory_order_relaxed);
  return health;
}

}  // namespace tidegate::solace
