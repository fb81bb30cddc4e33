#include <gtest/gtest.h>

#include <algorithm>

#include "connectors/solace/solace_config.h"
#include "server/config/secrets.h"
#include "tests/support/is_ok.h"
#include "tidegate/config/v1/solace.pb.h"

namespace tidegate::solace {
namespace {

namespace pb = ::tidegate::config::v1;

const config::SecretResolver& Secrets() {
  static const config::SecretResolver resolver{config::SecretRules()};
  return resolver;
}

// events-solace.yaml as it stands, its password given as text.
pb::SolaceEndpoint Example() {
  pb::SolaceEndpoint endpoint;
  endpoint.set_url("amqp://127.0.0.1:5672");
  endpoint.set_vpn_name("default");
  endpoint.mutable_security()->mutable_auth()->set_username("gateway");
  endpoint.mutable_security()->mutable_auth()->mutable_password()->set_text("hunter2");
  endpoint.mutable_producer()->add_topics("events/in");
  endpoint.mutable_producer()->set_retained(false);
  endpoint.mutable_producer()->mutable_message_expiry()->set_seconds(3600);
  endpoint.mutable_producer()->set_response_topic("events/replies");
  endpoint.mutable_consumer()->add_topics("events/>");
  return endpoint;
}

// "field: rule" of every violation, joined.
std::string Text(const pb::SolaceEndpoint& endpoint) {
  SolaceConfig config;
  std::string text;
  for (const Violation& violation : CheckSolace(endpoint, Secrets(), config)) {
    text += violation.field + ": " + violation.rule + "\n";
  }
  return text;
}

bool Says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(SolaceConfigTest, TheExampleIsReadFieldByField) {
  auto config = ReadSolaceConfig(Example(), Secrets());
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  EXPECT_EQ(config->transport, Transport::kAmqp);
  EXPECT_FALSE(config->tls_on);
  EXPECT_EQ(config->host, "127.0.0.1");
  EXPECT_EQ(config->port, 5672);
  EXPECT_EQ(config->vpn, "default");
  EXPECT_EQ(config->username, "gateway");
  EXPECT_EQ(config->password, "hunter2");
  EXPECT_EQ(config->producer.topics, std::vector<std::string>{"events/in"});
  EXPECT_EQ(config->producer.ttl_ms, 3'600'000u);
  EXPECT_EQ(config->producer.response_topic, "events/replies");
  EXPECT_TRUE(config->producer.persistent);
  EXPECT_EQ(config->consumer.topics, std::vector<std::string>{"events/>"});
  EXPECT_EQ(config->reconnect_attempts, 10);
}

TEST(SolaceConfigTest, WithoutAuthAuthenticationIsOffAndDefaultsHold) {
  pb::SolaceEndpoint endpoint;
  endpoint.set_url("AMQPS://broker.example.com/");
  endpoint.set_vpn_name("prod");
  auto config = ReadSolaceConfig(endpoint, Secrets());
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  EXPECT_TRUE(config->username.empty());
  EXPECT_TRUE(config->tls_on);
  EXPECT_EQ(config->port, 5671);
  EXPECT_EQ(config->tls_host, "broker.example.com");
  EXPECT_NE(config->tls, nullptr);
  EXPECT_FALSE(config->producer.enabled);
  EXPECT_FALSE(config->consumer.enabled);
}

TEST(SolaceConfigTest, UrlsSayTransportHostAndPort) {
  struct Case {
    const char* text;
    const char* host;
    int port;
  };
  for (const Case& c : {Case{"amqp://h", "h", 0}, Case{"amqps://h:1", "h", 1},
                        Case{"mqtt://[::1]:65535", "::1", 65535},
                        Case{"mqtts://[fe80::1]", "fe80::1", 0},
                        Case{"amqp://a-b.c_d:5672/", "a-b.c_d", 5672}}) {
    Url url;
    std::string_view rule;
    ASSERT_TRUE(ParseUrl(c.text, url, rule)) << c.text << rule;
    EXPECT_EQ(url.host, c.host);
    EXPECT_EQ(url.port, c.port);
  }
  for (const char* text : {"", "h:5672", "amqp://", "amqp://:5672", "amqp://h:0", "amqp://h:65536",
                           "amqp://h:x", "amqp://u:p@h", "http://h", "amqp://h/path", "amqp://[::1",
                           "amqp://[]:1", "amqp://h h", "amqp://h:", "amqp://[::1]x"}) {
    Url url;
    std::string_view rule;
    EXPECT_FALSE(ParseUrl(text, url, rule)) << text;
    EXPECT_NE(rule, "") << text;
  }
}

TEST(SolaceConfigTest, SmfIsRefusedWithTheReasonAndTheWayOut) {
  for (const char* url : {"tcp://h:55555", "tcps://h:55443"}) {
    pb::SolaceEndpoint endpoint = Example();
    endpoint.set_url(url);
    const std::string text = Text(endpoint);
    EXPECT_TRUE(Says(text, "url: tcp and tcps mean SMF")) << text;
    EXPECT_TRUE(Says(text, "amqp or amqps") && Says(text, "mqtt or mqtts")) << text;
  }
}

TEST(SolaceConfigTest, RetainedNeedsMqttAndTheTextSaysSo) {
  pb::SolaceEndpoint endpoint = Example();
  endpoint.mutable_producer()->set_retained(true);
  EXPECT_TRUE(Says(Text(endpoint), "producer.retained: amqp knows no retained messages; an mqtt"));
  endpoint.set_url("mqtt://127.0.0.1");
  EXPECT_EQ(Text(endpoint), "");
}

TEST(SolaceConfigTest, WhatMqttCannotDoNamesAmqp) {
  pb::SolaceEndpoint endpoint = Example();
  endpoint.set_url("mqtts://127.0.0.1");
  endpoint.mutable_producer()->set_delivery_mode(pb::SOLACE_DELIVERY_MODE_DIRECT);
  endpoint.mutable_producer()->add_topics("a+b");
  endpoint.mutable_consumer()->add_topics("a/b*");
  endpoint.mutable_consumer()->set_queue("q");
  endpoint.set_reconnect_attempts(11);
  const std::string text = Text(endpoint);
  EXPECT_TRUE(Says(text, "producer.deliveryMode: ")) << text;
  EXPECT_TRUE(Says(text, "direct needs an amqp or amqps url")) << text;
  EXPECT_TRUE(Says(text, "producer.topics[1]: ")) << text;
  EXPECT_TRUE(Says(text, "consumer.topics[1]: over mqtt '*' is a whole level")) << text;
  EXPECT_TRUE(Says(text, "consumer.queue: mqtt reads no queues; an amqp or amqps url does"))
      << text;
  EXPECT_TRUE(Says(text, "reconnectAttempts: ")) << text;
}

TEST(SolaceConfigTest, TheVpnIsChosenByPortOrBySni) {
  pb::SolaceEndpoint endpoint = Example();
  endpoint.set_vpn_selection(pb::SOLACE_VPN_SELECTION_SNI);
  EXPECT_TRUE(Says(Text(endpoint), "vpnSelection: sni needs an amqps url"));
  endpoint.set_url("amqps://127.0.0.1");
  auto config = ReadSolaceConfig(endpoint, Secrets());
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  EXPECT_EQ(config->tls_host, "default");
  endpoint.set_sni_hostname("vpn.example.com");
  config = ReadSolaceConfig(endpoint, Secrets());
  ASSERT_TRUE(IsOk(config));
  EXPECT_EQ(config->tls_host, "vpn.example.com");
  endpoint.set_vpn_selection(pb::SOLACE_VPN_SELECTION_PORT);
  EXPECT_TRUE(Says(Text(endpoint), "sniHostname: only with vpnSelection: sni"));
}

TEST(SolaceConfigTest, ExpiryFitsTheTransport) {
  pb::SolaceEndpoint endpoint = Example();
  endpoint.mutable_producer()->mutable_message_expiry()->set_seconds(50 * 24 * 3600);
  EXPECT_TRUE(Says(Text(endpoint), "producer.messageExpiry: over amqp at most 49d"));
  endpoint.mutable_producer()->mutable_message_expiry()->set_seconds(315'576'000'000);  // never
  auto config = ReadSolaceConfig(endpoint, Secrets());
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  EXPECT_EQ(config->producer.ttl_ms, 0u);
}

TEST(SolaceConfigTest, EveryViolationIsNamedAtOnceAndNoValueIsShown) {
  pb::SolaceEndpoint endpoint;
  endpoint.set_url("amqp://h");
  endpoint.set_vpn_name(std::string(33, 'v'));
  endpoint.mutable_security()->mutable_auth()->mutable_password()->set_text("hunter2");
  endpoint.mutable_security()->mutable_tls();
  endpoint.mutable_producer();
  endpoint.mutable_consumer()->add_topics("a/>/hunter2");
  endpoint.mutable_consumer()->set_queue("q");
  const std::string text = Text(endpoint);
  for (const char* field : {"vpnName: ", "security.auth.username: ", "security.tls: ",
                            "producer.topics: ", "consumer.topics[0]: ", "consumer: "}) {
    EXPECT_TRUE(Says(text, field)) << field << text;
  }
  EXPECT_FALSE(Says(text, "hunter2")) << text;
  EXPECT_EQ(ReasonOf(ReadSolaceConfig(endpoint, Secrets()).status()), "INVALID_SETTINGS");
}

}  // namespace
}  // namespace tidegate::solace
