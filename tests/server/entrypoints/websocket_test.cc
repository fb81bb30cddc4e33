// The websocket entrypoint over the real engine: handshake, both directions, every way to end.
#include "server/http/websocket_frame.h"
#include "tests/server/flow/request/gateway_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::flow {
namespace {

using std::string;

const string kUpgrade =
    "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
    "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

string Masked(http::Opcode opcode, std::string_view payload, bool fin = true) {
  string out;
  http::AppendMaskedWebSocketFrame(out, opcode, payload, 0x01020304, fin);
  return out;
}
string CloseFrame(std::uint16_t code, std::string_view reason) {
  string out;
  http::AppendWebSocketClose(out, code, reason);
  return out;
}
string MaskedClose(std::uint16_t code) {
  const char payload[2] = {static_cast<char>(code >> 8), static_cast<char>(code & 255)};
  return Masked(http::Opcode::kClose, std::string_view(payload, 2));
}

class WebsocketEntry : public ::testing::Test {
 protected:
  void Deploy(std::shared_ptr<v1::MockEndpoint> mock,
              std::shared_ptr<v1::WebsocketEntrypoint> settings = nullptr) {
    auto api = MakeApi("ws", std::move(mock));
    if (settings) api->entrypoints[1].settings = std::move(settings);
    ASSERT_TRUE(IsOk(gateway.Deploy({api})));
  }
  static std::shared_ptr<v1::WebsocketEntrypoint> PublishOnly() {
    auto settings = std::make_shared<v1::WebsocketEntrypoint>();
    settings->mutable_subscriber()->set_enabled(false);
    return settings;
  }
  TestClient& Open(const string& extra = "") {
    TestClient& client = gateway.Connect();
    client.Send("GET /ws HTTP/1.1\r\nHost: g.example" + kUpgrade + extra + "\r\n\r\n");
    client.ReadUntil("\r\n\r\n");
    return client;
  }
  std::size_t Published() {
    const auto& registry = telemetry::Registry::Global();
    (void)registry;
    return static_cast<std::size_t>(
        telemetry::Registry::Global()
            .GetCounter("tidegate_messages_published_total",
                        "Messages that an endpoint has accepted.",
                        {{"api", "ws"}, {"entrypoint", "websocket"}})
            .Value());
  }
  Gateway gateway;
};

TEST_F(WebsocketEntry, handshake_and_messages_until_the_source_ends) {
  Deploy(MockSettings(1, 2));
  TestClient& client = gateway.Connect();
  client.Send("GET /ws HTTP/1.1\r\nHost: g.example" + kUpgrade + "\r\n\r\n");
  const string end = CloseFrame(1000, "Bye");
  const string all = client.ReadUntil(end);
  EXPECT_EQ(all.substr(0, 34), "HTTP/1.1 101 Switching Protocols\r\n");
  EXPECT_NE(all.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), string::npos);
  EXPECT_EQ(BodyOf(all), "\x81\x04tick\x81\x04tick" + end);
  client.Send(MaskedClose(1000));
  client.ReadToEnd();
}

TEST_F(WebsocketEntry, frames_are_text_or_binary_as_the_setting_says) {
  struct Row {
    v1::WebsocketFrames frames;
    string content;
    string start;  // of what comes
  };
  const string cut = "\xc3";  // what the mock leaves of the two bytes of an e with an accent
  const Row rows[] = {{v1::WEBSOCKET_FRAMES_AUTO, "t", "\x81\x01t"},
                      {v1::WEBSOCKET_FRAMES_AUTO, cut, "\x82\x01" + cut},
                      {v1::WEBSOCKET_FRAMES_TEXT, "t", "\x81\x01t"},
                      {v1::WEBSOCKET_FRAMES_BINARY, "t", "\x82\x01t"},
                      {v1::WEBSOCKET_FRAMES_BINARY, cut, "\x82\x01" + cut}};
  for (const Row& row : rows) {
    auto settings = std::make_shared<v1::WebsocketEntrypoint>();
    settings->set_frames(row.frames);
    auto mock = MockSettings(1, 2, row.content == cut ? "\xc3\xa9" : row.content);
    mock->set_payload_size(1);
    Deploy(mock, settings);
    TestClient& client = Open();
    const string all = client.ReadUntil(CloseFrame(1000, "Bye"));
    EXPECT_EQ(BodyOf(all), row.start + row.start + CloseFrame(1000, "Bye"));
  }
}

