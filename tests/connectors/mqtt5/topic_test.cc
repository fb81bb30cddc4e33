#include "connectors/mqtt5/topic.h"

#include <gtest/gtest.h>

#include <string>

namespace tidegate::mqtt5 {
namespace {

TEST(Topic, names) {
  for (const char* good : {"a", "/", "a/b", "sensors/hall 1/t\xC3\xBCr", "$mine", "a//b"}) {
    EXPECT_TRUE(IsTopicName(good)) << good;
  }
  const std::string nul("a\0b", 3);
  for (const std::string& bad : {std::string(), std::string("a/+"), std::string("#"), nul,
                                 std::string("\xFF"), std::string("$SYS/x"),
                                 std::string("$share/g/t"), std::string(70'000, 'a')}) {
    EXPECT_FALSE(IsTopicName(bad)) << bad.substr(0, 20);
  }
}

TEST(Topic, filters) {
  for (const char* good : {"#", "+", "a/#", "+/b/+", "/+", "sensors/+/temperature", "$SYS/#"}) {
    EXPECT_TRUE(IsTopicFilter(good)) << good;
  }
  for (const char* bad : {"", "a#", "#/a", "a/b+", "+b", "a/#/b", "$share/g/a", "$queue/a",
                          "\xC3\x28"}) {
    EXPECT_FALSE(IsTopicFilter(bad)) << bad;
  }
}

TEST(Topic, rules_do_not_echo) {
  EXPECT_EQ(TopicFilterRule("secret#").find("secret"), std::string_view::npos);
}

}  // namespace
}  // namespace tidegate::mqtt5
