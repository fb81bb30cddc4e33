// The guard, driven through a real connection: status, close, and nothing at the handler.
#include "server/http/guard.h"

#include <gtest/gtest.h>

#include <set>

#include "server/http/head_parser.h"
#include "tests/server/http/guard_rows.h"
#include "tests/server/http/http_fixture.h"

namespace tidegate::http {
namespace {

constexpr std::string_view kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

std::uint64_t Rejected(HttpFixture& http, Rule rule) {
  return http.registry
      .GetCounter("tidegate_http_rejected_total", "",
                  {{"listener", "test"}, {"rule", std::string(InfoOf(rule).name)}})
      .Value();
}

// Sends the row in pieces of `piece` bytes and checks everything that a refusal promises.
void ExpectRefused(const GuardRow& row, std::size_t piece) {
  RecordingHandler handler;
  HttpFixture http(handler);
  http.Connect();
  const std::string bytes = row.bytes + std::string(kSmuggled);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    http.Send(std::string_view(bytes).substr(at, piece));
  }
  const std::string answer = http.Received();
  EXPECT_EQ(StatusOf(answer), row.status) << row.name << "\n" << answer;
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << row.name;
  EXPECT_EQ(answer.find("\r\nDate: "), answer.rfind("\r\nDate: ")) << row.name << ": two answers";
  EXPECT_TRUE(http.finished()) << row.name;
  EXPECT_EQ(handler.requests.size(), 0U) << row.name;
  EXPECT_EQ(Rejected(http, row.rule), 1U) << row.name << " " << InfoOf(row.rule).name;
  http.client->Close();
  http.Pump();
  EXPECT_TRUE(http.closed()) << row.name;
}

TEST(Guard, TableIsLargeEnough) {
  std::set<std::string> inputs;
  std::set<Rule> rules;
  for (const GuardRow& row : GuardRows()) {
    inputs.insert(row.bytes);
    rules.insert(row.rule);
  }
  EXPECT_GE(inputs.size(), 150U);
  // Every rule but the time-out (connection_test) has a row.
  EXPECT_EQ(rules.size(), static_cast<std::size_t>(Rule::kCount) - 2);
}

TEST(Guard, RefusesHostileBytes) {
  for (const GuardRow& row : GuardRows()) ExpectRefused(row, row.bytes.size() + kSmuggled.size());
}

TEST(Guard, RefusesThemByteByByteToo) {
  for (const GuardRow& row : GuardRows()) {
    if (row.bytes.size() < 1000) ExpectRefused(row, 1);
  }
}

TEST(Guard, AcceptsUnusualButRightRequests) {
  for (const GuardRow& row : AcceptedRows()) {
    for (const std::size_t piece : {std::size_t{1}, row.bytes.size()}) {
      RecordingHandler handler;
      HttpFixture http(handler);
      http.Connect();
      for (std::size_t at = 0; at < row.bytes.size(); at += piece) {
        http.Send(std::string_view(row.bytes).substr(at, piece));
      }
      EXPECT_EQ(StatusOf(http.Received()), 200) << row.name;
      EXPECT_EQ(handler.requests.size(), 1U) << row.name;
    }
  }
}

// What the scanner and the parser say of bytes that arrive in two parts.
std::pair<Rule, std::size_t> Judge(std::string_view bytes, std::size_t split) {
  HeadScanner scanner;
  const HeadLimits limits;
  auto state = HeadScanner::State::kNeedMore;
  for (const std::size_t end : {split, bytes.size()}) {
    state = scanner.Scan(bytes.substr(0, end), limits);
    if (state != HeadScanner::State::kNeedMore) break;
  }
  if (state == HeadScanner::State::kRefused) return {scanner.rule(), 0};
  if (state == HeadScanner::State::kNeedMore) return {Rule::kCount, 0};
  RequestHead head;
  HeadScratch scratch;
  const std::string_view raw = bytes.substr(0, scanner.head_size());
  return {ParseHead(raw, limits, head, scratch), scanner.head_size()};
}

TEST(Guard, TheVerdictDoesNotDependOnTheSplit) {
  auto rows = GuardRows();
  for (GuardRow& row : AcceptedRows()) rows.push_back(row);
  for (const GuardRow& row : rows) {
    const auto whole = Judge(row.bytes, row.bytes.size());
    for (std::size_t split = 0; split < row.bytes.size(); ++split) {
      ASSERT_EQ(Judge(row.bytes, split), whole) << row.name << " at " << split;
    }
  }
}

// RFC 9110 §5.5, whatever the length and wherever the byte stands.
TEST(Guard, FieldValuesAreJudgedByEveryByte) {
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string value(size, 'x');
        value[place] = static_cast<char>(byte);
        const Rule rule = byte == 0                               ? Rule::kNulByte
                          : byte == '\r'                          ? Rule::kBareCr
                          : byte == '\t'                          ? Rule::kNone
                          : byte < 0x20 || byte == 0x7F           ? Rule::kFieldValueByte
                                                                  : Rule::kNone;
        ASSERT_EQ(CheckFieldValue(value), rule) << size << ", " << place << ", " << byte;
        if (place == 0) continue;
        value[0] = '\t';  // sends the judgement through its slow half
        ASSERT_EQ(CheckFieldValue(value), rule) << size << ", " << place << ", " << byte;
      }
    }
  }
}

TEST(Guard, UnderscoresFollowTheSetting) {
  const std::string raw = "GET / HTTP/1.1\r\nHost: a\r\nX_Y: 1\r\n\r\n";
  HeadLimits limits;
  RequestHead head;
  HeadScratch scratch;
  EXPECT_EQ(ParseHead(raw, limits, head, scratch), Rule::kFieldUnderscore);
  limits.underscores = Underscores::kDrop;
  EXPECT_EQ(ParseHead(raw, limits, head, scratch), Rule::kNone);
  EXPECT_FALSE(head.Find("x_y").has_value());
  limits.underscores = Underscores::kAllow;
  EXPECT_EQ(ParseHead(raw, limits, head, scratch), Rule::kNone);
  EXPECT_EQ(head.Find("x_y").value_or(""), "1");
}

TEST(RequestHead, FindsFieldsAndQueryParameters) {
  const std::string raw =
      "GET /a?x=1&y=a%20b+c&z&%78=2&bad=%zz&e= HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\n\r\n";
  RequestHead head;
  HeadScratch scratch;
  ASSERT_EQ(ParseHead(raw, HeadLimits(), head, scratch), Rule::kNone);
  EXPECT_EQ(head.Find("X-a").value_or(""), "1");
  EXPECT_EQ(head.FindAll("X-A"), "1, 2");
  EXPECT_EQ(head.Query("x").value_or("-"), "1");
  EXPECT_EQ(head.Query("y").value_or("-"), "a b c");
  EXPECT_EQ(head.Query("z").value_or("-"), "");
  EXPECT_EQ(head.Query("e").value_or("-"), "");
  EXPECT_FALSE(head.Query("w").has_value());
  bool malformed = false;
  EXPECT_FALSE(head.Query("bad", &malformed).has_value());
  EXPECT_TRUE(malformed);
}

}  // namespace
}  // namespace tidegate::http
