#include "connectors/kafka/error_map.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

namespace tidegate::kafka {
namespace {

using connectors::Outcome;

TEST(ErrorMapTest, CodesHaveTheirClasses) {
  const std::pair<int, ErrorClass> table[] = {
      {RD_KAFKA_RESP_ERR__SSL, ErrorClass::kTlsFailed},
      {RD_KAFKA_RESP_ERR__AUTHENTICATION, ErrorClass::kAuthFailed},
      {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, ErrorClass::kNotAuthorized},
      {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ErrorClass::kDestinationMissing},
      {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, ErrorClass::kPositionUnavailable},
      {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, ErrorClass::kPositionUnavailable},
      {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, ErrorClass::kTimeout},
      {RD_KAFKA_RESP_ERR__QUEUE_FULL, ErrorClass::kOverloaded},
      {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ErrorClass::kMessageRejected},
      {RD_KAFKA_RESP_ERR__FATAL, ErrorClass::kFatal},
      {RD_KAFKA_RESP_ERR__INVALID_ARG, ErrorClass::kConfigInvalid},
      {RD_KAFKA_RESP_ERR_NO_ERROR, ErrorClass::kNone},
  };
  for (const auto& [code, error_class] : table) {
    EXPECT_EQ(ClassOfCode(code, true), error_class) << rd_kafka_err2name(
        static_cast<rd_kafka_resp_err_t>(code));
  }
}

TEST(ErrorMapTest, ALostConnectionIsNotOneThatNeverWas) {
  EXPECT_EQ(ClassOfCode(RD_KAFKA_RESP_ERR__TRANSPORT, false), ErrorClass::kConnectFailed);
  EXPECT_EQ(ClassOfCode(RD_KAFKA_RESP_ERR__TRANSPORT, true), ErrorClass::kConnectionClosed);
}

TEST(ErrorMapTest, OutcomesFollowTheMessageStatus) {
  EXPECT_EQ(OutcomeOf(RD_KAFKA_MSG_STATUS_PERSISTED, RD_KAFKA_RESP_ERR_NO_ERROR), Outcome::kOk);
  EXPECT_EQ(OutcomeOf(RD_KAFKA_MSG_STATUS_NOT_PERSISTED, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT),
            Outcome::kNo);
  EXPECT_EQ(OutcomeOf(RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED, RD_KAFKA_RESP_ERR__TRANSPORT),
            Outcome::kUnknown);
}

TEST(ErrorMapTest, TextsNameOperationAndObject) {
  const Status status =
      ErrorOf(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "read kafka topic", "orders", true);
  const std::string text = MessageOf(status);
  EXPECT_NE(text.find("read kafka topic orders: "), std::string::npos);
  EXPECT_EQ(ClassOf(status), ErrorClass::kDestinationMissing);
}

TEST(ErrorMapTest, SecretsAndControlCharactersAreCut) {
  EXPECT_EQ(Redact("sasl.password=hunter2 rest"), "sasl.password=[hidden]");
  EXPECT_EQ(Redact("token: abc"), "token:[hidden]");
  EXPECT_EQ(Redact("a\nb"), "a b");
  EXPECT_EQ(Redact("token expired"), "token expired");
  EXPECT_LE(Redact(std::string(5000, 'x')).size(), 300u);
}

}  // namespace
}  // namespace tidegate::kafka