TEST_F(WebsocketEntry, what_cannot_be_text_closes_with_1007_and_nothing_follows) {
  auto settings = std::make_shared<v1::WebsocketEntrypoint>();
  settings->set_frames(v1::WEBSOCKET_FRAMES_TEXT);
  auto mock = MockSettings(1, 0, "\xc3\xa9");
  mock->set_payload_size(1);
  Deploy(mock, settings);
  TestClient& client = Open();
  const string end = CloseFrame(1007, "A message is not UTF-8");
  client.ReadUntil(end);
  client.Send(Masked(http::Opcode::kPing, "are you there"));
  client.Send(MaskedClose(1007));
  client.ReadToEnd();
  EXPECT_EQ(BodyOf(client.received()), end);
}

TEST_F(WebsocketEntry, frames_are_published_one_by_one) {
  const std::size_t before = Published();
  Deploy(MockSettings(), PublishOnly());
  TestClient& client = Open();
  client.Send(Masked(http::Opcode::kText, "one") + Masked(http::Opcode::kText, "tw", false) +
              Masked(http::Opcode::kContinuation, "o") + Masked(http::Opcode::kPing, "p"));
  client.ReadUntil("\x8a\x01p");  // the pong comes after what stood before it
  EXPECT_EQ(Published(), before + 2);
  client.Send(MaskedClose(1000));
  client.ReadToEnd();
  EXPECT_NE(client.received().find(string("\x88\x02\x03\xe8", 4)), string::npos) << "same code";
}

TEST_F(WebsocketEntry, refused_handshakes) {
  Deploy(MockSettings());
  struct Row {
    string head;
    int status;
  };
  const string key = "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  const string upgrade = "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nHost: g.example\r\n"
                         "Connection: Upgrade";
  const Row rows[] = {
      {upgrade + "\r\nSec-WebSocket-Version: 8" + key, 426},
      {upgrade + "\r\nSec-WebSocket-Version: 13", 400},
      {"POST" + upgrade.substr(3) + "\r\nSec-WebSocket-Version: 13" + key, 400},
      {"GET /ws HTTP/1.0" + upgrade.substr(16) + "\r\nSec-WebSocket-Version: 13" + key, 400},
      {upgrade + "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short", 400},
      {upgrade + "\r\nSec-WebSocket-Version: 13" + key + "\r\nOrigin: https://evil.example", 403},
      {upgrade + "\r\nSec-WebSocket-Version: 13" + key + "\r\nOrigin: null", 403},
      {upgrade + "\r\nSec-WebSocket-Version: 13" + key + "\r\nOrigin: http://x.g.example", 403},
      {upgrade + "\r\nSec-WebSocket-Version: 13" + key + "\r\nOrigin: http://g.example", 101},
  };
  for (const Row& row : rows) {
    TestClient& client = gateway.Connect();
    client.Send(row.head + "\r\n\r\n");
    const string answer = client.ReadUntil("\r\n\r\n");
    EXPECT_EQ(answer.substr(9, 3), std::to_string(row.status)) << row.head << "\n" << answer;
    if (row.status == 426) {
      EXPECT_NE(answer.find("Sec-WebSocket-Version: 13\r\n"), string::npos);
    }
  }
}

TEST_F(WebsocketEntry, sub_protocol_is_the_first_of_ours_that_is_offered) {
  auto settings = PublishOnly();
  settings->add_sub_protocols("orders.v2");
  settings->add_sub_protocols("orders.v1");
  Deploy(MockSettings(), settings);
  EXPECT_NE(Open("\r\nSec-WebSocket-Protocol: x, orders.v1, orders.v2")
                .received()
                .find("Sec-WebSocket-Protocol: orders.v2\r\n"),
            string::npos);
  EXPECT_EQ(Open("\r\nSec-WebSocket-Protocol: y").received().find("Sec-WebSocket-Protocol"),
            string::npos);
}

