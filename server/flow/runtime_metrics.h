// The counters of one API's parts, found once when a snapshot is assembled: a request only adds.
// Thread: Add from any; Make… on the control thread. Owner: the registry (for ever).
#pragma once

#include <array>
#include <string>

#include "server/base/error_class.h"
#include "server/flow/subscriber.h"
#include "server/telemetry/metrics.h"

namespace tidegate::flow {

struct EntrypointMetrics {
  std::array<telemetry::Counter*, 6> requests{};  // by code class: [2] is 2xx; [0] none was sent
  telemetry::Histogram* duration = nullptr;
  telemetry::Gauge* active = nullptr;
  std::array<telemetry::Counter*, 6> ended{};     // by EndReason
  telemetry::Counter* published = nullptr;
  telemetry::Counter* delivered = nullptr;
  telemetry::Histogram* latency = nullptr;
};

struct ApiMetrics {
  telemetry::Counter* bytes_in = nullptr;
  telemetry::Counter* bytes_out = nullptr;
  telemetry::Counter* auth_refused = nullptr;
};

struct EndpointMetrics {
  telemetry::Histogram* publish_duration = nullptr;
  std::array<telemetry::Counter*, 15> errors{};   // by ErrorClass
};

EntrypointMetrics MakeEntrypointMetrics(const std::string& api, const std::string& entrypoint);
ApiMetrics MakeApiMetrics(const std::string& api);
EndpointMetrics MakeEndpointMetrics(const std::string& api, const std::string& endpoint);
telemetry::Counter* MakeAuthCounter(const std::string& api, const std::string& scheme,
                                    const std::string& result);

std::string_view NameOf(EndReason reason);

}  // namespace tidegate::flow
