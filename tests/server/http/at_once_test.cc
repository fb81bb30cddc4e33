// The half of an exchange that waits for nothing: a body that came with its head, an answer that
// the socket takes whole. Whoever uses it must see what the waiting half would have shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/http/http_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Takes bodies and answers at once where that is possible, as http-post does.
class AtOnceHandler : public Handler {
 public:
  Task<void> Handle(Exchange& exchange) override {
    StatusOr<std::string_view> body = std::string_view();
    if (const auto at_hand = exchange.BodyAtHand(body_limit)) {
      ++at_hands;
      body = *at_hand;
    } else if (exchange.has_body()) {
      body = co_await exchange.ReadBody(body_limit);
    }
    if (body.ok()) bodies.push_back(std::string(*body));
    ResponseHead head(body.ok() ? status : 400);
    Status result = Unavailable("nothing was written");
    if (exchange.RespondAtOnce(head, answer, result)) {
      ++answered_at_once;
    } else {
      result = co_await exchange.SendUnsent(answer);
    }
    results.push_back(result);
  }

  int status = 200;
  std::size_t body_limit = 1000;
  std::string answer = "fine";
  int at_hands = 0;
  int answered_at_once = 0;
  std::vector<std::string> bodies;
  std::vector<Status> results;
};

std::string Post(const std::string& framing) {
  return "POST /p HTTP/1.1\r\nHost: a\r\n" + framing + "\r\n\r\n";
}

class AtOnce : public ::testing::Test {
 protected:
  AtOnceHandler handler_;
  HttpFixture http_{handler_};
};

TEST_F(AtOnce, ABodyBehindItsHeadAndTheRequestAfterIt) {
  http_.Connect();
  const std::string both =
      Post("Content-Length: 5") + "hello" + Post("Content-Length: 2") + "yo";
  http_.Roundtrip(both);
  EXPECT_EQ(handler_.bodies, (std::vector<std::string>{"hello", "yo"}));
  EXPECT_EQ(handler_.at_hands, 2);
  EXPECT_EQ(handler_.answered_at_once, 2);
}

TEST_F(AtOnce, ABodyThatIsStillOnItsWayIsAwaited) {
  http_.Connect();
  http_.Send(Post("Content-Length: 5") + "he");
  http_.Send("llo");
  http_.Received();
  http_.Roundtrip(Post("Transfer-Encoding: chunked") + "5\r\nworld\r\n0\r\n\r\n");
  http_.Roundtrip("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(handler_.bodies, (std::vector<std::string>{"hello", "world", ""}));
  EXPECT_EQ(handler_.at_hands, 0);
}

TEST_F(AtOnce, ABodyBeyondTheLimitIsNotAtHand) {
  handler_.body_limit = 4;
  http_.Connect();
  EXPECT_EQ(StatusOf(http_.Roundtrip(Post("Content-Length: 5") + "hello")), 400);
  EXPECT_EQ(handler_.at_hands, 0);
  EXPECT_TRUE(handler_.bodies.empty());
}

TEST_F(AtOnce, WhoDoesNotWaitForContinueIsNotTold) {
  http_.Connect();
  const std::string head = Post("Expect: 100-continue\r\nContent-Length: 5");
  EXPECT_THAT(http_.Roundtrip(head + "hello"), Not(HasSubstr("100 Continue")));
  EXPECT_EQ(handler_.at_hands, 1);
  http_.Send(head);
  EXPECT_THAT(http_.Received(), HasSubstr("100 Continue"));
  http_.Send("hello");
  EXPECT_EQ(StatusOf(http_.Received()), 200);
  EXPECT_EQ(handler_.at_hands, 1);
}

// Small bodies stand behind their heads in one text, large ones do not: both can be cut anywhere.
TEST(AtOnceAnswers, WhatTheSocketDoesNotTakeFollows) {
  for (const std::size_t size : {100U, 4096U, 4097U, 300'000U}) {
    for (const std::size_t room : {50U, 150U, 5000U}) {
      AtOnceHandler handler;
      handler.answer.clear();
      for (std::size_t i = 0; i < size; ++i) handler.answer += static_cast<char>('a' + i % 23);
      HttpFixture http(handler, room);
      http.Connect();
      const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
      http.Send(get);
      std::string all;
      for (std::string piece = http.Received(); !piece.empty(); piece = http.Received()) {
        all += piece;
      }
      ASSERT_EQ(handler.results.size(), 1U);
      EXPECT_TRUE(IsOk(handler.results[0]));
      const std::size_t end = all.find("\r\n\r\n");
      ASSERT_NE(end, std::string::npos);
      EXPECT_TRUE(all.substr(end + 4) == handler.answer) << size << " bytes, room " << room;
      EXPECT_EQ(handler.answered_at_once, all.size() <= room ? 1 : 0) << size << ", room " << room;
      EXPECT_FALSE(http.finished());
    }
  }
}

TEST(AtOnceAnswers, HeadAndNoContentHaveNoBodyHoweverTheyAreCut) {
  for (const bool head : {true, false}) {
    AtOnceHandler handler;
    handler.status = head ? 200 : 204;
    handler.answer = std::string(300'000, 'x');
    HttpFixture http(handler, 50);
    http.Connect();
    http.Send((head ? "HEAD" : "GET") + std::string(" / HTTP/1.1\r\nHost: a\r\n\r\n"));
    std::string all;
    for (std::string piece = http.Received(); !piece.empty(); piece = http.Received()) all += piece;
    EXPECT_EQ(all.find("\r\n\r\n") + 4, all.size());
    EXPECT_EQ(handler.answered_at_once, 0);
  }
}

TEST(AtOnceAnswers, AClientThatHasGoneIsTheResult) {
  AtOnceHandler handler;
  HttpFixture http(handler);
  http.Connect();
  http.Send(Post("Content-Length: 5") + "hel");
  http.client->Close();
  http.Pump();
  ASSERT_EQ(handler.results.size(), 1U);
  EXPECT_FALSE(handler.results[0].ok());
}

}  // namespace
}  // namespace tidegate::http
