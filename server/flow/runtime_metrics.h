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
  telemetry::Counter* bytes_received = nullptr;
  telemetry::Counter* bytes_sent = nullptr;
  std::array<telemetry::Counter*, 6> ended{};     // by EndReason
  telemetry::Histogram* stream_duration = nullptr;
  telemetry::Counter* published = nullptr;
  telemetry::Counter* delivered = nullptr;
  telemetry::Histogram* latency = nullptr;
};

struct ApiMetrics {
  telemetry::Counter* bytes_in = nullptr;
  telemetry::Counter* bytes_out = nullptr;
  telemetry::Counter* auth_refused = nullptr;
  telemetry::Histogram* overhead = nullptr;  // of requests that an endpoint answered
};

struct EndpointMetrics {
  telemetry::Histogram* publish_duration = nullptr;
  std::array<telemetry::Counter*, 15> errors{};   // by ErrorClass
};

// Requests that were refused because of the state of the process, not because of what they ask.
struct ShedMetrics {
  telemetry::Counter* draining = nullptr;
  telemetry::Counter* in_flight = nullptr;
  telemetry::Counter* streams = nullptr;
};

ShedMetrics MakeShedMetrics();
// Messages that were not passed on; made when somebody may lose some. Takes a lock.
telemetry::Counter* DroppedMessages(const std::string& api, std::string_view entrypoint,
                                    const char* reason);
// Open streams of one entrypoint on one listener. Takes a lock.
telemetry::Gauge* ActiveStreams(const std::string& entrypoint, const std::string& listener);
// The same object for the same names, kept for ever as its counters are: streams hold it while the
// runtimes that they were opened under come and go.
const EntrypointMetrics* MakeEntrypointMetrics(const std::string& api,
                                               const std::string& entrypoint);
ApiMetrics MakeApiMetrics(const std::string& api);
EndpointMetrics MakeEndpointMetrics(const std::string& api, const std::string& endpoint);
telemetry::Counter* MakeAuthCounter(const std::string& api, const std::string& scheme,
                                    const std::string& result);

std::string_view NameOf(EndReason reason);

}  // namespace tidegate::flow
