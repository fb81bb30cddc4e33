// Gauges of the accepted configuration, computed when they are asked for.
#include <ctime>

#include "server/admin/deployer.h"
#include "server/telemetry/metrics.h"
#include "sidecar/gauges.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::sidecar {
namespace {

namespace v1 = config::v1;
using Sample = telemetry::Registry::Sample;
using Samples = std::vector<Sample>;

Sample Of(telemetry::Labels labels, std::size_t value) {
  Sample sample;
  sample.labels = std::move(labels);
  sample.value = static_cast<double>(value);
  return sample;
}

std::string ShortName(const std::string& name) { return name.substr(name.rfind('/') + 1); }

const char* StateOf(const v1::Subscription& subscription) {
  switch (subscription.state()) {
    case v1::SUBSCRIPTION_STATE_PENDING: return "pending";
    case v1::SUBSCRIPTION_STATE_ACCEPTED: return "accepted";
    case v1::SUBSCRIPTION_STATE_REJECTED: return "rejected";
    case v1::SUBSCRIPTION_STATE_PAUSED: return "paused";
    case v1::SUBSCRIPTION_STATE_CLOSED: return "closed";
    default: return "unknown";
  }
}

const char* StateOf(const v1::ApiKey& key, std::time_t now) {
  if (key.revoked()) return "revoked";
  return key.has_expire_time() && key.expire_time().seconds() <= now ? "expired" : "active";
}

// By API and state; every state of an API that has any, so that a series does not vanish at zero.
using Counts = std::map<std::string, std::map<std::string, std::size_t>>;

Samples SamplesOf(const Counts& counts) {
  Samples samples;
  for (const auto& [api, states] : counts) {
    for (const auto& [state, count] : states) {
      samples.push_back(Of({{"api", api}, {"state", state}}, count));
    }
  }
  return samples;
}

Samples Subscriptions(const admin::State& state) {
  Counts counts;
  for (const auto& [name, subscription] : state.subscriptions) {
    auto& states = counts[ShortName(subscription->api())];
    for (const char* one : {"pending", "accepted", "rejected", "paused", "closed"}) states[one];
    ++states[StateOf(*subscription)];
  }
  return SamplesOf(counts);
}

Samples ApiKeys(const admin::State& state) {
  const std::time_t now = std::time(nullptr);
  Counts counts;
  for (const auto& [name, subscription] : state.subscriptions) {
    if (subscription->api_keys_size() == 0) continue;
    auto& states = counts[ShortName(subscription->api())];
    for (const char* one : {"active", "expired", "revoked"}) states[one];
    for (const v1::ApiKey& key : subscription->api_keys()) ++states[StateOf(key, now)];
  }
  return SamplesOf(counts);
}

Samples Resources(const admin::State& state) {
  std::size_t plans = 0;
  for (const auto& [name, api] : state.apis) plans += static_cast<std::size_t>(api->plans_size());
  return {Of({{"kind", "api"}}, state.apis.size()), Of({{"kind", "plan"}}, plans),
          Of({{"kind", "application"}}, state.applications.size()),
          Of({{"kind", "subscription"}}, state.subscriptions.size()),
          Of({{"kind", "deployment"}}, state.deployments.size())};
}

}  // namespace

void AddConfigGauges(const admin::Deployer& deployer) {
  telemetry::Registry& registry = telemetry::Registry::Global();
  registry.AddCollector("tidegate_subscriptions", "Subscriptions, by state.", "gauge",
                        [&deployer] { return Subscriptions(*deployer.Read()); });
  registry.AddCollector("tidegate_api_keys", "API keys of subscriptions, by state.", "gauge",
                        [&deployer] { return ApiKeys(*deployer.Read()); });
  registry.AddCollector("tidegate_config_resources", "Accepted resources, by kind.", "gauge",
                        [&deployer] { return Resources(*deployer.Read()); });
}

}  // namespace tidegate::sidecar
