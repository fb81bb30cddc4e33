// What the connections of one connector have seen: its health and its metrics.
//
// Thread: any (a mutex; never on the path of a message). Owner: shared_ptr of the connector and of
// every connection.
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

namespace tidegate::solace {

class Monitor {
 public:
  // `api` and `endpoint` name the connector in logs and metrics.
  Monitor(std::string api, std::string endpoint);

  void Connecting();
  void Opened();                       // a connection is there
  void Failed(const Status& status);   // an attempt ended without one
  void Lost(const Status& status);     // one that was there has gone
  void Closed();                       // by us

  void Redelivered();
  void Dropped(const char* reason);    // a literal; a message that nobody will see
  void Credit(int change);             // granted to the broker and not used yet
  telemetry::Counter& published(connectors::Outcome outcome) const {
    return *outcomes_[static_cast<std::size_t>(outcome)];
  }
  telemetry::Histogram& confirmed() const { return confirmed_; }

  connectors::Health health() const;
  const std::string& api() const { return api_; }
  const std::string& endpoint() const { return endpoint_; }

 private:
  void Since(connectors::HealthState state);
  void Gone();

  const std::string api_;
  const std::string endpoint_;
  mutable std::mutex mutex_;
  connectors::Health health_;
  bool was_lost_ = false;
  std::atomic<std::uint64_t> dropped_{0};
  telemetry::Counter& connects_;
  telemetry::Counter& failures_;
  telemetry::Counter& losses_;
  telemetry::Gauge& clients_;
  telemetry::Gauge& credit_;
  telemetry::Counter& redelivered_;
  telemetry::Counter* outcomes_[3] = {};
  telemetry::Histogram& confirmed_;
};

}  // namespace tidegate::solace
