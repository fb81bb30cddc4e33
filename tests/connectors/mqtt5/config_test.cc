#include "connectors/mqtt5/mqtt5_config.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "tests/support/is_ok.h"
#include "tidegate/config/v1/mqtt5.pb.h"

namespace tidegate::mqtt5 {
namespace {

StatusOr<Mqtt5Config> Read(const std::string& text) {
  config::v1::Mqtt5Endpoint settings;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &settings)) << text;
  return ReadMqtt5Config(settings, nullptr);
}

TEST(Mqtt5Config, defaults) {
  const auto config = Read("server_host: 'b' consumer { topics: 'a/#' }");
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  EXPECT_EQ(config->port, 1883);
  EXPECT_EQ(config->reconnect_attempts, 3);
  EXPECT_EQ(config->session_expiry, 86'400U);
  EXPECT_FALSE(config->clean_start);
  EXPECT_FALSE(config->username.has_value());
  EXPECT_FALSE(config->producer.enabled);
  EXPECT_TRUE(config->consumer.enabled);
}

TEST(Mqtt5Config, everything_that_can_be_said) {
  const auto config = Read(R"(
      server_host: 'broker' server_port: 8883 reconnect_attempts: 10
      session_expiry { seconds: 1 nanos: 1 } clean_start: true
      security { auth { username: 'u' password { text: 'p' } } }
      producer { topics: 'x' topics: 'y' retained: true message_expiry { seconds: 3600 }
                 response_topic: 'r' }
      consumer { enabled: false topics: 'a/+' })");
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  EXPECT_EQ(config->port, 8883);
  EXPECT_EQ(config->reconnect_attempts, 10);
  EXPECT_EQ(config->session_expiry, 2U);  // rounded up
  EXPECT_TRUE(config->clean_start);
  EXPECT_EQ(config->username, "u");
  EXPECT_EQ(config->password, "p");
  EXPECT_TRUE(config->producer.retained);
  EXPECT_EQ(config->producer.message_expiry, 3600U);
  EXPECT_EQ(config->producer.response_topic, "r");
  EXPECT_EQ(config->producer.topics.size(), 2U);
  EXPECT_FALSE(config->consumer.enabled);
}

TEST(Mqtt5Config, never_is_the_protocols_never) {
  const auto config = Read(R"(server_host: 'b' session_expiry { seconds: 315576000000 }
      producer { topics: 'x' message_expiry { seconds: 315576000000 } })");
  ASSERT_TRUE(IsOk(config));
  EXPECT_EQ(config->session_expiry, kNeverExpires);
  EXPECT_FALSE(config->producer.message_expiry.has_value());
}

TEST(Mqtt5Config, violations_are_told_all_at_once_without_values) {
  const auto config = Read(R"(server_host: 'mqtt://secret' server_port: 70000
      reconnect_attempts: 11 security { auth { password { text: 'hush' } } }
      producer { topics: 'secret/+' response_topic: 'secret#' }
      consumer { topics: '$share/secret/x' topics: 'a#' })");
  ASSERT_FALSE(config.ok());
  const std::string text = MessageOf(config.status());
  EXPECT_EQ(ReasonOf(config.status()), "INVALID_SETTINGS");
  for (const char* field :
       {"serverHost", "serverPort", "reconnectAttempts", "security.auth.username",
        "producer.topics[0]", "producer.responseTopic", "consumer.topics[0]",
        "consumer.topics[1]"}) {
    EXPECT_NE(text.find(field), std::string::npos) << field;
  }
  EXPECT_EQ(text.find("secret"), std::string::npos);
  EXPECT_EQ(text.find("hush"), std::string::npos);
  EXPECT_FALSE(Read("server_host: 'b' producer {}").ok());
  EXPECT_FALSE(Read("server_host: 'b' consumer {}").ok());
  EXPECT_FALSE(Read("consumer { topics: 'a' }").ok());
}

}  // namespace
}  // namespace tidegate::mqtt5
