#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "connectors/rabbitmq/rabbitmq_config.h"
#include "server/config/secrets.h"
#include "tests/support/is_ok.h"
#include "tidegate/config/v1/rabbitmq.pb.h"

namespace tidegate::rabbitmq {
namespace {

constexpr const char* kTasks = R"(
  server_host: "127.0.0.1" server_port: 5672 virtual_host: "/"
  security { auth { username: "guest" password { text: "guest" } } }
  producer { exchange { name: "tasks" type: EXCHANGE_TYPE_TOPIC durable: true auto_delete: false }
             routing_key: "tasks.new" }
  consumer { exchange { name: "tasks" type: EXCHANGE_TYPE_TOPIC durable: true auto_delete: false }
             routing_key: "tasks.#" })";

config::v1::RabbitmqEndpoint Parse(const std::string& text) {
  config::v1::RabbitmqEndpoint settings;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &settings)) << text;
  return settings;
}

// kTasks with `extra` merged over it.
std::vector<Violation> Violations(const std::string& extra) {
  config::v1::RabbitmqEndpoint settings = Parse(kTasks);
  settings.MergeFrom(Parse(extra));
  RabbitmqConfig config;
  return CheckRabbitmq(settings, config);
}

StatusOr<RabbitmqConfig> Read(const std::string& extra) {
  config::v1::RabbitmqEndpoint settings = Parse(kTasks);
  settings.MergeFrom(Parse(extra));
  return ReadRabbitmqConfig(settings, config::SecretResolver(config::SecretRules()));
}

TEST(RabbitmqConfig, TheExampleIsReadAsItStands) {
  const auto config = Read("");
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  EXPECT_EQ(config->host, "127.0.0.1");
  EXPECT_EQ(config->port, 5672);
  EXPECT_EQ(config->vhost, "/");
  EXPECT_EQ(config->username, "guest");
  EXPECT_EQ(config->password, "guest");
  EXPECT_FALSE(config->tls);
  EXPECT_TRUE(config->producer.enabled);
  EXPECT_EQ(config->producer.exchange.name, "tasks");
  EXPECT_EQ(config->producer.exchange.type, ExchangeType::kTopic);
  EXPECT_TRUE(config->producer.exchange.durable);
  EXPECT_FALSE(config->producer.exchange.auto_delete);
  EXPECT_EQ(config->producer.routing_key, "tasks.new");
  EXPECT_TRUE(config->producer.mandatory);
  EXPECT_TRUE(config->producer.persistent);
  EXPECT_EQ(config->consumer.routing_key, "tasks.#");
  EXPECT_EQ(config->consumer.prefetch, 256);
  EXPECT_EQ(config->consumer.expires, std::chrono::hours(24));
  EXPECT_FALSE(config->consumer.quorum);
}

TEST(RabbitmqConfig, EverySettingIsRead) {
  const auto config = Read(R"(
    server_port: 5671 virtual_host: "side" heartbeat { seconds: 10 } connect_timeout { seconds: 2 }
    security { tls { trust_all: true } }
    producer { exchange { type: EXCHANGE_TYPE_FANOUT durable: false auto_delete: true
                          declare: DECLARE_MODE_PASSIVE } mandatory: false persistent: false }
    consumer { exchange { declare: DECLARE_MODE_NONE } prefetch: 7
               queue { type: QUEUE_TYPE_QUORUM expires { seconds: 90 } delivery_limit: 3
                       declare: DECLARE_MODE_PASSIVE }
               binding_arguments { key: "x-match" value: "any" } })");
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  EXPECT_EQ(config->port, 5671);
  EXPECT_EQ(config->vhost, "side");
  EXPECT_EQ(config->heartbeat, std::chrono::seconds(10));
  EXPECT_EQ(config->connect_timeout, std::chrono::seconds(2));
  EXPECT_TRUE(config->tls);
  EXPECT_EQ(config->producer.exchange.type, ExchangeType::kFanout);
  EXPECT_FALSE(config->producer.exchange.durable);
  EXPECT_TRUE(config->producer.exchange.auto_delete);
  EXPECT_EQ(config->producer.exchange.declare, Declare::kPassive);
  EXPECT_FALSE(config->producer.mandatory);
  EXPECT_FALSE(config->producer.persistent);
  EXPECT_EQ(config->consumer.exchange.declare, Declare::kNone);
  EXPECT_EQ(config->consumer.prefetch, 7);
  EXPECT_TRUE(config->consumer.quorum);
  EXPECT_EQ(config->consumer.expires, std::chrono::seconds(90));
  EXPECT_EQ(config->consumer.delivery_limit, 3);
  EXPECT_EQ(config->consumer.declare, Declare::kPassive);
  ASSERT_EQ(config->consumer.binding_arguments.size(), 1u);
  EXPECT_EQ(config->consumer.binding_arguments[0].first, "x-match");
}

