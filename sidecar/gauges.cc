#include "sidecar/gauges.h"

#include <map>
#include <mutex>

#include "server/telemetry/memory.h"
#include "server/telemetry/metrics.h"

namespace tidegate::sidecar {
namespace {

using telemetry::Labels;
using Sample = telemetry::Registry::Sample;
using Samples = std::vector<Sample>;

Sample Of(Labels labels, double value) {
  Sample sample;
  sample.labels = std::move(labels);
  sample.value = value;
  return sample;
}

// What waits on all workers, looked at once per scrape. Scrapes may overlap.
class BacklogView {
 public:
  explicit BacklogView(flow::DataPlane& plane) : plane_(plane) {}
  std::map<std::string, flow::Backlog> Read() {
    const std::lock_guard lock(mutex_);
    const TimePoint now = Clock::now();
    if (now >= stale_) {
      seen_ = plane_.Backlogs();
      stale_ = now + std::chrono::milliseconds(100);
    }
    return seen_;
  }

 private:
  flow::DataPlane& plane_;
  std::mutex mutex_;
  TimePoint stale_;
  std::map<std::string, flow::Backlog> seen_;
};

void AddReaderGauges(telemetry::Registry& registry, flow::DataPlane& plane) {
  registry.AddCollector("tidegate_readers", "Broker subscriptions that consumers share.", "gauge",
                        [&plane] {
                          const flow::ReaderStats stats = plane.readers();
                          auto number = [](std::uint64_t n) { return static_cast<double>(n); };
                          return Samples{
                              Of({{"kind", "live"}}, number(stats.live_readers)),
                              Of({{"kind", "catch_up"}}, number(stats.catch_up_readers)),
                              Of({{"kind", "group"}}, number(stats.group_readers)),
                              Of({{"kind", "private"}}, number(stats.private_readers))};
                        });
  registry.AddCollector("tidegate_subscribers", "Consumers attached to readers.", "gauge",
                        [&plane] {
                          const auto count = static_cast<double>(plane.readers().subscribers);
                          return Samples{Of({}, count)};
                        });
  registry.AddCollector("tidegate_reader_buffer_bytes", "Recent messages kept by readers.",
                        "gauge", [&plane] {
                          const auto bytes = static_cast<double>(plane.readers().buffered_bytes);
                          return Samples{Of({}, bytes)};
                        });
}

// One value of each API's backlog. The three families of one scrape share one look at the workers.
void AddBacklogGauge(telemetry::Registry& registry, const std::string& name,
                     const std::string& help, const std::shared_ptr<BacklogView>& view,
                     std::uint64_t flow::Backlog::*value) {
  registry.AddCollector(name, help, "gauge", [view, value] {
    Samples samples;
    for (const auto& [api, backlog] : view->Read()) {
      samples.push_back(Of({{"api", api}}, static_cast<double>(backlog.*value)));
    }
    return samples;
  });
}

void AddBacklogGauges(telemetry::Registry& registry, flow::DataPlane& plane) {
  const auto view = std::make_shared<BacklogView>(plane);
  AddBacklogGauge(registry, "tidegate_consumer_buffer_messages", "Frames that wait for consumers.",
                  view, &flow::Backlog::messages);
  AddBacklogGauge(registry, "tidegate_consumer_buffer_bytes", "Bytes that wait for consumers.",
                  view, &flow::Backlog::bytes);
  AddBacklogGauge(registry, "tidegate_backpressure_paused",
                  "Consumers that take no more until they have read.", view,
                  &flow::Backlog::paused);
}

void AddEndpointGauges(telemetry::Registry& registry, flow::DataPlane& plane) {
  registry.AddCollector("tidegate_endpoint_up", "1 while the endpoint is idle or ready.", "gauge",
                        [&plane] {
                          Samples samples;
                          for (const flow::EndpointHealth& endpoint : plane.Endpoints()) {
                            const auto state = endpoint.health.state;
                            const bool up = state == connectors::HealthState::kIdle ||
                                            state == connectors::HealthState::kReady;
                            samples.push_back(Of({{"api", endpoint.api},
                                                  {"endpoint", endpoint.endpoint},
                                                  {"kind", endpoint.kind}},
                                                 up ? 1 : 0));
                          }
                          return samples;
                        });
  registry.AddCollector("tidegate_endpoint_connections_active", "Broker clients held.", "gauge",
                        [&plane] {
                          Samples samples;
                          for (const flow::EndpointHealth& endpoint : plane.Endpoints()) {
                            samples.push_back(Of(
                                {{"api", endpoint.api}, {"endpoint", endpoint.endpoint}},
                                endpoint.health.clients));
                          }
                          return samples;
                        });
  registry.AddCollector(
      "tidegate_endpoint_reconnects_total", "Connections made again after one was lost.", "counter",
      [&plane] {
        Samples samples;
        for (const flow::EndpointHealth& endpoint : plane.Endpoints()) {
          samples.push_back(Of({{"api", endpoint.api}, {"endpoint", endpoint.endpoint}},
                               static_cast<double>(endpoint.health.reconnects)));
        }
        return samples;
      });
  registry.AddCollector("tidegate_kafka_consumer_lag_messages",
                        "Messages between the furthest-behind reader and the topic's end.", "gauge",
                        [&plane] {
                          Samples samples;
                          for (const flow::EndpointHealth& endpoint : plane.Endpoints()) {
                            for (const connectors::Lag& lag : endpoint.lag) {
                              samples.push_back(Of({{"api", endpoint.api},
                                                    {"endpoint", endpoint.endpoint},
                                                    {"topic", lag.topic}},
                                                   static_cast<double>(lag.messages)));
                            }
                          }
                          return samples;
                        });
}

}  // namespace

void AddRuntimeGauges(flow::DataPlane& plane, const HttpServers& servers) {
  telemetry::Registry& registry = telemetry::Registry::Global();
  AddReaderGauges(registry, plane);
  AddBacklogGauges(registry, plane);
  AddEndpointGauges(registry, plane);
  AddConnectorGauges(plane);
  registry.AddCollector("tidegate_draining", "1 while new requests are refused.", "gauge",
                        [&plane] { return Samples{Of({}, plane.draining() ? 1 : 0)}; });
  registry.AddCollector("tidegate_memory_budget_bytes",
                        "Memory that the process may have: its container's limit, else the "
                        "machine's.", "gauge", [] {
                          const auto bytes = telemetry::ReadMemory().budget_bytes;
                          return Samples{Of({}, static_cast<double>(bytes))};
                        });
  registry.AddCollector("tidegate_memory_used_bytes", "What is taken of that.", "gauge", [] {
    return Samples{Of({}, static_cast<double>(telemetry::ReadMemory().used_bytes))};
  });
  registry.AddCollector("tidegate_config_revision", "Generation of the snapshot that is served.",
                        "gauge", [&plane] {
                          return Samples{Of({}, static_cast<double>(plane.generation()))};
                        });
  registry.AddCollector("tidegate_certificate_expiry_timestamp_seconds",
                        "End of the listener's certificate, Unix time.", "gauge", [&servers] {
                          Samples samples;
                          for (const auto& server : servers) {
                            if (server->tls() == nullptr) continue;
                            samples.push_back(
                                Of({{"listener", server->info().name}},
                                   static_cast<double>(server->tls()->expires_at())));
                          }
                          return samples;
                        });
}

}  // namespace tidegate::sidecar
