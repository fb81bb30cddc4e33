#include "connectors/kafka/oauth_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/codec.h"
#include "tests/support/is_ok.h"

namespace tidegate::kafka {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kNow = 1'800'000'000'000;

std::string Jwt(const std::string& claims) {
  std::string body = Base64(claims);
  while (body.back() == '=') body.pop_back();
  return "e30." + body + ".c2ln";
}

std::string WhyNot(int status, const std::string& body) {
  const auto token = TokenOfAnswer(status, body, "c", kNow);
  return token.ok() ? "accepted" : MessageOf(token.status());
}

TEST(OauthTokenTest, TheTokensOwnClaimsCountMore) {
  const std::string jwt = Jwt(R"({"exp":1800000060,"sub":"me"})");
  const auto token = TokenOfAnswer(
      200, R"({"access_token":")" + jwt + R"(","token_type":"Bearer","expires_in":3600})", "c",
      kNow);
  ASSERT_TRUE(token.ok()) << MessageOf(token.status());
  EXPECT_EQ(token->value, jwt);
  EXPECT_EQ(token->principal, "me");
  EXPECT_EQ(token->expires_unix_ms, kNow + 60'000);
}

TEST(OauthTokenTest, AnOpaqueTokenLivesAsLongAsTheAnswerSays) {
  const auto said = TokenOfAnswer(200, R"({"access_token":"a.b-c","expires_in":"120"})", "c", kNow);
  ASSERT_TRUE(IsOk(said));
  EXPECT_EQ(said->expires_unix_ms, kNow + 120'000);
  EXPECT_EQ(said->principal, "c");
  const auto unsaid = TokenOfAnswer(200, R"({"access_token":"abc"})", "c", kNow);
  ASSERT_TRUE(IsOk(unsaid));
  EXPECT_EQ(unsaid->expires_unix_ms, kNow + 3'600'000);
}

TEST(OauthTokenTest, RefusalsSayTheCodeAndNothingElseOfTheAnswer) {
  const std::string refused =
      WhyNot(401, R"({"error":"invalid_client","error_description":"hunter2 is wrong"})");
  EXPECT_THAT(refused, HasSubstr("answered 401 invalid_client"));
  EXPECT_THAT(refused, Not(HasSubstr("hunter2")));
  EXPECT_EQ(WhyNot(403, R"({"error":"<b>hunter2</b>"})"),
            "kafka token: the token endpoint answered 403");
  EXPECT_THAT(WhyNot(200, "<html>"), HasSubstr("not a JSON object"));
  EXPECT_THAT(WhyNot(200, "[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(WhyNot(200, R"({"token_type":"Bearer"})"), HasSubstr("no access_token"));
  EXPECT_THAT(WhyNot(200, R"({"access_token":"a\u0001b"})"), HasSubstr("no bearer token has"));
  EXPECT_THAT(WhyNot(200, R"({"access_token":")" + Jwt(R"({"exp":1})") + R"("})"),
              HasSubstr("expired"));
  EXPECT_EQ(ClassOf(TokenOfAnswer(401, "", "c", kNow).status()), ErrorClass::kAuthFailed);
  EXPECT_EQ(ClassOf(TokenOfAnswer(503, "", "c", kNow).status()), ErrorClass::kConnectFailed);
}

TEST(OauthTokenTest, OddNumbersDoNotOverflow) {
  const auto huge =
      TokenOfAnswer(200, R"({"access_token":"abc","expires_in":1e300})", "c", kNow);
  ASSERT_TRUE(IsOk(huge));
  EXPECT_EQ(huge->expires_unix_ms, kNow + 3'600'000);
  const auto negative =
      TokenOfAnswer(200, R"({"access_token":"abc","expires_in":-5})", "c", kNow);
  ASSERT_TRUE(IsOk(negative));
  EXPECT_EQ(negative->expires_unix_ms, kNow + 3'600'000);
}

TEST(OauthTokenTest, AnUnsecuredTokenIsUnsignedAndSaysWho) {
  OauthSettings settings;
  settings.unsecured_claims.emplace_back("sub", "\"dev\"");
  const Token token = UnsecuredToken(settings, kNow);
  EXPECT_EQ(token.principal, "dev");
  EXPECT_EQ(token.expires_unix_ms, kNow + 3'600'000);
  EXPECT_EQ(token.value.substr(0, 20), "eyJhbGciOiJub25lIn0.");
  EXPECT_EQ(token.value.back(), '.');
}

TEST(OauthTokenTest, RefreshComesBeforeTheEnd) {
  Token token;
  token.expires_unix_ms = kNow + 100'000;
  EXPECT_EQ(RefreshAt(token, kNow), kNow + 80'000);
  token.expires_unix_ms = kNow + 4000;
  EXPECT_EQ(RefreshAt(token, kNow), kNow + 2000);
}

}  // namespace
}  // namespace tidegate::kafka
