// What goes between an endpoint and its broker, counted in one place for every kind of connector.
//
// Thread: Add from any; OfEndpoint takes a lock, so readers and runtimes ask once, when they are
// made. Owner: the process, for ever (names are bounded by configuration).
#pragma once

#include <array>
#include <string>
#include <utility>

#include "connectors/api/ack.h"
#include "server/base/task.h"
#include "server/telemetry/metrics.h"

namespace tidegate::flow {

struct EndpointTraffic {
  std::array<telemetry::Counter*, 3> published{};  // by Outcome
  telemetry::Gauge* publishing = nullptr;          // outcome not known yet
  telemetry::Counter* received = nullptr;
  telemetry::Counter* redelivered = nullptr;
  telemetry::Counter* acked = nullptr;
  telemetry::Counter* nacked = nullptr;            // given back: another consumer, or again
  telemetry::Gauge* unsettled = nullptr;
  telemetry::Histogram* ack_seconds = nullptr;     // from the hand-over to the acknowledgement
};

const EndpointTraffic* OfEndpoint(const std::string& api, const std::string& endpoint);

// An Ack that is counted: dropped unsettled, it counts as given back.
class CountedAck {
 public:
  CountedAck() = default;
  CountedAck(connectors::Ack ack, const EndpointTraffic& traffic, TimePoint since)
      : ack_(std::move(ack)), traffic_(ack_ ? &traffic : nullptr), since_(since) {
    if (traffic_ != nullptr) traffic_->unsettled->Add(1);
  }
  CountedAck(CountedAck&& other) noexcept
      : ack_(std::move(other.ack_)), traffic_(std::exchange(other.traffic_, nullptr)),
        since_(other.since_) {}
  CountedAck& operator=(CountedAck&& other) noexcept {
    if (this != &other) {
      Drop();
      ack_ = std::move(other.ack_);
      traffic_ = std::exchange(other.traffic_, nullptr);
      since_ = other.since_;
    }
    return *this;
  }
  ~CountedAck() { Drop(); }

  void Done() {
    if (const EndpointTraffic* traffic = std::exchange(traffic_, nullptr)) {
      traffic->acked->Add();
      traffic->unsettled->Add(-1);
      traffic->ack_seconds->Observe(Clock::now() - since_);
    }
    ack_.Done();
  }

 private:
  void Drop() {
    if (const EndpointTraffic* traffic = std::exchange(traffic_, nullptr)) {
      traffic->nacked->Add();
      traffic->unsettled->Add(-1);
    }
  }
  connectors::Ack ack_;
  const EndpointTraffic* traffic_ = nullptr;
  TimePoint since_;
};

}  // namespace tidegate::flow
