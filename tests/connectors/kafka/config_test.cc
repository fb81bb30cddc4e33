#include <gtest/gtest.h>

#include <algorithm>

#include "connectors/kafka/conf.h"
#include "connectors/kafka/kafka_config.h"
#include "connectors/kafka/properties.h"
#include "tests/support/is_ok.h"
#include "tidegate/config/v1/kafka.pb.h"

namespace tidegate::kafka {
namespace {

namespace pb = ::tidegate::config::v1;

pb::KafkaEndpoint Valid() {
  pb::KafkaEndpoint endpoint;
  endpoint.add_bootstrap_servers("localhost:9092");
  endpoint.mutable_producer()->add_topics("orders");
  endpoint.mutable_consumer()->add_topics("orders");
  return endpoint;
}

std::vector<std::string> Fields(const pb::KafkaEndpoint& endpoint) {
  KafkaConfig config;
  std::vector<std::string> fields;
  for (const Violation& violation : CheckKafka(endpoint, config)) fields.push_back(violation.field);
  return fields;
}

TEST(ConfigTest, DefaultsAreThoseOfTheReference) {
  auto config = ReadKafkaConfig(Valid());
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  EXPECT_EQ(config->bootstrap, "localhost:9092");
  EXPECT_TRUE(config->producer.enabled);
  EXPECT_TRUE(config->consumer.enabled);
  EXPECT_EQ(config->consumer.reset, Reset::kLatest);
  EXPECT_TRUE(config->consumer.encode_message_id);
  EXPECT_TRUE(config->producer.acks_all);
  EXPECT_EQ(config->producer.linger, std::chrono::milliseconds(1));
  EXPECT_TRUE(IsOk(CheckConf(*config)));
}

TEST(ConfigTest, AbsentBlocksAreOff) {
  pb::KafkaEndpoint endpoint;
  endpoint.add_bootstrap_servers("k:1");
  auto config = ReadKafkaConfig(endpoint);
  ASSERT_TRUE(IsOk(config));
  EXPECT_FALSE(config->producer.enabled);
  EXPECT_FALSE(config->consumer.enabled);
}

TEST(ConfigTest, EveryViolationIsNamedAtOnce) {
  pb::KafkaEndpoint endpoint;
  endpoint.add_bootstrap_servers("kafka://host:9092");
  endpoint.add_bootstrap_servers("host");
  endpoint.mutable_producer();
  endpoint.mutable_consumer()->add_topics("a b");
  endpoint.mutable_consumer()->set_topics_pattern("x.*");
  (*endpoint.mutable_properties())["sasl.password"] = "hunter2";
  (*endpoint.mutable_properties())["linger"] = "1";
  EXPECT_EQ(Fields(endpoint),
            (std::vector<std::string>{"bootstrapServers[0]", "bootstrapServers[1]",
                                      "producer.topics", "consumer.topics[0]", "consumer",
                                      "properties.linger", "properties.sasl.password"}));
  const auto refused = ReadKafkaConfig(endpoint);
  const std::string text = MessageOf(refused.status());
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
  EXPECT_EQ(text.find("a b"), std::string::npos);
}

TEST(ConfigTest, HostAndPort) {
  for (const char* good : {"a:1", "kafka-0.kafka:9092", "10.0.0.1:65535", "[::1]:9092"}) {
    EXPECT_TRUE(IsHostPort(good)) << good;
  }
  for (const char* bad : {"", "a", "a:", ":1", "a:0", "a:65536", "a:1x", "a b:1", "[::1:9092",
                          "a/b:1", "http://a:1"}) {
    EXPECT_FALSE(IsHostPort(bad)) << bad;
  }
}

TEST(ConfigTest, TopicNames) {
  EXPECT_TRUE(IsTopicName("a.B_c-9"));
  EXPECT_TRUE(IsTopicName(std::string(249, 'a')));
  for (const std::string& bad : {std::string(), std::string("."), std::string(".."),
                                 std::string("a/b"), std::string("\xc3\xa9"),
                                 std::string(250, 'a')}) {
    EXPECT_FALSE(IsTopicName(bad)) << bad;
  }
}

TEST(ConfigTest, EveryAllowedPropertyIsKnownToTheLibraryAndABadValueIsRefused) {
  for (const Property& property : AllowedProperties()) {
    KafkaConfig config = *ReadKafkaConfig(Valid());
    config.properties.emplace_back(std::string(property.name), "\x01 no value");
    const Status status = CheckConf(config);
    const bool free_text = property.name == "client.rack" ||
                           property.name == "partition.assignment.strategy";
    EXPECT_EQ(status.ok(), free_text) << property.name;
    if (status.ok()) continue;
    EXPECT_EQ(ClassOf(status), ErrorClass::kConfigInvalid);
    EXPECT_NE(MessageOf(status).find(property.name), std::string::npos);
    EXPECT_EQ(MessageOf(status).find("no value"), std::string::npos);
  }
}

TEST(ConfigTest, WhatUndoesAPromiseIsNotAllowed) {
  for (const char* name : {"enable.auto.commit", "enable.idempotence", "acks",
                           "plugin.library.paths",
                           "log_level", "group.id", "transactional.id", "auto.offset.reset"}) {
    EXPECT_FALSE(PropertyRule(name).empty()) << name;
  }
  EXPECT_NE(PropertyRule("ssl.key.password").find("security block"), std::string::npos);
  EXPECT_NE(PropertyRule("fetch.min.byte").find("fetch.min.bytes"), std::string::npos);
}

}  // namespace
}  // namespace tidegate::kafka
