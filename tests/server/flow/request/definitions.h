// APIs, plans and subscriptions for tests, built as the compiled model.
#pragma once

#include <memory>
#include <string>

#include "server/model/api.h"
#include "server/model/subscription.h"
#include "tidegate/config/v1/entrypoint.pb.h"
#include "tidegate/config/v1/mock.pb.h"

namespace tidegate::flow {

namespace v1 = tidegate::config::v1;

inline model::Entrypoint EntrypointOf(const std::string& kind,
                                      std::shared_ptr<google::protobuf::Message> settings,
                                      model::Qos qos = model::Qos::kAuto) {
  model::Entrypoint out;
  out.kind = kind;
  out.qos = qos;
  out.settings = std::move(settings);
  return out;
}

inline std::shared_ptr<v1::MockEndpoint> MockSettings(int interval_ms = 1, int count = 0,
                                                      const std::string& content = "tick") {
  auto mock = std::make_shared<v1::MockEndpoint>();
  mock->mutable_message_interval()->set_seconds(interval_ms / 1000);
  mock->mutable_message_interval()->set_nanos(interval_ms % 1000 * 1'000'000);
  mock->set_message_content(content);
  if (count > 0) mock->set_message_count(count);
  return mock;
}

inline model::Endpoint MockEndpoint(std::shared_ptr<v1::MockEndpoint> settings,
                                    const std::string& name = "mock") {
  model::Endpoint out;
  out.name = name;
  out.kind = "mock";
  out.has_producer = out.has_consumer = true;
  out.settings = std::move(settings);
  return out;
}

// An API with all four entrypoints over one mock, keyless, at /<name>.
inline std::shared_ptr<model::Api> MakeApi(const std::string& name,
                                           std::shared_ptr<v1::MockEndpoint> mock,
                                           model::Qos qos = model::Qos::kAtLeastOnce) {
  auto api = std::make_shared<model::Api>();
  api->name = name;
  api->uid = name + "-uid";
  api->stream_fingerprint = name + "-1";
  model::Listener listener;
  listener.path = "/" + name;
  api->listeners.push_back(listener);
  auto get = std::make_shared<v1::HttpGetEntrypoint>();
  get->mutable_messages_limit_duration()->set_seconds(5);
  api->entrypoints.push_back(EntrypointOf("sse", std::make_shared<v1::SseEntrypoint>(), qos));
  api->entrypoints.push_back(
      EntrypointOf("websocket", std::make_shared<v1::WebsocketEntrypoint>()));
  api->entrypoints.push_back(EntrypointOf("http-get", get, qos));
  api->entrypoints.push_back(EntrypointOf("http-post", std::make_shared<v1::HttpPostEntrypoint>()));
  model::EndpointGroup group;
  group.name = "default";
  group.endpoints.push_back(MockEndpoint(std::move(mock)));
  api->groups.push_back(group);
  model::Plan plan;
  plan.name = "open";
  api->plans.push_back(plan);
  return api;
}

inline model::Plan KeyPlan(const std::string& name = "partners") {
  model::Plan plan;
  plan.name = name;
  plan.security = model::Security::kApiKey;
  return plan;
}

inline model::Subscription SubscriptionOf(const std::string& api, const std::string& key,
                                          const std::string& plan = "partners") {
  model::Subscription out;
  out.name = "storefront";
  out.uid = "subscription-uid";
  out.api = api;
  out.plan = plan;
  out.application = "shop";
  out.state = model::SubscriptionState::kAccepted;
  model::ApiKey stored;
  stored.name = "main";
  stored.sha256 = Sha256(key);
  out.keys.push_back(stored);
  return out;
}

}  // namespace tidegate::flow