TEST(RabbitmqConfig, ABlockThatIsOffIsNotAskedForAnything) {
  const auto config = Read("producer { enabled: false exchange { name: \"\" } }");
  ASSERT_TRUE(IsOk(config));
  EXPECT_FALSE(config->producer.enabled);
}

TEST(RabbitmqConfig, EachViolationNamesItsField) {
  const std::string long_text(256, 'k');
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"server_host: \"amqp://h\"", "serverHost"},
      {"server_port: 70000", "serverPort"},
      {"virtual_host: \"a\\nb\"", "virtualHost"},
      {"heartbeat { seconds: 1 }", "heartbeat"},
      {"connect_timeout { seconds: 60 }", "connectTimeout"},
      {"security { auth { username: \"a\\000b\" } }", "security.auth.username"},
      {"producer { exchange { name: \"" + long_text + "\" } }", "producer.exchange.name"},
      {"producer { routing_key: \"" + long_text + "\" }", "producer.routingKey"},
      {"producer { routing_key: \"tasks.#\" }", "producer.routingKey"},
      {"consumer { exchange { type: EXCHANGE_TYPE_DIRECT declare: DECLARE_MODE_NONE } }",
       "consumer.routingKey"},
      {"consumer { exchange { durable: false } }", "consumer.exchange"},
      {"producer { exchange { type: EXCHANGE_TYPE_FANOUT } }", "consumer.exchange"},
      {"producer { exchange { auto_delete: true } }", "consumer.exchange"},
      {"consumer { prefetch: 0 }", "consumer.prefetch"},
      {"consumer { queue { delivery_limit: 3 } }", "consumer.queue.deliveryLimit"},
      {"consumer { queue { expires { nanos: 5000 } } }", "consumer.queue.expires"},
      {"consumer { binding_arguments { key: \"\" value: \"v\" } }", "consumer.bindingArguments"},
  };
  for (const auto& [extra, field] : rows) {
    const auto violations = Violations(extra);
    ASSERT_EQ(violations.size(), 1u) << extra;
    EXPECT_EQ(violations[0].field, field) << extra;
    EXPECT_EQ(violations[0].rule.find("kkk"), std::string::npos);
  }
}

TEST(RabbitmqConfig, WhatMustBeThereIsNamed) {
  RabbitmqConfig config;
  const auto violations = CheckRabbitmq(
      Parse("producer { exchange { name: \"x\" } } consumer {}"), config);
  std::vector<std::string> fields;
  for (const Violation& violation : violations) fields.push_back(violation.field);
  EXPECT_EQ(fields, (std::vector<std::string>{
                        "serverHost", "security.auth.username", "security.auth.password",
                        "producer.exchange.type", "consumer.exchange.name",
                        "consumer.exchange.type"}));
}

TEST(RabbitmqConfig, APasswordWithANulIsRefusedWithoutEcho) {
  const auto config =
      Read("security { auth { password { text: \"hunter2\\000x\" } } }");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(MessageOf(config.status()).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace tidegate::rabbitmq
