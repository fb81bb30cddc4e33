#include "server/base/log.h"

#include <gtest/gtest.h>

#include <string>

#include "server/base/limits.h"

namespace tidegate {
namespace {

std::string g_lines;

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    g_lines.clear();
    SetLogWriter([](std::string_view line) { g_lines += line; });
  }
  void TearDown() override {
    SetLogWriter(nullptr);
    SetLogFormat(LogFormat::kText);
    SetLogLevel(LogLevel::kInfo);
  }
};

TEST_F(LogTest, TextQuotesWhatWouldBreakTheLine) {
  Log(LogLevel::kWarn, "test.text", {{"plain", "a/b"}, {"odd", "two\nlines"}, {"empty", ""}});
  const std::size_t level = g_lines.find(" warn ");
  ASSERT_NE(level, std::string::npos);
  EXPECT_EQ(g_lines.substr(level), " warn test.text plain=a/b odd=\"two\\nlines\" empty=\"\"\n");
}

TEST_F(LogTest, JsonIsOneObjectALine) {
  SetLogFormat(LogFormat::kJson);
  Log(LogLevel::kError, "test.json", {{"k", "v\""}});
  EXPECT_NE(g_lines.find("\"level\":\"error\",\"event\":\"test.json\",\"k\":\"v\\\"\"}\n"),
            std::string::npos)
      << g_lines;
}

TEST_F(LogTest, BelowTheLevelNothingIsWritten) {
  SetLogLevel(LogLevel::kError);
  Log(LogLevel::kWarn, "test.level");
  EXPECT_EQ(g_lines, "");
}

TEST_F(LogTest, AFloodOfOneEventIsCutAndCounted) {
  const std::uint64_t before = LogLinesWritten(LogLevel::kInfo);
  // More than two seconds' worth: whatever the clock does meanwhile, some are held back.
  for (std::uint32_t i = 0; i < kLogLinesPerSecond * 100; ++i) Log(LogLevel::kInfo, "test.flood");
  EXPECT_LT(LogLinesWritten(LogLevel::kInfo) - before, kLogLinesPerSecond * 100);
  EXPECT_GE(LogLinesWritten(LogLevel::kInfo) - before, kLogLinesPerSecond);
}

}  // namespace
}  // namespace tidegate
