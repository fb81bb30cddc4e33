#include "server/exchange/error_map.h"

#include <gtest/gtest.h>

#include <set>

namespace tidegate::exchange {
namespace {

using connectors::Outcome;

TEST(ErrorMap, every_class_has_a_row_for_both_outcomes) {
  for (int i = 1; i <= static_cast<int>(ErrorClass::kInternal); ++i) {
    const auto error_class = static_cast<ErrorClass>(i);
    for (const Outcome outcome : {Outcome::kNo, Outcome::kUnknown}) {
      int rows = 0;
      for (const ClassRow& row : ClassRows()) {
        if (row.error_class == error_class && row.outcome == outcome) ++rows;
      }
      EXPECT_EQ(rows, 1) << NameOf(error_class);
    }
  }
}

TEST(ErrorMap, rows_keep_the_rule_of_outcomes) {
  for (const ClassRow& row : ClassRows()) {
    if (row.error_class == ErrorClass::kInternal) {
      EXPECT_EQ(row.http, 500);
    } else if (row.outcome == Outcome::kUnknown) {
      EXPECT_EQ(row.http, row.error_class == ErrorClass::kTimeout ? 504 : 502)
          << NameOf(row.error_class);
    } else {
      const std::set<int> allowed = {400, 410, 413, 429, 503};
      EXPECT_TRUE(allowed.count(row.http)) << NameOf(row.error_class);
    }
    EXPECT_FALSE(row.key.empty());
    EXPECT_FALSE(row.text.empty());
  }
}

TEST(ErrorMap, each_row_answers_for_its_class) {
  for (const ClassRow& row : ClassRows()) {
    const Answer answer = AnswerOf(MakeError(row.error_class, "secret detail"), row.outcome);
    EXPECT_EQ(answer.http, row.http);
    EXPECT_EQ(answer.key, row.key);
    EXPECT_EQ(answer.text, row.text) << "what a broker said is not shown";
    EXPECT_EQ(answer.close, row.close);
    EXPECT_EQ(answer.grpc, row.grpc);
    EXPECT_EQ(answer.outcome, row.outcome == Outcome::kNo ? "no" : "unknown");
  }
}

TEST(ErrorMap, each_reason_answers_and_is_named_once) {
  std::set<std::string_view> seen;
  for (const ReasonRow& row : ReasonRows()) {
    EXPECT_TRUE(seen.insert(row.reason).second) << row.reason;
    const Status status = Refuse(row.reason, "own text");
    EXPECT_EQ(ReasonOf(status), row.reason);
    EXPECT_EQ(static_cast<int>(status.code()), row.grpc) << row.reason;
    const Answer answer = AnswerOf(status);
    EXPECT_EQ(answer.http, row.http) << row.reason;
    EXPECT_EQ(answer.key, row.key);
    EXPECT_EQ(answer.text, row.text.empty() ? "own text" : row.text);
    EXPECT_EQ(answer.outcome, "no");
    EXPECT_NE(answer.http, 500) << "a refusal is never a bug";
  }
}

struct Expected {
  Status status;
  Outcome outcome;
  int http;
  std::string_view key;
  std::uint16_t close;
};

TEST(ErrorMap, rows_of_the_design) {
  const Expected rows[] = {
      {MakeError(ErrorClass::kPositionUnavailable, "x"), Outcome::kNo, 410, "CURSOR_EXPIRED", 1011},
      {WithReason(InvalidArgument("cursor is odd"), "CURSOR_MALFORMED"), Outcome::kNo, 400,
       "INVALID_CURSOR", 1007},
      {MakeError(ErrorClass::kConnectFailed, "x"), Outcome::kNo, 503,
       "FAILURE_ENDPOINT_CONNECTION_FAILED", 1011},
      {MakeError(ErrorClass::kConnectionClosed, "x"), Outcome::kUnknown, 502,
       "FAILURE_ENDPOINT_CONNECTION_CLOSED", 1011},
      {MakeError(ErrorClass::kTimeout, "x"), Outcome::kUnknown, 504, "REQUEST_TIMEOUT", 1011},
      {MakeError(ErrorClass::kOverloaded, "x"), Outcome::kNo, 503, "ENDPOINT_OVERLOADED", 1013},
      {WithReason(ResourceExhausted("x"), "BROKER_CLIENTS_EXHAUSTED"), Outcome::kNo, 503,
       "BROKER_CLIENTS_EXHAUSTED", 1013},
      {WithReason(ResourceExhausted("x"), "BODY_TOO_LARGE"), Outcome::kNo, 413,
       "REQUEST_CONTENT_LIMIT_TOO_LARGE", 1009},
      {WithReason(DeadlineExceeded("x"), "BODY_TIMEOUT"), Outcome::kNo, 408, "BODY_TIMEOUT", 1011},
      {Refuse("API_KEY_INVALID"), Outcome::kNo, 401, "API_KEY_INVALID", 1008},
      {Refuse("DRAINING"), Outcome::kNo, 503, "DRAINING", 1013},
      {Internal("x"), Outcome::kNo, 500, "INTERNAL_ERROR", 1011},
  };
  for (const Expected& row : rows) {
    const Answer answer = AnswerOf(row.status, row.outcome);
    EXPECT_EQ(answer.http, row.http) << row.status;
    EXPECT_EQ(answer.key, row.key) << row.status;
    EXPECT_EQ(answer.close, row.close) << row.status;
  }
}

TEST(ErrorMap, a_reason_never_turns_unknown_into_no) {
  const Status status = WithReason(MakeError(ErrorClass::kTimeout, "x"), "REQUEST_TIMEOUT");
  EXPECT_EQ(AnswerOf(status, Outcome::kUnknown).outcome, "unknown");
  EXPECT_EQ(AnswerOf(status, Outcome::kUnknown).http, 504);
}

TEST(ErrorMap, overload_and_drain_ask_to_come_back) {
  EXPECT_TRUE(AnswerOf(Refuse("DRAINING")).retry_later);
  EXPECT_TRUE(AnswerOf(Refuse("OVERLOADED")).retry_later);
  EXPECT_TRUE(AnswerOf(MakeError(ErrorClass::kOverloaded, "x")).retry_later);
  EXPECT_FALSE(AnswerOf(Refuse("API_KEY_INVALID")).retry_later);
}

}  // namespace
}  // namespace tidegate::exchange
