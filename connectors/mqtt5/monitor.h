// What a connector knows of its health: told by connections on any worker, read by anyone.
//
// Thread: any (a mutex; never on the path of a message: counters are relaxed). Owner: shared_ptr
// of the connector and of everything that holds a connection.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "connectors/api/connector.h"

namespace tidegate::telemetry {
class Counter;
class Gauge;
class Histogram;
}

namespace tidegate::mqtt5 {

class Monitor {
 public:
  // `api` and `endpoint` name the connector in logs and metrics.
  Monitor(std::string api, std::string endpoint);

  void Connecting();
  void Connected(bool again);
  void ConnectFailed(const Status& status);
  // A connection has ended: by ourselves when `status` is OK.
  void Closed(const Status& status);
  // A source that has lost its connection tries to get another (+1), or has stopped trying (-1).
  void Reconnecting(int delta) { reconnecting_.fetch_add(delta, std::memory_order_relaxed); }
  void Dropped(std::uint64_t count);
  void Redelivered();

  connectors::Health health() const;
  const std::string& api() const { return api_; }
  const std::string& endpoint() const { return endpoint_; }
  telemetry::Gauge& inflight() { return inflight_; }
  telemetry::Histogram& ack_seconds() { return ack_seconds_; }

 private:
  void Since(connectors::HealthState state);

  const std::string api_;
  const std::string endpoint_;
  mutable std::mutex mutex_;
  connectors::Health health_;
  TimePoint failed_at_{};
  std::atomic<int> reconnecting_{0};
  std::atomic<std::uint64_t> dropped_{0};
  telemetry::Counter& connects_;
  telemetry::Counter& failures_;
  telemetry::Counter& losses_;
  telemetry::Counter& redelivered_;
  telemetry::Counter& dropped_total_;
  telemetry::Gauge& clients_;
  telemetry::Gauge& inflight_;
  telemetry::Histogram& ack_seconds_;
};

}  // namespace tidegate::mqtt5
