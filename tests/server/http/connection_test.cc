#include "server/http/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/server/http/http_fixture.h"
#include "tests/support/is_ok.h"
#include "tests/support/patience.h"

namespace tidegate::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kGet = "GET /a/b?x=1 HTTP/1.1\r\nHost: Example.COM:80\r\n\r\n";

std::string Post(std::size_t length, const std::string& lines = "") {
  return "POST /p HTTP/1.1\r\nHost: a\r\n" + lines + "Content-Length: " + std::to_string(length) +
         "\r\n\r\n";
}

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

TEST_F(ConnectionTest, RequestIdsAreNewForEveryRequest) {
  http_.Connect();
  const auto id = [this] {
    const std::string answer = http_.Roundtrip(kGet);
    return answer.substr(answer.find("X-Request-Id: ") + 14, 32);
  };
  const std::string first = id();
  EXPECT_EQ(first.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(first, id());
}

TEST_F(ConnectionTest, ReadsFixedAndChunkedBodies) {
  http_.Connect();
  http_.Roundtrip(Post(5) + "hello");
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
  http_.Send(Post(body.size()));
  http_.Send(body);
  EXPECT_EQ(StatusOf(http_.Received()), 200);
  EXPECT_EQ(handler_.requests[0].body, body);
}

TEST_F(ConnectionTest, ReadsABodyThatComesByteByByte) {
  http_.Connect();
  http_.Send(Post(300));
  for (int i = 0; i < 300; ++i) http_.Send("x");
  EXPECT_EQ(StatusOf(http_.Received()), 200);
  EXPECT_EQ(handler_.requests[0].body, std::string(300, 'x'));
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
    EXPECT_EQ(handler_.requests[static_cast<std::size_t>(i)].body, "xyz");
  }
  EXPECT_THAT(answers, HasSubstr("ok:/699"));
}

