// The small client: URLs, requests as bytes, responses out of bytes however they are split.
#include "server/http/client.h"
#include "tests/support/is_ok.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidegate::http {
namespace {

using ::testing::HasSubstr;

TEST(ClientUrlTest, PartsOfAUrl) {
  const auto plain = ParseUrl("http://idp.example.com/token?x=1");
  ASSERT_TRUE(IsOk(plain));
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host, "idp.example.com");
  EXPECT_EQ(plain->port, 80);
  EXPECT_EQ(plain->authority, "idp.example.com");
  EXPECT_EQ(plain->target, "/token?x=1");
  const auto tls = ParseUrl("HTTPS://[::1]:8443?q");
  ASSERT_TRUE(IsOk(tls));
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(tls->host, "::1");
  EXPECT_EQ(tls->port, 8443);
  EXPECT_EQ(tls->authority, "[::1]:8443");
  EXPECT_EQ(tls->target, "/?q");
}

TEST(ClientUrlTest, WhatIsNoUrlIsRefused) {
  for (const char* text : {"", "idp", "ftp://a/", "http://", "http:///x", "http://u:p@a/",
                           "http://a/#f", "http://a:0/", "http://a:65536/", "http://a:x/",
                           "http://a b/", "http://a/\r\nX: y", "http://[::1/", "http://[x]/",
                           "http://[::1]x/", "https://a/\x80"}) {
    EXPECT_FALSE(ParseUrl(text).ok()) << text;
  }
  EXPECT_FALSE(ParseUrl("http://a/" + std::string(kUrlBytesMax, 'x')).ok());
}

TEST(ClientRequestTest, BytesOfARequest) {
  ClientRequest request;
  request.method = "POST";
  request.url = *ParseUrl("https://a:444/t");
  request.headers.emplace_back("Accept", "application/json");
  request.body = "x=1";
  EXPECT_EQ(*FormatRequest(request),
            "POST /t HTTP/1.1\r\nHost: a:444\r\nConnection: close\r\nAccept: application/json\r\n"
            "Content-Length: 3\r\n\r\nx=1");
  request.headers.emplace_back("X", "a\r\nY: b");
  EXPECT_FALSE(FormatRequest(request).ok());
}

TEST(ClientRequestTest, FormValues) {
  EXPECT_EQ(FormEncode("a b&c=\xc3\xa9:%~"), "a+b%26c%3D%C3%A9%3A%25%7E");
}

struct Parsed {
  ClientResponse response;
  std::string error;
  bool done = false;
};

Parsed Feed(std::string_view bytes, std::size_t piece, bool end,
            ResponseLimits limits = ResponseLimits()) {
  ResponseReader reader(limits);
  for (std::size_t at = 0; at < bytes.size(); at += piece) reader.Feed(bytes.substr(at, piece));
  if (end) reader.End();
  Parsed parsed;
  parsed.done = reader.done();
  parsed.error = reader.failed() ? reader.error() : "";
  parsed.response = std::move(reader.response());
  return parsed;
}

TEST(ClientResponseTest, EveryBodyFormHoweverItIsSplit) {
  const struct {
    const char* bytes;
    const char* body;
    bool end;
  } rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: 1\r\n\r\nhello", "hello", false},
      {"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
       "hello", false},
      {"HTTP/1.0 200 OK\r\n\r\nhello", "hello", true},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", false},
      {"HTTP/1.1 204 No Content\r\n\r\n", "", false},
  };
  for (const auto& row : rows) {
    for (const std::size_t piece : {1, 2, 3, 7, 1000}) {
      const Parsed parsed = Feed(row.bytes, piece, row.end);
      EXPECT_EQ(parsed.error, "") << row.bytes;
      EXPECT_TRUE(parsed.done) << row.bytes;
      EXPECT_EQ(parsed.response.body, row.body);
      EXPECT_EQ(parsed.response.status / 100, 2);
    }
  }
  const Parsed parsed = Feed(rows[0].bytes, 4, false);
  ASSERT_NE(parsed.response.Find("x"), nullptr);
  EXPECT_EQ(*parsed.response.Find("x"), "1");
}

TEST(ClientResponseTest, WhatCouldBeMisreadIsRefused) {
  for (const char* bytes : {
           "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "SSH-2.0-x\r\n\r\n",
           "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 200 OK\r\nA B: c\r\n\r\n",
           "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
           "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n"}) {
    for (const std::size_t piece : {1, 1000}) {
      EXPECT_NE(Feed(bytes, piece, false).error, "") << bytes;
    }
  }
}

TEST(ClientResponseTest, CutShortIsSaid) {
  EXPECT_THAT(Feed("HTTP/1.1 200 OK\r\n", 100, true).error, HasSubstr("before an answer"));
  EXPECT_THAT(Feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", 100, true).error,
              HasSubstr("cut short"));
}

TEST(ClientResponseTest, Limits) {
  ResponseLimits limits;
  limits.head_bytes = 100;
  limits.fields = 2;
  limits.body_bytes = 4;
  EXPECT_THAT(Feed("HTTP/1.1 200 OK\r\nA: " + std::string(200, 'x'), 9, false, limits).error,
              HasSubstr("head is too large"));
  EXPECT_THAT(Feed("HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", 9, false, limits).error,
              HasSubstr("too many"));
  EXPECT_THAT(Feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 9, false, limits).error,
              HasSubstr("body is too large"));
  EXPECT_THAT(Feed("HTTP/1.1 200 OK\r\n\r\nhello", 2, false, limits).error,
              HasSubstr("body is too large"));
}

}  // namespace
}  // namespace tidegate::http
