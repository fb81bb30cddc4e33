#include "server/http/websocket_handshake.h"

#include <gtest/gtest.h>

#include "server/http/head_parser.h"

namespace tidegate::http {
namespace {

class Head {
 public:
  explicit Head(std::string lines, std::string first = "GET /chat HTTP/1.1") {
    text_ = first + "\r\n" + lines + "\r\n";
    EXPECT_EQ(ParseHead(text_, HeadLimits(), head_, scratch_), Rule::kNone);
  }
  const RequestHead& operator*() const { return head_; }

 private:
  std::string text_;
  RequestHead head_;
  HeadScratch scratch_;
};

const std::string kGood =
    "Host: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

TEST(WebSocketHandshake, AcceptsTheExampleOfTheRfc) {
  const WebSocketOffer offer = CheckWebSocketHandshake(*Head(kGood), false);
  EXPECT_EQ(offer.status, 101);
  EXPECT_EQ(offer.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocketHandshake, RefusesWhatTheRfcRefuses) {
  const std::string base =
      "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  const auto status = [](const std::string& lines, const std::string& first, bool body) {
    return CheckWebSocketHandshake(*Head(lines, first), body).status;
  };
  const std::string get = "GET / HTTP/1.1";
  EXPECT_EQ(status(kGood, "POST / HTTP/1.1", false), 400);
  EXPECT_EQ(status(kGood, "GET / HTTP/1.0", false), 400);
  EXPECT_EQ(status(kGood, get, true), 400);
  EXPECT_EQ(status(base, get, false), 400);
  EXPECT_EQ(status(base + "Sec-WebSocket-Key: x\r\n", get, false), 400);
  EXPECT_EQ(status(base + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA\r\n", get, false), 400);
  EXPECT_EQ(status(kGood + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", get, false), 400);
  EXPECT_EQ(status(kGood + "Sec-WebSocket-Version: 8\r\n", get, false), 426);
  EXPECT_EQ(status("Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 12\r\n", get, false), 426);
  EXPECT_EQ(status("Host: a\r\nUpgrade: websocket\r\n", get, false), 400);
  EXPECT_EQ(status("Host: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n", get, false), 400);
  EXPECT_EQ(status(kGood + "Sec-WebSocket-Protocol: a b\r\n", get, false), 400);
}

TEST(WebSocketHandshake, ChoosesTheServersFirstProtocol) {
  const WebSocketOffer offer = CheckWebSocketHandshake(
      *Head(kGood + "Sec-WebSocket-Protocol: mqtt, v2.events\r\nSec-WebSocket-Protocol: v1\r\n"),
      false);
  EXPECT_EQ(offer.sub_protocols.size(), 3U);
  EXPECT_EQ(ChooseSubProtocol(offer, {"v1", "mqtt"}), "v1");
  EXPECT_EQ(ChooseSubProtocol(offer, {"V1"}), "");
  EXPECT_EQ(ChooseSubProtocol(offer, {}), "");
}

TEST(WebSocketHandshake, ChecksTheOrigin) {
  const auto allowed = [](const std::string& host, const std::string& origin, bool tls,
                          const std::vector<std::string>& list = {}) {
    const std::string line = origin.empty() ? "" : "Origin: " + origin + "\r\n";
    return OriginAllowed(*Head("Host: " + host + "\r\n" + line), tls, list);
  };
  EXPECT_TRUE(allowed("api.test", "", false));
  EXPECT_TRUE(allowed("api.test", "http://api.test", false));
  EXPECT_TRUE(allowed("API.test:80", "http://api.TEST", false));
  EXPECT_TRUE(allowed("api.test", "https://api.test:443", true));
  EXPECT_FALSE(allowed("api.test", "https://api.test", false));
  EXPECT_FALSE(allowed("api.test", "http://evil.test", false));
  EXPECT_FALSE(allowed("api.test", "http://x.api.test", false));
  EXPECT_FALSE(allowed("api.test", "http://api.test.evil", false));
  EXPECT_FALSE(allowed("api.test", "http://api.test:8080", false));
  EXPECT_FALSE(allowed("api.test", "null", false));
  EXPECT_TRUE(allowed("api.test", "https://app.test", true, {"https://app.test"}));
  EXPECT_FALSE(allowed("api.test", "https://api.test", true, {"https://app.test"}));
  EXPECT_TRUE(allowed("api.test", "null", true, {"*"}));
}

}  // namespace
}  // namespace tidegate::http
