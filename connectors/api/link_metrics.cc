#include "connectors/api/link_metrics.h"

namespace tidegate::connectors {

telemetry::Labels LinkLabels(const std::string& api, const std::string& endpoint,
                             const char* name, const char* value) {
  telemetry::Labels labels;
  labels.emplace_back("api", api);
  labels.emplace_back("endpoint", endpoint);
  if (name != nullptr) labels.emplace_back(name, value);
  return labels;
}

telemetry::Counter& LinkChanges(const std::string& api, const std::string& endpoint,
                                const char* outcome) {
  return telemetry::Registry::Global().GetCounter(
      "tidegate_connector_connects_total", "Changes of the connection to a broker cluster.",
      LinkLabels(api, endpoint, "outcome", outcome));
}

telemetry::Gauge& LinkClients(const std::string& api, const std::string& endpoint) {
  return telemetry::Registry::Global().GetGauge(
      "tidegate_connector_clients", "Broker clients held now.", LinkLabels(api, endpoint));
}

}  // namespace tidegate::connectors
