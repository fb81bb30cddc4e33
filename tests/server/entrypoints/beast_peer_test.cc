// The websocket entrypoint against Beast's client: another implementation of RFC 6455 judges the
// handshake, framing, control frames and close codes. Loopback, port 0.
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include "server/http/http_server.h"
#include "tests/server/flow/request/gateway_fixture.h"

namespace tidegate::flow {
namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using std::string;
using Tcp = asio::ip::tcp;

// Beast's client, blocking, at most kTestWait for each step.
class Peer {
 public:
  explicit Peer(std::uint16_t port) : ws_(context_) {
    ws_.next_layer().connect({asio::ip::make_address("127.0.0.1"), port});
    const timeval limit{kTestWait.count(), 0};
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
      setsockopt(ws_.next_layer().native_handle(), SOL_SOCKET, option, &limit, sizeof limit);
    }
    ws_.control_callback([this](websocket::frame_type type, beast::string_view payload) {
      controls.emplace_back(type, string(payload.data(), payload.size()));
    });
    ws_.read_message_max(16 * 1024 * 1024);
  }

  // Empty: accepted.
  beast::error_code Handshake(const string& target = "/ws") {
    beast::error_code ec;
    ws_.handshake(response, "gateway.example", target, ec);
    return ec;
  }
  string Read() {
    beast::flat_buffer buffer;
    error = beast::error_code();
    ws_.read(buffer, error);
    return beast::buffers_to_string(buffer.data());
  }
  // Reads until the server closes; what it said.
  websocket::close_reason ReadToClose() {
    while (!error) Read();
    EXPECT_EQ(error, websocket::error::closed) << error.message();
    return ws_.reason();
  }
  // The first control frame; it comes between messages.
  string AwaitControl() {
    while (controls.empty() && !error) Read();
    return controls.empty() ? "none: " + error.message() : controls[0].second;
  }
  beast::error_code Write(const string& message) {
    beast::error_code ec;
    ws_.write(asio::buffer(message), ec);
    return ec;
  }
  websocket::stream<Tcp::socket>& ws() { return ws_; }

  websocket::response_type response;
  beast::error_code error;
  std::vector<std::pair<websocket::frame_type, string>> controls;

 private:
  asio::io_context context_;
  websocket::stream<Tcp::socket> ws_;
};

class BeastPeer : public ::testing::Test {
 protected:
  BeastPeer() {
    http::HttpServerOptions options;
    options.listener.name = "beast";
    options.listener.address = "127.0.0.1";
    auto bound = http::HttpServer::Bind(gateway_.pool, gateway_.plane->handler(), options,
                                        registry_);
    EXPECT_TRUE(bound.ok()) << MessageOf(bound.status());
    server_ = std::move(*bound);
    server_->Start();
  }
  ~BeastPeer() override {
    server_->StopAccepting();
    server_->CloseAll();
    EXPECT_TRUE(server_->WaitClosed(kTestWait));
  }
  void Deploy(std::shared_ptr<v1::MockEndpoint> mock,
              std::shared_ptr<v1::WebsocketEntrypoint> settings = nullptr) {
    auto api = MakeApi("ws", std::move(mock));
    if (settings) api->entrypoints[1].settings = std::move(settings);
    const Status status = gateway_.Deploy({api});
    ASSERT_TRUE(status.ok()) << MessageOf(status);
  }
  // No messages come: what is sent is what the test looks at.
  void DeployPublisher(std::shared_ptr<v1::WebsocketEntrypoint> settings =
                           std::make_shared<v1::WebsocketEntrypoint>()) {
    settings->mutable_subscriber()->set_enabled(false);
    Deploy(MockSettings(), std::move(settings));
  }
  static std::uint64_t PublishedBytes() {
    return telemetry::Registry::Global()
        .GetCounter("tidegate_message_bytes_total", "Bytes of messages.",
                    {{"api", "ws"}, {"direction", "publish"}})
        .Value();
  }
  std::uint16_t port() const { return server_->port(); }

  // The server outlives the workers that serve it.
  telemetry::Registry registry_;
  std::unique_ptr<http::HttpServer> server_;
  Gateway gateway_;
};

TEST_F(BeastPeer, the_handshake_is_accepted_and_a_sub_protocol_chosen) {
  auto settings = std::make_shared<v1::WebsocketEntrypoint>();
  settings->add_sub_protocols("orders.v1");
  DeployPublisher(settings);
  Peer peer(port());
  peer.ws().set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
    request.set(beast::http::field::sec_websocket_protocol, "other, orders.v1");
  }));
  ASSERT_FALSE(peer.Handshake());
  EXPECT_EQ(peer.response.result_int(), 101u);
  EXPECT_EQ(peer.response[beast::http::field::sec_websocket_protocol], "orders.v1");
}

TEST_F(BeastPeer, a_refused_handshake_is_an_answer_not_a_reset) {
  DeployPublisher();
  Peer peer(port());
  EXPECT_EQ(peer.Handshake("/nowhere"), websocket::error::upgrade_declined);
  EXPECT_EQ(peer.response.result_int(), 404u);
}

TEST_F(BeastPeer, text_messages_until_the_source_ends) {
  Deploy(MockSettings(1, 3));
  Peer peer(port());
  ASSERT_FALSE(peer.Handshake());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(peer.Read(), "tick");
    EXPECT_TRUE(peer.ws().got_text());
  }
  const websocket::close_reason reason = peer.ReadToClose();
  EXPECT_EQ(reason.code, websocket::close_code::normal);
  EXPECT_EQ(string(reason.reason.data(), reason.reason.size()), "Bye");
}

