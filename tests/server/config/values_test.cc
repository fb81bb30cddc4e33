#include "server/config/values.h"

#include <gtest/gtest.h>

namespace tidegate::config {
namespace {

TEST(Duration, ReadsUnits) {
  const auto read = [](const char* text) {
    DurationValue value;
    std::string error;
    EXPECT_TRUE(ParseDuration(text, false, &value, &error)) << text << " " << error;
    return value;
  };
  EXPECT_EQ(read("500ms").nanos, 500'000'000);
  EXPECT_EQ(read("5s").seconds, 5);
  EXPECT_EQ(read("1.5s").nanos, 500'000'000);
  EXPECT_EQ(read("10m").seconds, 600);
  EXPECT_EQ(read("24h").seconds, 86'400);
  EXPECT_EQ(read("7d").seconds, 604'800);
  EXPECT_EQ(read("0s").seconds, 0);
  EXPECT_EQ(read("2500ms").seconds, 2);
}

TEST(Duration, RefusesTheRest) {
  for (const char* text : {"", "s", "5", "-5s", "5 s", "5S", "1h30m", "5.s", ".5s", "1e3s",
                           "99999999999999999999s", "315576000001s", "never", "0x5s", "5us"}) {
    DurationValue value;
    std::string error;
    EXPECT_FALSE(ParseDuration(text, false, &value, &error)) << text;
    EXPECT_FALSE(error.empty());
  }
}

TEST(Duration, NeverOnlyWhereTheProtocolKnowsIt) {
  DurationValue value;
  std::string error;
  EXPECT_TRUE(ParseDuration("never", true, &value, &error));
  EXPECT_EQ(PrintDuration(value), "never");
}

TEST(Duration, BareNumberOffersTwoReadings) {
  DurationValue value;
  std::string error;
  EXPECT_FALSE(ParseDuration("5000", false, &value, &error));
  EXPECT_EQ(error,
            "a bare number has no unit; write 5000s or 5000ms (it must be a duration such as "
            "500ms, 5s, 10m, 24h or 7d)");
}

TEST(Duration, PrintsTheShortestExactForm) {
  EXPECT_EQ(PrintDuration({0, 0}), "0s");
  EXPECT_EQ(PrintDuration({90, 0}), "90s");
  EXPECT_EQ(PrintDuration({120, 0}), "2m");
  EXPECT_EQ(PrintDuration({86'400, 0}), "1d");
  EXPECT_EQ(PrintDuration({1, 500'000'000}), "1500ms");
  EXPECT_EQ(PrintDuration({0, 500}), "0.0000005s");
}

TEST(Size, ReadsAndPrints) {
  std::int64_t size = 0;
  std::string error;
  ASSERT_TRUE(ParseSize("64KiB", &size, &error));
  EXPECT_EQ(size, 65'536);
  EXPECT_EQ(PrintSize(size), "64KiB");
  ASSERT_TRUE(ParseSize("0B", &size, &error));
  EXPECT_EQ(PrintSize(size), "0B");
  EXPECT_EQ(PrintSize(1'000), "1000B");
  EXPECT_EQ(PrintSize(3LL << 40), "3072GiB");
  for (const char* text : {"", "1", "1KB", "1.5KiB", "-1B", "9223372036854775807GiB", "KiB"}) {
    EXPECT_FALSE(ParseSize(text, &size, &error)) << text;
  }
}

TEST(Period, KnowsCalendarWords) {
  PeriodValue value;
  std::string error;
  for (const char* text : {"1s", "5m", "2h", "1d", "1w", "1mo"}) {
    ASSERT_TRUE(ParsePeriod(text, &value, &error)) << text;
    EXPECT_EQ(PrintPeriod(value), text);
  }
  EXPECT_FALSE(ParsePeriod("1y", &value, &error));
  EXPECT_FALSE(ParsePeriod("1", &value, &error));
}

TEST(Words, FoldAndPrint) {
  EXPECT_EQ(FoldWord("At-Least_Once"), "atleastonce");
  EXPECT_EQ(KebabOfUpper("AT_LEAST_ONCE"), "at-least-once");
  EXPECT_EQ(KebabOfCamel("weightedRoundRobin"), "weighted-round-robin");
}

}  // namespace
}  // namespace tidegate::config
