#include "sidecar/gauges.h"

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
  registry.AddCollector("tidegate_messages_dropped_total",
                        "Messages that slow consumers of none and at-most-once did not get.",
                        "counter", [&plane] {
                          const auto count = static_cast<double>(plane.readers().dropped);
                          return Samples{Of({{"reason", "slow_consumer"}}, count)};
                        });
  registry.AddCollector("tidegate_reader_buffer_bytes", "Recent messages kept by readers.",
                        "gauge", [&plane] {
                          const auto bytes = static_cast<double>(plane.readers().buffered_bytes);
                          return Samples{Of({}, bytes)};
                        });
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
  registry.AddCollector("tidegate_kafka_consumer_lag_messages",
                        "Messages of the topic that its readers have not seen.", "gauge",
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
  AddEndpointGauges(registry, plane);
  registry.AddCollector("tidegate_draining", "1 while new requests are refused.", "gauge",
                        [&plane] { return Samples{Of({}, plane.draining() ? 1 : 0)}; });
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
