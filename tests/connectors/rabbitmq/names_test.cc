#include "connectors/rabbitmq/names.h"

#include <gtest/gtest.h>

#include "connectors/rabbitmq/backoff.h"
#include "tests/support/is_ok.h"

namespace tidegate::rabbitmq {
namespace {

TEST(Names, ShortTextsAreUtf8OfAtMost255Bytes) {
  EXPECT_TRUE(IsShortText(""));
  EXPECT_TRUE(IsShortText(std::string(255, 'k')));
  EXPECT_FALSE(IsShortText(std::string(256, 'k')));
  EXPECT_TRUE(IsShortText("gr\xc3\xbc\xc3\x9f\x65.#"));
  EXPECT_FALSE(IsShortText("\xff"));
  EXPECT_FALSE(IsShortText("a\nb"));
  EXPECT_FALSE(IsShortText(std::string_view("a\0b", 3)));
  EXPECT_FALSE(IsShortText("\x7f"));
  EXPECT_FALSE(IsExchangeName(""));
}

TEST(Names, WildcardsAreWholeWords) {
  EXPECT_TRUE(HasWildcard("#"));
  EXPECT_TRUE(HasWildcard("tasks.*.new"));
  EXPECT_FALSE(HasWildcard("tasks.new*"));
  EXPECT_FALSE(HasWildcard("a#b.c"));
}

TEST(Names, ADestinationIsAKeyOrAnExchangeWithOne) {
  struct Row {
    std::string_view text, exchange, key;
  };
  for (const Row& row : {Row{"tasks.new", "tasks", "tasks.new"}, Row{"other/a.b", "other", "a.b"},
                         Row{"other/", "other", ""}, Row{"/a/b", "tasks", "a/b"},
                         Row{"other/a/b", "other", "a/b"}}) {
    const auto parsed = ParseDestination(row.text, "tasks", false);
    ASSERT_TRUE(parsed.ok()) << row.text;
    EXPECT_EQ(parsed->exchange, row.exchange);
    EXPECT_EQ(parsed->routing_key, row.key);
  }
}

TEST(Names, BadDestinationsAreRefusedByReasonWithoutEcho) {
  for (const std::string& text :
       {std::string(), std::string("amq.rabbitmq.trace/x"), std::string("a.#"), std::string("*"),
        std::string(300, 'x'), std::string(300, 'x') + "/k", std::string("bad\xff"),
        std::string("bad\x01/k")}) {
    const auto parsed = ParseDestination(text, "tasks", false);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(ReasonOf(parsed.status()), "INVALID_DESTINATION");
    EXPECT_EQ(MessageOf(parsed.status()).find("xxx"), std::string::npos);
  }
  EXPECT_TRUE(IsOk(ParseDestination("a.#", "tasks", true)));
}

TEST(Backoff, DoublesUpToItsLimitWithAQuarterEitherWay) {
  Backoff low;
  Backoff high;
  EXPECT_EQ(low.Next(0).count(), 150);
  EXPECT_EQ(high.Next(100).count(), 250);
  for (int i = 0; i < 10; ++i) low.Next(0);
  EXPECT_EQ(low.Next(0).count(), 3750);
  low.Reset();
  EXPECT_EQ(low.Next(0).count(), 150);
}

}  // namespace
}  // namespace tidegate::rabbitmq