TEST_F(WebsocketEntry, too_large_is_1009_and_unmasked_is_1002) {
  auto settings = PublishOnly();
  settings->set_max_frame_size(125);
  settings->set_max_message_size(200);
  Deploy(MockSettings(), settings);
  TestClient& large = Open();
  large.Send(Masked(http::Opcode::kText, string(126, 'a')));
  EXPECT_NE(large.ReadUntil(string("\x03\xf1", 2)).find('\x88'), string::npos);
  TestClient& sum = Open();
  sum.Send(Masked(http::Opcode::kText, string(125, 'a'), false) +
           Masked(http::Opcode::kContinuation, string(125, 'a')));
  EXPECT_NE(sum.ReadUntil(string("\x03\xf1", 2)).find('\x88'), string::npos);
  TestClient& unmasked = Open();
  unmasked.Send("\x81\x01x");
  EXPECT_NE(unmasked.ReadUntil(string("\x03\xea", 2)).find('\x88'), string::npos);
}

TEST_F(WebsocketEntry, publishing_when_off_is_1008) {
  auto settings = std::make_shared<v1::WebsocketEntrypoint>();
  settings->mutable_publisher()->set_enabled(false);
  Deploy(MockSettings(1000), settings);
  TestClient& client = Open();
  client.Send(Masked(http::Opcode::kText, "x"));
  client.ReadUntil(CloseFrame(1008, "Publishing is off"));
}

TEST_F(WebsocketEntry, refused_publish_is_1011_overload_1013) {
  auto mock = MockSettings();
  mock->set_fail_after(0);
  mock->set_fail_with(v1::ERROR_CLASS_CONNECT_FAILED);
  Deploy(mock, PublishOnly());
  TestClient& failed = Open();
  failed.Send(Masked(http::Opcode::kText, "x"));
  failed.ReadUntil(CloseFrame(1011, "Server error"));
  auto full = MockSettings();
  full->set_fail_after(0);
  full->set_fail_with(v1::ERROR_CLASS_OVERLOADED);
  Deploy(full, PublishOnly());
  TestClient& overloaded = Open();
  overloaded.Send(Masked(http::Opcode::kText, "x"));
  overloaded.ReadUntil(CloseFrame(1013, "Try Again Later"));
}

TEST_F(WebsocketEntry, drain_is_1013_and_plan_gone_1008) {
  Deploy(MockSettings(1000));
  TestClient& drained = Open();
  ASSERT_EQ(gateway.plane->Connections(5).size(), 1u);
  gateway.plane->EndStreams();
  gateway.plane->WaitForStreams(std::chrono::milliseconds(1));
  drained.ReadUntil(CloseFrame(1013, "Try Again Later"));
  drained.Close();
  TestClient& gone = Open();
  auto api = MakeApi("ws", MockSettings(1000));
  api->plans[0].stage = model::PlanStage::kClosed;
  ASSERT_TRUE(IsOk(gateway.Deploy({api})));
  gone.ReadUntil(CloseFrame(1008, "The plan is no longer available"));
}

TEST_F(WebsocketEntry, a_connection_of_age_is_1013) {
  gateway.limits.connection_age = std::chrono::milliseconds(1);
  Deploy(MockSettings(1000));
  Open().ReadUntil(CloseFrame(1013, "Try Again Later"));
}

TEST_F(WebsocketEntry, silent_client_is_pinged_and_given_up) {
  auto settings = PublishOnly();
  settings->mutable_ping_interval()->set_nanos(200'000'000);
  Deploy(MockSettings(), settings);
  TestClient& silent = Open();
  const string all = silent.ReadUntil(CloseFrame(1001, "No answer to pings"));
  const string ping("\x89\x00", 2);
  const std::size_t first = all.find(ping);
  ASSERT_NE(first, string::npos);
  EXPECT_NE(all.find(ping, first + 2), string::npos) << "two pings were missed";
}

TEST_F(WebsocketEntry, client_that_leaves_frees_its_seat) {
  Deploy(MockSettings(1));
  TestClient& client = Open();
  client.ReadUntil("\x81\x04tick");
  client.Close();
  while (!gateway.plane->Connections(5).empty()) std::this_thread::yield();
  EXPECT_EQ(gateway.plane->readers().subscribers, 0u);
}

}  // namespace
}  // namespace tidegate::flow
