#include "connectors/solace/topics.h"

#include <gtest/gtest.h>

namespace tidegate::solace {
namespace {

TEST(TopicsTest, TopicsWithoutWildcardsCanBePublishedTo) {
  for (const std::string_view topic :
       {"a", "a/b/c", "orders/new", "gr\xc3\xbc\xc3\x9f/1", "a*b/c", "a/>b", "#P2P/QTMP/x/y", "a b",
        "/leading", "a//b"}) {
    EXPECT_EQ(PublishTopicRule(topic), "") << topic;
  }
  const std::string longest(250, 'x');
  EXPECT_EQ(PublishTopicRule(longest), "");
}

TEST(TopicsTest, WildcardsAndWhatBelongsToTheBrokerCannot) {
  for (const std::string_view topic : {"a/*", "*", "a/b*/c", ">", "a/>", "#LOG/x", "#share/g/t"}) {
    EXPECT_NE(PublishTopicRule(topic), "") << topic;
  }
}

TEST(TopicsTest, BadTextIsNamedAndNotEchoed) {
  const std::string marked = "secret\x01topic";
  for (const std::string& topic :
       {std::string(), std::string(251, 'x'), marked, std::string("a\0b", 3), std::string("\xff"),
        std::string("topic://a"), std::string(128, '/')}) {
    EXPECT_NE(PublishTopicRule(topic), "");
    EXPECT_NE(SubscriptionRule(topic), "");
    EXPECT_EQ(PublishTopicRule(topic).find("secret"), std::string_view::npos);
  }
  EXPECT_EQ(PublishTopicRule(std::string(127, '/')), "");
}

TEST(TopicsTest, SubscriptionsHaveSolacesWildcards) {
  for (const std::string_view topic : {">", "a/>", "*", "a/*/c", "a/b*/>", "a/b", "*/>"}) {
    EXPECT_EQ(SubscriptionRule(topic), "") << topic;
  }
  for (const std::string_view topic : {"a/>/b", "a*b", "*a", "a/**", "!a", "#share/g/t"}) {
    EXPECT_NE(SubscriptionRule(topic), "") << topic;
  }
  EXPECT_EQ(SubscriptionRule("a/x>"), "");  // a plain character there
}

TEST(TopicsTest, QueuesHaveNames) {
  EXPECT_EQ(QueueRule("orders/q.1"), "");
  for (const std::string& name : {std::string(), std::string(201, 'q'), std::string("a*"),
                                  std::string("a;b"), std::string("queue://q")}) {
    EXPECT_NE(QueueRule(name), "") << name;
  }
}

TEST(TopicsTest, WildcardsAreWrittenInMqttWhereThatSaysTheSame) {
  EXPECT_EQ(ToMqttFilter("a/*/c"), "a/+/c");
  EXPECT_EQ(ToMqttFilter("a/>"), "a/#");
  EXPECT_EQ(ToMqttFilter(">"), "#");
  EXPECT_EQ(ToMqttFilter("a/b"), "a/b");
  EXPECT_EQ(ToMqttFilter("a/b*"), std::nullopt);
  EXPECT_EQ(ToMqttFilter("a/b+c"), std::nullopt);
  EXPECT_EQ(ToMqttFilter("a/#"), std::nullopt);
  EXPECT_TRUE(IsMqttTopic("a/b"));
  EXPECT_FALSE(IsMqttTopic("a+b"));
}

}  // namespace
}  // namespace tidegate::solace
