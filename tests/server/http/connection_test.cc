#include "server/http/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/http/http_fixture.h"

namespace tidegate::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kGet = "GET /a/b?x=1 HTTP/1.1\r\nHost: Example.COM:80\r\n\r\n";

class ConnectionTest : public ::testing::Test {
 protected:
  RecordingHandler handler_;
  HttpFixture http_{handler_};
};

TEST_F(ConnectionTest, AnswersAndKeepsTheConnection) {
  http_.Connect();
  const std::string first = http_.Roundtrip(kGet);
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(first, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_THAT(first, HasSubstr("\r\n\r\nok:/a/b"));
  EXPECT_THAT(first, Not(HasSubstr("Connection:")));
  EXPECT_EQ(handler_.requests[0].host, "example.com");
  EXPECT_EQ(handler_.requests[0].query, "x=1");
  EXPECT_EQ(StatusOf(http_.Roundtrip(kGet)), 200);
  EXPECT_FALSE(http_.closed());
}

TEST_F(ConnectionTest, ReadsFixedAndChunkedBodies) {
  http_.Connect();
  http_.Roundtrip("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  http_.Roundtrip("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-T: 1\r\n\r\n");
  ASSERT_EQ(handler_.requests.size(), 2U);
  EXPECT_EQ(handler_.requests[0].body, "hello");
  EXPECT_EQ(handler_.requests[1].body, "abcdefg");
  EXPECT_FALSE(http_.closed());
}

TEST_F(ConnectionTest, ReadsABodyLargerThanTheBuffer) {
  http_.Connect();
  const std::string body(200'000, 'z');
  http_.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
  http_.Send(body);
  EXPECT_EQ(StatusOf(http_.Received()), 200);
  EXPECT_EQ(handler_.requests[0].body, body);
}

TEST_F(ConnectionTest, WorksThroughAPipelineInOrder) {
  http_.Connect();
  std::string pipeline;
  for (int i = 0; i < 700; ++i) {
    pipeline += "POST /" + std::to_string(i) +
                " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz";
  }
  const std::string answers = http_.Roundtrip(pipeline);
  ASSERT_EQ(handler_.requests.size(), 700U);
  for (int i = 0; i < 700; ++i) {
    EXPECT_EQ(handler_.requests[static_cast<std::size_t>(i)].path, "/" + std::to_string(i));
  }
  EXPECT_THAT(answers, HasSubstr("ok:/699"));
}

}  // namespace
}  // namespace tidegate::http
