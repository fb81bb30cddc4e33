// What connectors say of themselves: state, connections, what they let go (connectors.h, Health).
#include <array>

#include "server/telemetry/metrics.h"
#include "sidecar/gauges.h"

namespace tidegate::sidecar {
namespace {

using connectors::HealthState;
using telemetry::Labels;
using Sample = telemetry::Registry::Sample;
using Samples = std::vector<Sample>;

constexpr std::array kStates = {HealthState::kIdle, HealthState::kConnecting, HealthState::kReady,
                                HealthState::kDegraded, HealthState::kFailed};

void Add(Samples& samples, const flow::EndpointHealth& endpoint, Labels more, double value) {
  Sample sample;
  sample.labels = {{"api", endpoint.api}, {"endpoint", endpoint.endpoint}};
  sample.labels.insert(sample.labels.end(), more.begin(), more.end());
  sample.value = value;
  samples.push_back(std::move(sample));
}

// One row of each family for every deployed endpoint.
void Collect(const std::string& name, const std::string& help, const std::string& kind,
             flow::DataPlane& plane,
             void (*rows)(const flow::EndpointHealth& endpoint, Samples& samples)) {
  telemetry::Registry::Global().AddCollector(name, help, kind, [&plane, rows] {
    Samples samples;
    for (const flow::EndpointHealth& endpoint : plane.Endpoints()) rows(endpoint, samples);
    return samples;
  });
}

}  // namespace

void AddConnectorGauges(flow::DataPlane& plane) {
  Collect("tidegate_endpoint_state", "1 for the state that the connector is in.", "gauge", plane,
          [](const flow::EndpointHealth& endpoint, Samples& samples) {
            for (const HealthState state : kStates) {
              Add(samples, endpoint,
                  {{"kind", endpoint.kind}, {"state", std::string(connectors::NameOf(state))}},
                  endpoint.health.state == state ? 1 : 0);
            }
          });
  Collect("tidegate_endpoint_connect_failures_total",
          "Attempts that ended without a usable connection.", "counter", plane,
          [](const flow::EndpointHealth& endpoint, Samples& samples) {
            Add(samples, endpoint, {}, static_cast<double>(endpoint.health.connect_failures));
          });
  Collect("tidegate_endpoint_dropped_total",
          "Messages that a connector had to let go before anybody took them.", "counter", plane,
          [](const flow::EndpointHealth& endpoint, Samples& samples) {
            Add(samples, endpoint, {}, static_cast<double>(endpoint.health.dropped));
          });
}

}  // namespace tidegate::sidecar
