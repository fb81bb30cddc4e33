#include <gtest/gtest.h>

#include "connectors/solace/factory.h"
#include "connectors/solace/solace_config.h"
#include "tidegate/config/v1/mqtt5.pb.h"
#include "tidegate/config/v1/solace.pb.h"

namespace tidegate::solace {
namespace {

namespace pb = ::tidegate::config::v1;

pb::SolaceEndpoint Endpoint() {
  pb::SolaceEndpoint endpoint;
  endpoint.set_url("mqtts://broker.example.com");
  endpoint.set_vpn_name("default");
  endpoint.mutable_security()->mutable_auth()->set_username("gateway");
  endpoint.mutable_security()->mutable_auth()->mutable_password()->set_text("pw");
  endpoint.mutable_producer()->add_topics("events/in");
  endpoint.mutable_producer()->set_retained(true);
  endpoint.mutable_producer()->mutable_message_expiry()->set_seconds(3600);
  endpoint.mutable_producer()->set_response_topic("events/replies");
  endpoint.mutable_consumer()->add_topics("events/*/x");
  endpoint.mutable_consumer()->add_topics("events/>");
  return endpoint;
}

TEST(MqttConfigTest, EveryFieldIsHandedOn) {
  const auto made = ToMqttSettings(Endpoint());
  const auto* mqtt = dynamic_cast<const pb::Mqtt5Endpoint*>(made.get());
  ASSERT_NE(mqtt, nullptr);
  EXPECT_EQ(mqtt->server_host(), "broker.example.com");
  EXPECT_EQ(mqtt->server_port(), 8883);
  EXPECT_TRUE(mqtt->security().has_tls());
  EXPECT_EQ(mqtt->security().auth().username(), "gateway");
  EXPECT_EQ(mqtt->security().auth().password().text(), "pw");
  EXPECT_EQ(mqtt->reconnect_attempts(), 10);
  EXPECT_TRUE(mqtt->producer().enabled());
  EXPECT_EQ(mqtt->producer().topics(0), "events/in");
  EXPECT_TRUE(mqtt->producer().retained());
  EXPECT_EQ(mqtt->producer().message_expiry().seconds(), 3600);
  EXPECT_EQ(mqtt->producer().response_topic(), "events/replies");
  ASSERT_EQ(mqtt->consumer().topics_size(), 2);
  EXPECT_EQ(mqtt->consumer().topics(0), "events/+/x");
  EXPECT_EQ(mqtt->consumer().topics(1), "events/#");
}

TEST(MqttConfigTest, PortsAndPlainTcpFollowTheUrl) {
  pb::SolaceEndpoint endpoint = Endpoint();
  endpoint.set_url("mqtt://[::1]:2883");
  endpoint.clear_security();
  endpoint.clear_producer();
  const auto made = ToMqttSettings(endpoint);
  const auto* mqtt = dynamic_cast<const pb::Mqtt5Endpoint*>(made.get());
  ASSERT_NE(mqtt, nullptr);
  EXPECT_EQ(mqtt->server_host(), "::1");
  EXPECT_EQ(mqtt->server_port(), 2883);
  EXPECT_FALSE(mqtt->security().has_tls());
  EXPECT_FALSE(mqtt->has_producer());
}

// The MQTT factory gets the endpoint for mqtt(s) URLs, and only then.
TEST(MqttConfigTest, TheFactoryDelegatesByScheme) {
  int asked = 0;
  const auto factory = MakeSolaceFactory(
      [&asked](const google::protobuf::Message& settings,
               const connectors::ConnectorContext& context) -> StatusOr<connectors::ConnectorPtr> {
        ++asked;
        EXPECT_NE(dynamic_cast<const pb::Mqtt5Endpoint*>(&settings), nullptr);
        EXPECT_EQ(context.endpoint, "solace");
        return Unimplemented("asked");
      });
  net::WorkerPool workers(1);
  connectors::ConnectorContext context;
  context.endpoint = "solace";
  context.workers = &workers;
  EXPECT_EQ(MessageOf(factory(Endpoint(), context).status()), "asked");
  pb::SolaceEndpoint endpoint = Endpoint();
  endpoint.set_url("amqps://broker.example.com");
  EXPECT_NE(MessageOf(factory(endpoint, context).status()).find("producer.retained"),
            std::string::npos);
  endpoint.mutable_producer()->set_retained(false);
  auto made = factory(endpoint, context);
  ASSERT_TRUE(made.ok()) << MessageOf(made.status());
  EXPECT_EQ((*made)->kind(), "solace");
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace tidegate::solace
