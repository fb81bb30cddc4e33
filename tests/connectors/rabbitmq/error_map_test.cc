#include "connectors/rabbitmq/error_map.h"

#include <gtest/gtest.h>

#include "connectors/rabbitmq/method_codec.h"

namespace tidegate::rabbitmq {
namespace {

CloseReason Reason(std::uint16_t code, std::string text = "TEXT", std::uint32_t cause = 0) {
  CloseReason reason;
  reason.code = code;
  reason.text = std::move(text);
  reason.cause = cause;
  return reason;
}

TEST(ErrorMap, ChannelCodes) {
  constexpr auto kPublish = static_cast<std::uint32_t>(MethodId::kBasicPublish);
  const auto of = [](const CloseReason& reason) { return ClassOf(ChannelError("x", reason)); };
  EXPECT_EQ(of(Reason(403)), ErrorClass::kNotAuthorized);
  EXPECT_EQ(of(Reason(404)), ErrorClass::kDestinationMissing);
  EXPECT_EQ(of(Reason(405)), ErrorClass::kOverloaded);
  EXPECT_EQ(of(Reason(406)), ErrorClass::kConfigInvalid);
  EXPECT_EQ(of(Reason(406, "T", kPublish)), ErrorClass::kMessageRejected);
  EXPECT_EQ(of(Reason(311)), ErrorClass::kMessageRejected);
  EXPECT_EQ(of(Reason(541)), ErrorClass::kFatal);
}

TEST(ErrorMap, ConnectionCodes) {
  const auto of = [](const CloseReason& reason, bool opened) {
    return ClassOf(ConnectionError("x", reason, opened));
  };
  EXPECT_EQ(of(Reason(403), false), ErrorClass::kAuthFailed);
  EXPECT_EQ(of(Reason(403), true), ErrorClass::kNotAuthorized);
  EXPECT_EQ(of(Reason(530, "NOT_ALLOWED - vhost nope not found"), false),
            ErrorClass::kConfigInvalid);
  EXPECT_EQ(of(Reason(530, "NOT_ALLOWED - access to vhost '/' refused"), false),
            ErrorClass::kNotAuthorized);
  EXPECT_EQ(of(Reason(320), true), ErrorClass::kConnectionClosed);
  EXPECT_EQ(of(Reason(503), true), ErrorClass::kConfigInvalid);
  EXPECT_EQ(of(Reason(541), true), ErrorClass::kFatal);
}

TEST(ErrorMap, TheBrokersWordsAreOneBoundedLine) {
  const std::string text =
      MessageOf(ChannelError("declare", Reason(404, "a\r\nb" + std::string(1000, 'x'))));
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_LT(text.size(), 300u);
  EXPECT_NE(text.find("declare: a  b"), std::string::npos);
}

}  // namespace
}  // namespace tidegate::rabbitmq