TEST_F(BeastPeer, binary_frames_and_what_does_not_fit_one_segment) {
  auto settings = std::make_shared<v1::WebsocketEntrypoint>();
  settings->set_frames(v1::WEBSOCKET_FRAMES_BINARY);
  const string content(200 * 1024, 'b');
  Deploy(MockSettings(1, 5, content), settings);
  Peer peer(port());
  ASSERT_FALSE(peer.Handshake());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(peer.Read(), content) << i;
    EXPECT_TRUE(peer.ws().got_binary());
  }
  EXPECT_EQ(peer.ReadToClose().code, websocket::close_code::normal);
}

TEST_F(BeastPeer, fragments_from_the_client_are_one_message) {
  Deploy(MockSettings(20));
  const std::uint64_t before = PublishedBytes();
  Peer peer(port());
  ASSERT_FALSE(peer.Handshake());
  peer.ws().auto_fragment(true);
  peer.ws().write_buffer_bytes(4096);
  peer.ws().binary(true);
  ASSERT_FALSE(peer.Write(string(40'000, '\xff')));
  peer.ws().binary(false);
  ASSERT_FALSE(peer.Write("caf\xc3\xa9"));
  peer.ws().ping("after");  // answered behind what stood before it
  EXPECT_EQ(peer.AwaitControl(), "after");
  EXPECT_EQ(peer.controls.at(0).first, websocket::frame_type::pong);
  EXPECT_EQ(PublishedBytes() - before, 40'005u);
}

TEST_F(BeastPeer, a_ping_between_fragments_is_answered) {
  Deploy(MockSettings(20));
  const std::uint64_t before = PublishedBytes();
  Peer peer(port());
  ASSERT_FALSE(peer.Handshake());
  ASSERT_EQ(peer.ws().write_some(false, asio::buffer(string("ab"))), 2u);
  peer.ws().ping("mid");
  ASSERT_EQ(peer.ws().write_some(true, asio::buffer(string("cd"))), 2u);
  EXPECT_EQ(peer.AwaitControl(), "mid");
  peer.ws().ping("end");
  while (peer.controls.size() < 2 && !peer.error) peer.Read();
  EXPECT_EQ(PublishedBytes() - before, 4u);
}

TEST_F(BeastPeer, pings_of_the_gateway_keep_a_quiet_client) {
  auto settings = std::make_shared<v1::WebsocketEntrypoint>();
  settings->mutable_ping_interval()->set_nanos(200'000'000);
  settings->mutable_publisher()->set_enabled(false);
  Deploy(MockSettings(1500, 1), settings);
  Peer peer(port());
  ASSERT_FALSE(peer.Handshake());
  EXPECT_EQ(peer.Read(), "tick") << peer.error.message();  // 7 intervals later
  ASSERT_GE(peer.controls.size(), 2u);
  EXPECT_EQ(peer.controls[0].first, websocket::frame_type::ping);
}

TEST_F(BeastPeer, a_close_is_answered_with_its_own_code) {
  DeployPublisher();
  for (const std::uint16_t code : {1000, 1001, 3000, 4999}) {
    Peer peer(port());
    ASSERT_FALSE(peer.Handshake());
    beast::error_code ec;
    peer.ws().close(websocket::close_reason(code), ec);
    EXPECT_FALSE(ec) << code << ": " << ec.message();  // fails unless the handshake completes
    EXPECT_EQ(peer.ws().reason().code, code);
  }
}

TEST_F(BeastPeer, what_breaks_the_rules_is_closed_with_the_code_that_says_so) {
  DeployPublisher();
  struct Row {
    const char* what;
    string message;
    bool fragment;
    std::uint16_t code;
  };
  const Row rows[] = {{"a text that is not UTF-8", "\xc3\x28", false, 1007},
                      {"a frame beyond 64 KiB", string(70'000, 'a'), false, 1009},
                      {"a message beyond 256 KiB", string(300'000, 'a'), true, 1009}};
  for (const Row& row : rows) {
    Peer peer(port());
    ASSERT_FALSE(peer.Handshake());
    peer.ws().auto_fragment(row.fragment);
    peer.Write(row.message);  // may fail when the close comes first
    EXPECT_EQ(peer.ReadToClose().code, row.code) << row.what;
  }
}

TEST_F(BeastPeer, compression_is_declined_and_messages_pass) {
  Deploy(MockSettings(1, 2, string(1000, 'z')));
  for (const bool offered : {true, false}) {
    websocket::permessage_deflate deflate;
    deflate.client_enable = offered;
    Peer peer(port());
    peer.ws().set_option(deflate);
    ASSERT_FALSE(peer.Handshake());
    EXPECT_EQ(peer.response.count(beast::http::field::sec_websocket_extensions), 0u);
    ASSERT_FALSE(peer.Write(string(1000, 'y')));
    EXPECT_EQ(peer.Read(), string(1000, 'z'));
    EXPECT_EQ(peer.Read(), string(1000, 'z'));
    EXPECT_EQ(peer.ReadToClose().code, websocket::close_code::normal);
  }
}

TEST_F(BeastPeer, a_drain_says_try_again_later) {
  Deploy(MockSettings(60'000));
  Peer peer(port());
  ASSERT_FALSE(peer.Handshake());
  while (gateway_.plane->Connections(5).empty()) std::this_thread::yield();
  gateway_.plane->EndStreams();
  EXPECT_EQ(peer.ReadToClose().code, websocket::close_code::try_again_later);
}

}  // namespace
}  // namespace tidegate::flow
