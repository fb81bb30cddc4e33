#include "server/flow/runtime_metrics.h"

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

EntrypointMetrics MakeEntrypointMetrics(const std::string& api, const std::string& entrypoint) {
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
  out.active = &registry.GetGauge("tidegate_connections_active", "Open streams.", labels);
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

ApiMetrics MakeApiMetrics(const std::string& api) {
  Registry& registry = Registry::Global();
  ApiMetrics out;
  out.bytes_in = &registry.GetCounter("tidegate_message_bytes_total", "Bytes of messages.",
                                      {{"api", api}, {"direction", "publish"}});
  out.bytes_out = &registry.GetCounter("tidegate_message_bytes_total", "Bytes of messages.",
                                       {{"api", api}, {"direction", "deliver"}});
  out.auth_refused = MakeAuthCounter(api, "none", "denied");
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
