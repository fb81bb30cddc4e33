#include "server/http/http_counters.h"

namespace tidegate::http {

namespace {

constexpr std::array<const char*, static_cast<std::size_t>(CloseReason::kCount)> kReasons = {
    "client", "idle", "refused", "body", "write_stall", "drain", "handler", "error", "tls",
    "age"};

}  // namespace

HttpCounters::HttpCounters(telemetry::Registry& registry, const std::string& listener)
    : connections(registry.GetCounter("tidegate_http_connections_total",
                                      "Connections accepted.", {{"listener", listener}})),
      requests(registry.GetCounter("tidegate_http_heads_total",
                                   "Request heads that passed the guard.",
                                   {{"listener", listener}})),
      handler_failures(registry.GetCounter("tidegate_http_handler_failures_total",
                                           "Requests whose handler threw or gave no answer.",
                                           {{"listener", listener}})) {
  for (std::size_t i = 0; i < rejected_.size(); ++i) {
    const std::string rule(InfoOf(static_cast<Rule>(i)).name);
    rejected_[i] = &registry.GetCounter("tidegate_http_rejected_total",
                                        "Requests refused by the guard, by rule.",
                                        {{"listener", listener}, {"rule", rule}});
  }
  for (std::size_t i = 0; i < closed_.size(); ++i) {
    closed_[i] = &registry.GetCounter("tidegate_http_connections_closed_total",
                                      "Connections closed, by reason.",
                                      {{"listener", listener}, {"reason", kReasons[i]}});
  }
}

}  // namespace tidegate::http