TEST_F(ConnectionTest, KeepAliveFollowsVersionAndConnection) {
  http_.Connect();
  EXPECT_THAT(http_.Roundtrip("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
              HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_FALSE(http_.finished());
  EXPECT_THAT(http_.Roundtrip("GET / HTTP/1.0\r\n\r\n"), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(http_.finished());
  http_.client->Close();
  http_.Connect();
  EXPECT_THAT(http_.Roundtrip("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
              HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(http_.finished());
}

TEST_F(ConnectionTest, HeadGetsTheHeadAlone) {
  http_.Connect();
  const std::string answer = http_.Roundtrip("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("ok:")));
}

TEST_F(ConnectionTest, SendsContinueOnlyWhenTheBodyIsAskedFor) {
  http_.Connect();
  EXPECT_EQ(http_.Roundtrip(Post(3, "Expect: 100-continue\r\n")),
            "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(StatusOf(http_.Roundtrip("abc")), 200);
  handler_.read_body = false;
  const std::string refused = http_.Roundtrip(Post(3, "Expect: 100-continue\r\n"));
  EXPECT_THAT(refused, Not(HasSubstr("100 Continue")));
  EXPECT_THAT(refused, HasSubstr("Connection: close\r\n"));
}

TEST_F(ConnectionTest, NoContinueWhenTheBodyIsThereAlready) {
  http_.Connect();
  EXPECT_THAT(http_.Roundtrip(Post(3, "Expect: 100-continue\r\n") + "abc"),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(ConnectionTest, ASmallUnreadBodyIsDropped) {
  handler_.read_body = false;
  http_.Connect();
  EXPECT_THAT(http_.Roundtrip(Post(40'000)), Not(HasSubstr("Connection: close")));
  http_.Send(std::string(40'000, 'x'));
  EXPECT_EQ(StatusOf(http_.Roundtrip(kGet)), 200);
  EXPECT_EQ(handler_.requests.size(), 2U);
}

TEST_F(ConnectionTest, ALargeUnreadBodyClosesTheConnection) {
  handler_.read_body = false;
  http_.Connect();
  EXPECT_THAT(http_.Roundtrip(Post(10'000'000)), HasSubstr("Connection: close\r\n"));
  http_.Send(std::string(1000, 'x') + std::string(kGet));
  EXPECT_EQ(handler_.requests.size(), 1U);
}

TEST_F(ConnectionTest, BodiesBeyondTheLimitAreRefused) {
  handler_.body_limit = 10;
  http_.Connect();
  EXPECT_EQ(StatusOf(http_.Roundtrip(Post(10) + "0123456789")), 200);
  EXPECT_EQ(StatusOf(http_.Roundtrip(Post(11) + "0123456789a")), 413);
  EXPECT_EQ(StatusOf(http_.Roundtrip(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                "b\r\n0123456789a\r\n0\r\n\r\n")), 413);
  EXPECT_EQ(handler_.failures.size(), 2U);
}

TEST_F(ConnectionTest, AHeadThatDoesNotEndTimesOut) {
  http_.limits.head_timeout = std::chrono::milliseconds(0);
  http_.Connect();
  http_.Send("GET / HTTP/1.1\r\nHo");
  http_.Advance(1s);
  const std::string answer = http_.Received();
  EXPECT_EQ(StatusOf(answer), 408);
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(http_.finished());
}

TEST_F(ConnectionTest, ABodyThatDoesNotEndTimesOut) {
  http_.limits.body_idle_timeout = std::chrono::milliseconds(0);
  http_.Connect();
  http_.Send(Post(5) + "he");
  http_.Advance(1s);
  EXPECT_EQ(StatusOf(http_.Received()), 408);
  EXPECT_EQ(handler_.failures, std::vector<std::string>{"BODY_TIMEOUT"});
  EXPECT_TRUE(http_.finished());
}

TEST_F(ConnectionTest, AnIdleConnectionGivesItsBufferBackAndThenCloses) {
  http_.limits.buffer_linger = std::chrono::milliseconds(0);
  http_.limits.keep_alive_idle = std::chrono::milliseconds(0);
  const std::size_t before = WorkAreasLent();
  http_.Connect();
  EXPECT_EQ(WorkAreasLent(), before);  // nothing was sent yet
  http_.Roundtrip(kGet);
  EXPECT_EQ(WorkAreasLent(), before + 1);
  http_.Advance(200ms);
  EXPECT_EQ(WorkAreasLent(), before);
  EXPECT_FALSE(http_.closed());
  http_.Advance(1s);
  EXPECT_TRUE(http_.closed());
}

TEST_F(ConnectionTest, ServesAgainAfterTheBufferWasGivenBack) {
  http_.limits.buffer_linger = std::chrono::milliseconds(0);
  http_.Connect();
  http_.Roundtrip(kGet);
  http_.Advance(200ms);
  EXPECT_EQ(StatusOf(http_.Roundtrip(kGet)), 200);
}

TEST_F(ConnectionTest, TheLastRequestOfAConnectionIsSaid) {
  http_.limits.requests_max = 2;
  http_.Connect();
  EXPECT_THAT(http_.Roundtrip(kGet), Not(HasSubstr("Connection: close")));
  EXPECT_THAT(http_.Roundtrip(kGet), HasSubstr("Connection: close"));
  EXPECT_TRUE(http_.finished());
}

TEST_F(ConnectionTest, AConnectionOfAgeIsClosedWithItsNextAnswer) {
  http_.limits.connection_age = std::chrono::milliseconds(1);
  http_.Connect();
  const TimePoint give_up = Clock::now() + kPatience;
  std::string answer;
  while (answer.find("Connection: close\r\n") == std::string::npos && Clock::now() < give_up) {
    answer = http_.Roundtrip(kGet);
    ASSERT_EQ(StatusOf(answer), 200);
  }
  EXPECT_TRUE(http_.finished()) << "no answer said that it is the last";
  http_.client->Close();
  http_.Pump();
  const auto& closed = http_.registry.GetCounter("tidegate_http_connections_closed_total", "",
                                                 {{"listener", "test"}, {"reason", "age"}});
  EXPECT_EQ(closed.Value(), 1U);
}

TEST_F(ConnectionTest, AnIdleConnectionOfAgeCloses) {
  http_.limits.connection_age = std::chrono::milliseconds(1);
  http_.limits.buffer_linger = std::chrono::milliseconds(0);
  http_.Connect();
  http_.Advance(200ms);
  http_.Advance(1s);
  EXPECT_TRUE(http_.closed());
}

TEST_F(ConnectionTest, WithoutAnAgeConnectionsAreKept) {
  http_.Connect();
  EXPECT_EQ(http_.host.first->expires(), TimePoint::max());
  EXPECT_THAT(http_.Roundtrip(kGet), Not(HasSubstr("Connection: close")));
}

TEST_F(ConnectionTest, ADrainThatWasTakenBackKeepsConnections) {
  http_.host.Drain();
  http_.host.Resume();
  http_.Connect();
  EXPECT_THAT(http_.Roundtrip(kGet), Not(HasSubstr("Connection: close")));
}

TEST_F(ConnectionTest, CountsTheBytesOfARequestAndItsAnswer) {
  http_.Connect();
  const std::string request = Post(5) + "hello";
  const std::string answer = http_.Roundtrip(request);
  EXPECT_EQ(http_.host.first->bytes_received(), request.size());
  EXPECT_EQ(http_.host.first->bytes_sent(), answer.size());
}

TEST_F(ConnectionTest, DrainClosesIdleAndMarksBusyConnections) {
  http_.Connect();
  http_.Roundtrip(kGet);
  http_.Send("POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
  http_.host.Drain();
  http_.Pump();
  EXPECT_FALSE(http_.closed());
  EXPECT_THAT(http_.Roundtrip("abc"), HasSubstr("Connection: close"));
  http_.client->Close();
  http_.Pump();
  EXPECT_TRUE(http_.closed());
}

TEST_F(ConnectionTest, DrainClosesAnIdleConnectionAtOnce) {
  http_.Connect();
  http_.Roundtrip(kGet);
  http_.host.Drain();
  http_.Pump();
  EXPECT_TRUE(http_.closed());
}

TEST_F(ConnectionTest, TheClientIsWhoATrustedProxyNames) {
  http_.proxies = *TrustedProxies::Parse({"10.0.0.0/8", "2001:db8::/32"});
  const auto peer = [this](const std::string& direct, const std::string& forwarded) {
    http_.Connect(direct);
    http_.Roundtrip("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + forwarded + "\r\n\r\n");
    http_.client->Close();
    http_.Pump();
    return handler_.requests.back().peer;
  };
  EXPECT_EQ(peer("192.0.2.1", "198.51.100.7"), "192.0.2.1");  // not trusted: not believed
  EXPECT_EQ(peer("10.1.2.3", "198.51.100.7"), "198.51.100.7");
  EXPECT_EQ(peer("10.1.2.3", "203.0.113.9, 198.51.100.7, 10.9.9.9"), "198.51.100.7");
  EXPECT_EQ(peer("10.1.2.3", "198.51.100.7, unknown"), "10.1.2.3");
  EXPECT_EQ(peer("10.1.2.3", "10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(peer("2001:db8::1", "[2001:db9::2]:443"), "2001:db9::2");
  EXPECT_EQ(peer("10.1.2.3", "198.51.100.7, ::ffff:10.9.9.9"), "198.51.100.7");
  EXPECT_EQ(peer("10.1.2.3", "[::ffff:198.51.100.7]:443"), "198.51.100.7");
  EXPECT_FALSE(TrustedProxies::Parse({"10.0.0.0/33"}).ok());
  EXPECT_FALSE(TrustedProxies::Parse({"proxy.test"}).ok());
}

TEST_F(ConnectionTest, RefusalsSpeakJsonWhenTheClientDoes) {
  http_.Connect();
  const std::string answer = http_.Roundtrip(
      "GET / HTTP/1.1\r\nAccept: text/html, */*;q=0.1\r\nHost: a\r\nHost: b\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(answer, HasSubstr("\"http_status_code\":400,\"key\":\"HTTP_HOST_REPEATED\","
                                "\"outcome\":\"no\",\"requestId\":\""));
  http_.Connect();
  EXPECT_THAT(http_.Roundtrip("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
              HasSubstr("\r\n\r\nthere is more than one Host header"));
}

// Answers, streams or fails as its script says.
class ScriptHandler : public Handler {
 public:
  enum class What { kThrow, kNothing, kStream, kDetachedStream, kUpgrade, kSplit, kLarge, kSlow };
  explicit ScriptHandler(What script) : what(script) {}

  Task<void> Handle(Exchange& exchange) override {
    ResponseHead head(200);
    switch (what) {
      case What::kThrow:
        throw std::runtime_error("boom");
      case What::kNothing:
        co_return;
      case What::kDetachedStream:
        path = exchange.head().path;
        exchange.DetachHead();
        EXPECT_TRUE(exchange.head().path.empty());
        [[fallthrough]];
      case What::kStream: {
        std::string preface;
        AppendChunk(preface, "first");
        framing = exchange.framing();
        status = co_await exchange.StartStream(head, preface);
        lent_while_streaming = WorkAreasLent();
        std::string rest;
        AppendChunk(rest, "second");
        rest += kLastChunk;
        const asio::const_buffer buffer(rest.data(), rest.size());
        const std::span<const asio::const_buffer> one(&buffer, 1);
        co_await exchange.stream().WriteAll(one);
        exchange.EndStream(true);
        co_return;
      }
      case What::kUpgrade:
        head.status = 101;
        head.Add("Upgrade", "websocket");
        head.Add("Connection", "Upgrade");
        status = co_await exchange.Upgrade(head);
        leftover = exchange.leftover();
        co_return;
      case What::kSplit:
        head.Add("X-Bad", "a\r\nSet-Cookie: x");
        head.Add("Content-Length", "999");
        status = co_await exchange.Respond(head, "ok");
        co_return;
      case What::kLarge:
      case What::kSlow:
        status = co_await exchange.Respond(head, std::string(300'000, 'y'));
        co_return;
    }
  }

  What what;
  Status status;
  BodyFraming framing = BodyFraming::kRaw;
  std::string leftover;
  std::string path;
  std::size_t lent_while_streaming = 0;
};

using What = ScriptHandler::What;

TEST(ConnectionAnswers, AThrowingOrSilentHandlerIsA500) {
  for (const What what : {What::kThrow, What::kNothing}) {
    ScriptHandler handler(what);
    HttpFixture http(handler);
    http.Connect();
    const std::string answer = http.Roundtrip(kGet);
    EXPECT_EQ(StatusOf(answer), 500);
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(answer, Not(HasSubstr("boom")));
    EXPECT_TRUE(http.finished());
    EXPECT_EQ(http.counters.handler_failures.Value(), 1U);
  }
}

TEST(ConnectionAnswers, AStreamIsChunkedAndTheConnectionReused) {
  ScriptHandler handler(What::kStream);
  HttpFixture http(handler);
  http.Connect();
  for (int i = 0; i < 2; ++i) {
    const std::string answer = http.Roundtrip(kGet);
    EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"));
    EXPECT_FALSE(http.finished());
  }
  EXPECT_EQ(handler.framing, BodyFraming::kChunked);
}

TEST(ConnectionAnswers, AStreamToAnOldClientEndsWithTheConnection) {
  ScriptHandler handler(What::kStream);
  HttpFixture http(handler);
  http.Connect();
  const std::string answer = http.Roundtrip("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(answer, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(handler.framing, BodyFraming::kUntilClose);
  EXPECT_TRUE(http.finished());
}

TEST(ConnectionAnswers, ADetachedStreamOwnsNoBufferAndKeepsThePipeline) {
  ScriptHandler handler(What::kDetachedStream);
  HttpFixture http(handler);
  const std::size_t before = WorkAreasLent();
  http.Connect();
  const std::string answers = http.Roundtrip(std::string(kGet) + std::string(kGet));
  EXPECT_EQ(handler.lent_while_streaming, before);
  EXPECT_EQ(answers.find("second"), answers.find("second"));
  EXPECT_NE(answers.find("second"), answers.rfind("second"));  // both were answered
  EXPECT_EQ(handler.path, "/a/b");
}

TEST(ConnectionAnswers, AnUpgradeHandsOverWhatCameEarly) {
  ScriptHandler handler(What::kUpgrade);
  HttpFixture http(handler);
  http.Connect();
  const std::string answer = http.Roundtrip(std::string(kGet) + "early bytes");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: Upgrade\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(handler.leftover, "early bytes");
  EXPECT_TRUE(http.finished());
}

TEST(ConnectionAnswers, AHandlerCannotSplitAResponse) {
  ScriptHandler handler(What::kSplit);
  HttpFixture http(handler);
  http.Connect();
  const std::string answer = http.Roundtrip(kGet);
  EXPECT_THAT(answer, Not(HasSubstr("Set-Cookie")));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 2\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("999")));
}

TEST(ConnectionAnswers, ALargeAnswerWaitsForTheClient) {
  ScriptHandler handler(What::kLarge);
  HttpFixture http(handler, 10'000);
  http.Connect();
  http.Send(kGet);
  std::string all;
  for (std::string piece = http.Received(); !piece.empty(); piece = http.Received()) all += piece;
  EXPECT_TRUE(IsOk(handler.status));
  EXPECT_THAT(all, HasSubstr("Content-Length: 300000\r\n"));
  EXPECT_EQ(all.size() - all.find("\r\n\r\n") - 4, 300'000U);
  EXPECT_FALSE(http.finished());
}

TEST(ConnectionAnswers, AClientThatTakesNothingIsClosed) {
  ScriptHandler handler(What::kSlow);
  HttpFixture http(handler, 10'000);
  http.limits.write_stall_timeout = std::chrono::milliseconds(0);
  http.Connect();
  http.Send(kGet);
  EXPECT_FALSE(http.closed());
  http.Advance(1s);
  EXPECT_FALSE(handler.status.ok());
  EXPECT_TRUE(http.closed());
}

TEST(ConnectionAnswers, AClientThatLeavesInItsBodyIsNoBug) {
  RecordingHandler handler;
  HttpFixture http(handler);
  http.Connect();
  http.Send(Post(100) + "half");
  http.client->Close();
  http.Pump();
  EXPECT_TRUE(http.closed());
  EXPECT_EQ(handler.failures, std::vector<std::string>{"CLIENT_GONE"});
  EXPECT_EQ(http.counters.handler_failures.Value(), 0U);
}

}  // namespace
}  // namespace tidegate::http
