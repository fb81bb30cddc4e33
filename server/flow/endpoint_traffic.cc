#include "server/flow/endpoint_traffic.h"

#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace tidegate::flow {
namespace {

using telemetry::Labels;
using telemetry::Registry;

telemetry::Counter* Messages(const Labels& endpoint, const char* direction, const char* outcome) {
  Labels labels = endpoint;
  labels.emplace_back("direction", direction);
  labels.emplace_back("outcome", outcome);
  return &Registry::Global().GetCounter("tidegate_endpoint_messages_total",
                                        "Messages to and from brokers.", labels);
}

telemetry::Counter* Settled(const Labels& endpoint, const char* outcome) {
  Labels labels = endpoint;
  labels.emplace_back("outcome", outcome);
  return &Registry::Global().GetCounter("tidegate_endpoint_settled_total",
                                        "Deliveries that were settled at the broker.", labels);
}

telemetry::Gauge* InFlight(const Labels& endpoint, const char* direction) {
  Labels labels = endpoint;
  labels.emplace_back("direction", direction);
  return &Registry::Global().GetGauge(
      "tidegate_endpoint_inflight",
      "Publishes without an outcome, deliveries that are not settled.", labels);
}

}  // namespace

const EndpointTraffic* OfEndpoint(const std::string& api, const std::string& endpoint) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, std::string>, std::unique_ptr<EndpointTraffic>> known;
  const std::lock_guard lock(mutex);
  std::unique_ptr<EndpointTraffic>& slot = known[{api, endpoint}];
  if (slot) return slot.get();
  const Labels labels{{"api", api}, {"endpoint", endpoint}};
  slot = std::make_unique<EndpointTraffic>();
  slot->published = {Messages(labels, "publish", "ok"), Messages(labels, "publish", "no"),
                     Messages(labels, "publish", "unknown")};
  slot->publishing = InFlight(labels, "publish");
  slot->received = Messages(labels, "receive", "ok");
  slot->redelivered = &Registry::Global().GetCounter(
      "tidegate_endpoint_redelivered_total",
      "Received messages that the broker had delivered before.", labels);
  slot->acked = Settled(labels, "ack");
  slot->nacked = Settled(labels, "nack");
  slot->unsettled = InFlight(labels, "receive");
  slot->ack_seconds = &Registry::Global().GetHistogram(
      "tidegate_endpoint_ack_seconds", "From the hand-over of a message to its acknowledgement.",
      telemetry::DurationBuckets(), labels);
  return slot.get();
}

}  // namespace tidegate::flow
