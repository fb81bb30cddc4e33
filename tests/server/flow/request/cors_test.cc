#include "server/flow/cors.h"

#include <gtest/gtest.h>

#include "tests/server/flow/request/gateway_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::flow {
namespace {

using std::string;

std::shared_ptr<model::Api> CorsApi() {
  auto api = MakeApi("shop", MockSettings());
  model::Cors cors;
  cors.allow_origins = {"https://shop.example.com"};
  cors.allow_methods = {"GET", "POST"};
  cors.allow_headers = {"X-Gravitee-Api-Key"};
  cors.expose_headers = {"X-Gravitee-Request-Id"};
  cors.max_age = std::chrono::seconds(600);
  api->cors = cors;
  return api;
}

string Preflight(Gateway& gateway, const string& origin, const string& method,
                 const string& headers = "") {
  string head = "OPTIONS /shop HTTP/1.1\r\nOrigin: " + origin +
                "\r\nAccess-Control-Request-Method: " + method;
  if (!headers.empty()) head += "\r\nAccess-Control-Request-Headers: " + headers;
  return gateway.Ask(head);
}

TEST(Cors, preflight_is_answered_before_security) {
  Gateway gateway;
  auto api = CorsApi();
  api->plans = {KeyPlan()};
  ASSERT_TRUE(IsOk(gateway.Deploy({api})));
  const string answer =
      Preflight(gateway, "https://shop.example.com", "POST", "x-gravitee-api-key");
  EXPECT_NE(answer.find("HTTP/1.1 200 OK\r\n"), string::npos);
  EXPECT_NE(answer.find("Access-Control-Allow-Origin: https://shop.example.com\r\n"), string::npos);
  EXPECT_NE(answer.find("Vary: Origin\r\n"), string::npos);
  EXPECT_NE(answer.find("Access-Control-Allow-Methods: GET, POST\r\n"), string::npos);
  EXPECT_NE(answer.find("Access-Control-Allow-Headers: x-gravitee-api-key\r\n"), string::npos);
  EXPECT_NE(answer.find("Access-Control-Max-Age: 600\r\n"), string::npos);
  EXPECT_EQ(BodyOf(answer), "");
}

TEST(Cors, refused_preflight_is_400_and_empty) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({CorsApi()})));
  const string refused[] = {
      Preflight(gateway, "https://evil.example.com", "POST"),
      Preflight(gateway, "https://shop.example.com.evil.example", "POST"),
      Preflight(gateway, "http://shop.example.com", "POST"),
      Preflight(gateway, "null", "POST"),
      Preflight(gateway, "https://shop.example.com", "DELETE"),
      Preflight(gateway, "https://shop.example.com", "POST", "x-gravitee-api-key, x-other"),
  };
  for (const string& answer : refused) {
    EXPECT_NE(answer.find(" 400 "), string::npos) << answer;
    EXPECT_EQ(answer.find("Access-Control"), string::npos) << answer;
    EXPECT_EQ(BodyOf(answer), "");
  }
}

TEST(Cors, answers_carry_the_headers_for_allowed_origins_even_errors) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({CorsApi()})));
  const string allowed =
      gateway.Ask("POST /shop HTTP/1.1\r\nOrigin: https://shop.example.com", "x");
  EXPECT_NE(allowed.find("Access-Control-Allow-Origin: https://shop.example.com\r\n"),
            string::npos);
  EXPECT_NE(allowed.find("Access-Control-Expose-Headers: X-Gravitee-Request-Id\r\n"),
            string::npos);
  const string error =
      gateway.Ask("DELETE /shop HTTP/1.1\r\nOrigin: https://shop.example.com");
  EXPECT_NE(error.find(" 404 "), string::npos);
  EXPECT_NE(error.find("Access-Control-Allow-Origin: "), string::npos);
  const string other = gateway.Ask("POST /shop HTTP/1.1\r\nOrigin: https://evil.example", "x");
  EXPECT_EQ(other.find("Access-Control"), string::npos);
}

TEST(Cors, star_is_star_unless_credentials_are_allowed) {
  model::Cors cors;
  cors.allow_origins = {"*"};
  http::ResponseHead any;
  AddCorsHeaders(cors, "https://a.example", any);
  EXPECT_EQ(any.fields(), "Access-Control-Allow-Origin: *\r\n");
  cors.allow_credentials = true;
  http::ResponseHead credentials;
  AddCorsHeaders(cors, "https://a.example", credentials);
  EXPECT_EQ(credentials.Find("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(credentials.Find("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(credentials.Find("Vary"), "Origin");
}

TEST(Cors, without_a_block_options_is_an_ordinary_request) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("shop", MockSettings())})));
  EXPECT_NE(Preflight(gateway, "https://a.example", "GET").find(" 404 "), string::npos);
}

}  // namespace
}  // namespace tidegate::flow
