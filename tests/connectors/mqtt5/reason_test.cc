#include "connectors/mqtt5/reason.h"

#include <gtest/gtest.h>

namespace tidegate::mqtt5 {
namespace {

TEST(Reason, classes_of_the_codes_that_matter) {
  const std::pair<std::uint8_t, ErrorClass> rows[] = {
      {0x00, ErrorClass::kNone},           {0x10, ErrorClass::kNone},
      {0x84, ErrorClass::kConfigInvalid},  {0x86, ErrorClass::kAuthFailed},
      {0x87, ErrorClass::kNotAuthorized},  {0x88, ErrorClass::kConnectFailed},
      {0x8B, ErrorClass::kConnectionClosed}, {0x8E, ErrorClass::kConnectionClosed},
      {0x8F, ErrorClass::kConfigInvalid},  {0x95, ErrorClass::kMessageRejected},
      {0x97, ErrorClass::kOverloaded},     {0x9A, ErrorClass::kConfigInvalid},
      {0x9E, ErrorClass::kConfigInvalid},  {0xFF, ErrorClass::kFatal}};
  for (const auto& [reason, error_class] : rows) {
    EXPECT_EQ(ClassOfReason(reason), error_class) << static_cast<int>(reason);
  }
}

TEST(Reason, texts_name_the_code_and_clean_the_brokers_words) {
  const Status status = ReasonError("publish", 0x97, "too\x01 much\n");
  EXPECT_EQ(MessageOf(status), "publish: quota exceeded (0x97), the broker says: too much");
  EXPECT_EQ(ClassOf(status), ErrorClass::kOverloaded);
  EXPECT_EQ(ClassOf(ReasonError("x", 0, "")), ErrorClass::kConnectionClosed);
  const Status longer = ReasonError("x", 0x80, std::string(5000, 'a'));
  EXPECT_LT(MessageOf(longer).size(), 300U);
}

TEST(Reason, server_references) {
  EXPECT_EQ(FirstReference("other").host, "other");
  EXPECT_EQ(FirstReference("other").port, 0);
  EXPECT_EQ(FirstReference("a:1884 b:2").host, "a");
  EXPECT_EQ(FirstReference("a:1884 b:2").port, 1884);
  EXPECT_EQ(FirstReference("[::1]:1885").host, "[::1]");
  EXPECT_EQ(FirstReference("[::1]:1885").port, 1885);
  EXPECT_EQ(FirstReference("::1").host, "::1");
  EXPECT_EQ(FirstReference("").host, "");
  EXPECT_EQ(FirstReference("a:0").host, "");
  EXPECT_EQ(FirstReference("a:99999").host, "");
  EXPECT_EQ(FirstReference("a\x01:1").host, "");
}

}  // namespace
}  // namespace tidegate::mqtt5
