#include "server/flow/runtime_metrics.h"

#include <map>
#include <mutex>
#include <utility>

namespace tidegate::flow {

using telemetry::Registry;

std::string_view NameOf(EndReason reason) {
  switch (reason) {
    case EndReason::kCompleted: return "completed";
    case EndReason::kFailed: return "failed";
    case EndReason::kSlow: return "slow";
    case EndReason::kGoaway: return "goaway";
    case EndReason::kPlanGone: return "plan_gone";
    case EndReason::kClientGone: return "client_gone";
  }
  return "?";
}

ShedMetrics MakeShedMetrics() {
  const auto shed = [](const char* reason) {
    return &Registry::Global().GetCounter(
        "tidegate_shed_total", "Requests refused for the sake of the process, by why.",
        {{"reason", reason}});
  };
  ShedMetrics out;
  out.draining = shed("draining");
  out.in_flight = shed("in_flight");
  out.streams = shed("streams");
  return out;
}

telemetry::Counter* DroppedMessages(const std::string& api, std::string_view entrypoint,
                                    const char* reason) {
  return &Registry::Global().GetCounter(
      "tidegate_messages_dropped_total", "Messages that were not passed on, by why.",
      {{"api", api}, {"entrypoint", std::string(entrypoint)}, {"reason", reason}});
}

telemetry::Gauge* ActiveStreams(const std::string& entrypoint, const std::string& listener) {
  return &Registry::Global().GetGauge("tidegate_connections_active", "Open streams.",
                                      {{"entrypoint", entrypoint}, {"listener", listener}});
}

namespace {

EntrypointMetrics NewEntrypointMetrics(const std::string& api, const std::string& entrypoint) {
  Registry& registry = Registry::Global();
  const telemetry::Labels labels{{"api", api}, {"entrypoint", entrypoint}};
  EntrypointMetrics out;
  for (std::size_t i = 0; i < out.requests.size(); ++i) {
    const std::string code = i == 0 ? "none" : std::to_string(i) + "xx";
    out.requests[i] = &registry.GetCounter(
        "tidegate_http_requests_total", "Requests answered, by class of the status.",
        {{"api", api}, {"entrypoint", entrypoint}, {"code", code}});
  }
  out.duration = &registry.GetHistogram("tidegate_http_request_duration_seconds",
                                        "From the head to the end of the answer.",
                                        telemetry::DurationBuckets(), labels);
  out.bytes_received = &registry.GetCounter("tidegate_http_request_bytes_total",
                                            "Heads and contents of requests.", labels);
  out.bytes_sent = &registry.GetCounter("tidegate_http_response_bytes_total",
                                        "Heads, contents and frames of answers.", labels);
  out.stream_duration = &registry.GetHistogram(
      "tidegate_connection_duration_seconds", "How long streams were open.",
      telemetry::ConnectionBuckets(), {{"entrypoint", entrypoint}});
  for (std::size_t i = 0; i < out.ended.size(); ++i) {
    out.ended[i] = &registry.GetCounter(
        "tidegate_connections_total", "Streams that have ended, by why.",
        {{"entrypoint", entrypoint},
         {"close_reason", std::string(NameOf(static_cast<EndReason>(i)))}});
  }
  out.published = &registry.GetCounter("tidegate_messages_published_total",
                                       "Messages that an endpoint has accepted.", labels);
  out.delivered = &registry.GetCounter("tidegate_messages_delivered_total",
                                       "Messages written to consumers.", labels);
  out.latency = &registry.GetHistogram("tidegate_message_delivery_latency_seconds",
                                       "From the broker's timestamp to the consumer's socket.",
                                       telemetry::DurationBuckets(), labels);
  return out;
}

}  // namespace

const EntrypointMetrics* MakeEntrypointMetrics(const std::string& api,
                                               const std::string& entrypoint) {
  static std::mutex mutex;
  static auto& made = *new std::map<std::pair<std::string, std::string>, EntrypointMetrics>;
  const std::lock_guard lock(mutex);
  const auto [it, fresh] = made.try_emplace(std::pair(api, entrypoint));
  if (fresh) it->second = NewEntrypointMetrics(api, entrypoint);
  return &it->second;
}

ApiMetrics MakeApiMetrics(const std::string& api) {
  Registry& registry = Registry::Global();
  ApiMetrics out;
  out.bytes_in = &registry.GetCounter("tidegate_message_bytes_total", "Bytes of messages.",
                                      {{"api", api}, {"direction", "publish"}});
  out.bytes_out = &registry.GetCounter("tidegate_message_bytes_total", "Bytes of messages.",
                                       {{"api", api}, {"direction", "deliver"}});
  out.auth_refused = MakeAuthCounter(api, "none", "denied");
  out.overhead = &registry.GetHistogram("tidegate_gateway_overhead_seconds",
                                        "What the gateway adds to the endpoint's own time.",
                                        telemetry::OverheadBuckets(), {{"api", api}});
  return out;
}

EndpointMetrics MakeEndpointMetrics(const std::string& api, const std::string& endpoint) {
  Registry& registry = Registry::Global();
  EndpointMetrics out;
  out.publish_duration = &registry.GetHistogram(
      "tidegate_endpoint_publish_duration_seconds", "From hand-over to the known outcome.",
      telemetry::DurationBuckets(), {{"api", api}, {"endpoint", endpoint}});
  for (std::size_t i = 1; i < out.errors.size(); ++i) {
    out.errors[i] = &registry.GetCounter(
        "tidegate_endpoint_errors_total", "Failures of an endpoint, by class.",
        {{"api", api},
         {"endpoint", endpoint},
         {"reason", std::string(tidegate::NameOf(static_cast<ErrorClass>(i)))}});
  }
  return out;
}

telemetry::Counter* MakeAuthCounter(const std::string& api, const std::string& scheme,
                                    const std::string& result) {
  return &Registry::Global().GetCounter("tidegate_auth_decisions_total",
                                        "Decisions of plan security.",
                                        {{"api", api}, {"scheme", scheme}, {"result", result}});
}

}  // namespace tidegate::flow
