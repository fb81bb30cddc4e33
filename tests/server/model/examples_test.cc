// The example files: what is built is accepted as it stands, the rest is refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config/secrets.h"
#include "server/config/yaml_reader.h"
#include "server/model/compile.h"
#include "server/model/validate.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/entrypoint.pb.h"
#include "tidegate/config/v1/gateway.pb.h"
#include "tidegate/config/v1/kafka.pb.h"
#include "tidegate/config/v1/mock.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::model {
namespace {

namespace v1 = config::v1;

template <typename M>
const M& As(const config::Document& document) {
  return static_cast<const M&>(*document.message);
}

struct Example {
  std::vector<config::Document> documents;
  config::Violations violations;
};

Example Load(const std::string& name) {
  Example example;
  example.documents =
      config::ReadFiles({"sidecar/examples/" + name + ".yaml"}, example.violations);
  EXPECT_TRUE(example.violations.empty()) << config::ToText(example.violations.front());
  Bundle bundle;
  for (const config::Document& document : example.documents) {
    const std::size_t first = example.violations.size();
    switch (document.kind) {
      case config::DocumentKind::kApi:
        Validate(As<v1::Api>(document), example.violations);
        bundle.apis.push_back(&As<v1::Api>(document));
        break;
      case config::DocumentKind::kApplication:
        Validate(As<v1::Application>(document), example.violations);
        bundle.applications.push_back(&As<v1::Application>(document));
        break;
      case config::DocumentKind::kSubscription:
        Validate(As<v1::Subscription>(document), example.violations);
        bundle.subscriptions.push_back(&As<v1::Subscription>(document));
        break;
      case config::DocumentKind::kGateway:
        Validate(As<v1::Gateway>(document), example.violations);
        break;
    }
    config::Locate(document, example.violations, first);
  }
  ValidateBundle(bundle, true, example.violations);
  return example;
}

class Accepted : public ::testing::TestWithParam<const char*> {};
TEST_P(Accepted, AsItStands) {
  for (const config::Violation& violation : Load(GetParam()).violations) {
    ADD_FAILURE() << config::ToText(violation);
  }
}
INSTANTIATE_TEST_SUITE_P(Examples, Accepted,
                         ::testing::Values("clock", "events-solace", "kafka-security", "orders",
                                           "sensors-mqtt", "tasks-rabbitmq", "tidegate"));

struct Refusal {
  const char* name;
  const char* text;  // one of the refusals
};
class Refused : public ::testing::TestWithParam<Refusal> {};
TEST_P(Refused, OnlyWithWhatIsNotBuiltYet) {
  const Example example = Load(GetParam().name);
  ASSERT_FALSE(example.violations.empty());
  bool named = false;
  for (const config::Violation& violation : example.violations) {
    EXPECT_EQ(violation.reason, "NOT_BUILT") << config::ToText(violation);
    EXPECT_THAT(violation.message, ::testing::EndsWith(" are not built yet in this version"));
    EXPECT_GT(violation.line, 0) << config::ToText(violation);
    named = named || violation.message.find(GetParam().text) == 0;
  }
  EXPECT_TRUE(named) << GetParam().text;
}
INSTANTIATE_TEST_SUITE_P(
    Examples, Refused,
    ::testing::Values(Refusal{"accounts-proxy", "http endpoints"},
                      Refusal{"full", "grpc entrypoints"},
                      Refusal{"notify-webhook", "webhook entrypoints"}));

TEST(Examples, OrdersCompiles) {
  const Example example = Load("orders");
  CompileOptions options;
  options.revision = 7;
  const ApiPtr api = CompileApi(As<v1::Api>(example.documents[0]), options);
  EXPECT_EQ(api->name, "orders");
  EXPECT_EQ(api->revision, 7U);
  ASSERT_EQ(api->listeners.size(), 2U);
  EXPECT_EQ(api->listeners[0].path, "/orders");
  EXPECT_EQ(api->listeners[1].host, "orders.example.com");
  EXPECT_EQ(api->listeners[1].path, "");
  ASSERT_TRUE(api->cors.has_value());
  EXPECT_EQ(api->cors->max_age, std::chrono::minutes(10));
  ASSERT_EQ(api->entrypoints.size(), 4U);
  EXPECT_EQ(api->entrypoints[0].kind, "sse");
  EXPECT_EQ(api->entrypoints[0].qos, Qos::kAtLeastOnce);
  EXPECT_EQ(api->entrypoints[1].publisher, std::optional<bool>(true));
  EXPECT_EQ(api->entrypoints[2].kind, "http-get");
  EXPECT_EQ(api->entrypoints[3].kind, "http-post");
  const auto& get =
      static_cast<const v1::HttpGetEntrypoint&>(*api->entrypoints[2].settings);
  EXPECT_EQ(get.messages_limit_count(), 500);
  ASSERT_EQ(api->groups.size(), 1U);
  const Endpoint& endpoint = api->groups[0].endpoints[0];
  EXPECT_EQ(endpoint.kind, "kafka");
  EXPECT_TRUE(endpoint.has_producer);
  EXPECT_TRUE(endpoint.has_consumer);
  const auto& kafka = static_cast<const v1::KafkaEndpoint&>(*endpoint.settings);
  EXPECT_EQ(kafka.producer().compression(), v1::KAFKA_COMPRESSION_LZ4);
  EXPECT_EQ(kafka.producer().linger().nanos(), 1'000'000);
  EXPECT_EQ(kafka.consumer().auto_offset_reset(), v1::AUTO_OFFSET_RESET_EARLIEST);
  ASSERT_EQ(api->plans.size(), 2U);
  EXPECT_EQ(api->plans[0].security, Security::kKeyless);
  EXPECT_EQ(api->plans[1].name, "partners");
  EXPECT_EQ(api->plans[1].key_header, "X-Gravitee-Api-Key");
  EXPECT_FALSE(api->plans[1].auto_validation);
}

TEST(Examples, ClockHasTheMockDefaults) {
  const Example example = Load("clock");
  const ApiPtr api = CompileApi(As<v1::Api>(example.documents[0]), {});
  EXPECT_EQ(api->entrypoints[1].publisher, std::nullopt);
  EXPECT_EQ(api->entrypoints[1].subscriber, std::nullopt);
  const auto& mock =
      static_cast<const v1::MockEndpoint&>(*api->groups[0].endpoints[0].settings);
  EXPECT_EQ(mock.message_content(), "tick");
  EXPECT_EQ(mock.message_count(), 1000);
  EXPECT_EQ(mock.headers(0).value(), "mock");
}

TEST(Examples, GatewayCompiles) {
  const Example example = Load("tidegate");
  const Gateway gateway = CompileGateway(As<v1::Gateway>(example.documents[0]), {});
  EXPECT_EQ(gateway.node, "orders-7f9c");
  EXPECT_EQ(gateway.workers, 2U);
  ASSERT_EQ(gateway.http.size(), 2U);
  EXPECT_EQ(gateway.http[0].address.port, 19080);
  EXPECT_EQ(gateway.http[0].trusted_proxies, std::vector<std::string>{"10.0.0.0/8"});
  EXPECT_EQ(gateway.http[0].tls, nullptr);
  EXPECT_NE(gateway.http[1].tls, nullptr);
  ASSERT_EQ(gateway.admin.size(), 2U);
  EXPECT_EQ(gateway.admin[0].unix_path, "/run/tidegate/admin.sock");
  EXPECT_EQ(gateway.operations.port, 19091);
  EXPECT_EQ(gateway.state_directory, std::optional<std::string>("/var/lib/tidegate"));
  EXPECT_EQ(gateway.definitions, std::vector<std::string>{"/etc/tidegate/definitions"});
  EXPECT_EQ(gateway.drain_notice, std::chrono::seconds(5));
  EXPECT_EQ(gateway.secret_env->size(), 9U);
  EXPECT_FALSE(gateway.access_log);
  EXPECT_EQ(gateway.tenant, "eu");
}

TEST(Examples, AnEmptyGatewayHasAllDefaults) {
  Surroundings surroundings;
  surroundings.host_name = "box";
  surroundings.runtime_dir = "/run/user/1";
  const Gateway gateway = CompileGateway(v1::Gateway(), surroundings);
  EXPECT_EQ(gateway.node, "box");
  EXPECT_EQ(gateway.http.at(0).address.port, 19080);
  EXPECT_EQ(gateway.admin.at(0).unix_path, "/run/user/1/tidegate/admin.sock");
  EXPECT_EQ(gateway.operations.port, 19091);
  EXPECT_EQ(gateway.state_directory, std::optional<std::string>("/var/lib/tidegate"));
  EXPECT_EQ(gateway.secret_env, std::nullopt);
  EXPECT_EQ(gateway.limits.header_bytes, 16U * 1024);
  EXPECT_EQ(gateway.limits.keep_alive, std::chrono::seconds(60));
  EXPECT_EQ(gateway.drain_timeout, std::chrono::seconds(30));
}

}  // namespace
}  // namespace tidegate::model
