// What a connector knows of its health, and its metrics: written by connections on their workers,
// read by anyone.
//
// Thread: any (a mutex; never on the path of a message: counters are resolved once).
// Owner: shared_ptr of the connector, of sinks, sources and connections.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "connectors/api/connector.h"
#include "connectors/api/sink.h"

namespace tidegate::telemetry {
class Counter;
class Gauge;
class Histogram;
}  // namespace tidegate::telemetry

namespace tidegate::rabbitmq {

class Monitor {
 public:
  // `api` and `endpoint` name the connector in logs and metrics.
  Monitor(std::string api, std::string endpoint);

  void Connecting();
  void Connected();                       // logged in, channel set up
  void ConnectFailed(const Status& why);  // an attempt that ended without
  void Disconnected();                    // one that was connected is closed on purpose
  void Lost(const Status& why);           // one that was connected is gone
  void Refused(const Status& why);        // the broker refused a request on a live connection
  void Dropped();                         // a message that could not be taken
  void Blocked(bool blocked, std::string_view reason);
  connectors::Health health() const;

  void Published(connectors::Outcome outcome);
  void Confirmed(Clock::duration after);
  void Delivered(bool redelivered);
  void InFlight(int delta);
  std::int64_t inflight() const { return inflight_count_.load(std::memory_order_relaxed); }

  const std::string& api() const { return api_; }
  const std::string& endpoint() const { return endpoint_; }

 private:
  void Fault(const Status& why);  // under the mutex
  void Since(connectors::HealthState state);

  const std::string api_;
  const std::string endpoint_;
  mutable std::mutex mutex_;
  connectors::Health health_;
  bool broken_ = false;  // lost, and not yet back
  std::atomic<std::int64_t> inflight_count_{0};
  telemetry::Counter& connects_;
  telemetry::Counter& failures_;
  telemetry::Counter& losses_;
  telemetry::Counter& delivered_;
  telemetry::Counter& redelivered_;
  telemetry::Counter& dropped_;
  telemetry::Counter* outcomes_[3];
  telemetry::Gauge& clients_;
  telemetry::Gauge& inflight_;
  telemetry::Gauge& blocked_;
  telemetry::Histogram& confirm_seconds_;
};

}  // namespace tidegate::rabbitmq
