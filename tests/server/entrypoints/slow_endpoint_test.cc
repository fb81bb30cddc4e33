// What entrypoints do while an endpoint takes its time, or a client does.
#include "server/base/limits.h"
#include "server/http/websocket_frame.h"
#include "server/net/event.h"
#include "tests/server/flow/request/gateway_fixture.h"

namespace tidegate::flow {
namespace {

using std::string;
using connectors::Outcome;

// What the test tells the endpoint, and learns from it.
struct Script {
  string content = "x";
  std::atomic<int> to_give{1};
  std::atomic<int> acked{0};
  std::chrono::milliseconds publish_takes{0};
  connectors::PublishResult publish_ends;
  std::function<void()> wake;  // worker
};

class Acks final : public connectors::AckTarget {
 public:
  explicit Acks(Script& script) : script_(script) {}
  void OnAck(const connectors::AckToken&) override { ++script_.acked; }
  void OnNack(const connectors::AckToken&, connectors::NackKind) override {}

 private:
  Script& script_;
};

class ScriptedSource final : public connectors::Source {
 public:
  ScriptedSource(Script& script, net::Worker& worker) : script_(script), changed_(worker) {
    script_.wake = [this] { changed_.Set(); };
  }
  ~ScriptedSource() override {
    script_.wake = nullptr;
    acks_->Release();
  }
  Task<StatusOr<std::size_t>> Next(connectors::MessageBatch& batch, std::uint32_t max) override {
    while (!closed_ && script_.to_give == 0) co_await changed_.Wait();
    if (closed_) co_return Cancelled("closed");
    for (; script_.to_give > 0 && batch.size() < max; --script_.to_give) {
      connectors::Message& message = batch.Add();
      message.content = script_.content;
      message.ack = connectors::Ack(*acks_, connectors::AckToken());
    }
    co_return batch.size();
  }
  const connectors::Position& origin() const override { return origin_; }
  Task<void> Close() override {
    closed_ = true;
    changed_.Set();
    co_return;
  }

 private:
  Script& script_;
  net::Event changed_;
  Acks* const acks_ = new Acks(script_);
  const connectors::Position origin_;
  bool closed_ = false;
};

class ScriptedConnector final : public connectors::Connector, private connectors::Sink {
 public:
  explicit ScriptedConnector(Script& script) : script_(script) {
    offer_.publish = offer_.subscribe = offer_.auto_ack = offer_.private_only = true;
    offer_.levels = connectors::QosSet::Of(connectors::Qos::kNone, connectors::Qos::kAuto);
  }
  std::string_view kind() const override { return "mock"; }
  const connectors::Capabilities& capabilities() const override { return offer_; }
  Task<StatusOr<connectors::SourcePtr>> OpenSource(connectors::SourceSpec,
                                                   net::Worker& worker) override {
    connectors::SourcePtr source = std::make_unique<ScriptedSource>(script_, worker);
    co_return source;
  }
  StatusOr<connectors::Sink*> SinkFor(net::Worker& worker) override {
    worker_ = &worker;
    return static_cast<connectors::Sink*>(this);
  }
  void AppendId(const connectors::Position&, string&) const override {}
  StatusOr<connectors::Position> ParseId(std::string_view) const override {
    return InvalidArgument("none");
  }
  connectors::Health health() const override { return {}; }
  Task<std::vector<connectors::TestStage>> Test(net::Worker&) override {
    std::vector<connectors::TestStage> stages;
    co_return stages;
  }
  Task<void> Drain(TimePoint, net::Worker&) override { co_return; }

 private:
  Task<connectors::PublishResult> Publish(const connectors::OutMessage&, TimePoint) override {
    if (script_.publish_takes.count() > 0) {
      co_await worker_->wheel().Sleep(script_.publish_takes);
    }
    co_return script_.publish_ends;
  }
  Script& script_;
  net::Worker* worker_ = nullptr;
  connectors::Capabilities offer_;
};

class SlowEndpoint : public ::testing::Test {
 protected:
  SlowEndpoint() : gateway(DataPlaneOptions(), Kind()) {}
  connectors::ConnectorKind Kind() {
    connectors::ConnectorKind kind = mock::MockKind();
    kind.make = [this](const google::protobuf::Message&, const connectors::ConnectorContext&) {
      return StatusOr<connectors::ConnectorPtr>(std::make_shared<ScriptedConnector>(script));
    };
    return kind;
  }
  void Deploy(std::shared_ptr<v1::WebsocketEntrypoint> websocket = nullptr) {
    auto api = MakeApi("slow", MockSettings(), model::Qos::kAuto);
    if (websocket) api->entrypoints[1].settings = std::move(websocket);
    auto get = std::make_shared<v1::HttpGetEntrypoint>();
    get->mutable_messages_limit_duration()->set_nanos(50'000'000);
    api->entrypoints[2].settings = get;
    const Status status = gateway.Deploy({api});
    ASSERT_TRUE(status.ok()) << status;
  }
  void More(int count) {
    script.to_give += count;
    gateway.OnWorker([this] {
      if (script.wake) script.wake();
    });
  }
  void Pass(std::chrono::milliseconds time) {
    struct Local {
      static Task<void> Run(net::Worker& worker, std::chrono::milliseconds time,
                            std::promise<void>& done) {
        co_await worker.wheel().Sleep(time);
        done.set_value();
      }
    };
    std::promise<void> done;
    gateway.OnWorker([&] {
      gateway.pool.at(0).Spawn("test.pass", Local::Run(gateway.pool.at(0), time, done));
    });
    done.get_future().wait();
  }
  TestClient& Open() {
    TestClient& client = gateway.Connect();
    client.Send(
        "GET /slow HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    client.ReadUntil("\r\n\r\n");
    return client;
  }
  static std::shared_ptr<v1::WebsocketEntrypoint> PublishOnly() {
    auto settings = std::make_shared<v1::WebsocketEntrypoint>();
    settings->mutable_subscriber()->set_enabled(false);
    return settings;
  }
  static string Masked(http::Opcode opcode, std::string_view payload) {
    string out;
    http::AppendMaskedWebSocketFrame(out, opcode, payload, 0x01020304);
    return out;
  }
  static string Close(std::uint16_t code) {
    return {static_cast<char>(code >> 8), static_cast<char>(code & 255)};
  }

  Script script;
  Gateway gateway;
};

// The client reads nothing, so the last bytes of the page wait: what comes meanwhile is not its.
TEST_F(SlowEndpoint, a_page_that_is_over_takes_no_message) {
  constexpr std::size_t kRoom = 1 << 20;  // between gateway and client
  constexpr std::size_t kEnd = 19;        // the chunk "]}" and the last chunk
  Deploy();
  const string request = "GET /slow HTTP/1.1\r\nHost: g\r\nAccept: application/json\r\n\r\n";
  TestClient& first = gateway.Connect();
  first.Send(request);
  const std::size_t before_end = first.ReadUntil("0\r\n\r\n").size() - kEnd;
  first.Close();
  script.acked = 0;
  script.content = string(kRoom - before_end, 'x');
  script.to_give = 1;
  TestClient& client = gateway.Connect();
  client.Send(request);
  Pass(std::chrono::milliseconds(400));  // the time box has ended long since
  More(5);
  const string page = client.ReadUntil("0\r\n\r\n");
  std::size_t items = 0;
  for (std::size_t at = 0; (at = page.find("\"content\"", at)) != string::npos; ++at) ++items;
  EXPECT_EQ(static_cast<std::size_t>(script.acked.load()), items);
}

TEST_F(SlowEndpoint, a_broken_off_publish_is_told_as_unknown) {
  script.publish_ends =
      connectors::PublishResult(Outcome::kUnknown, Cancelled("the connection was given up"));
  Deploy();
  const string answer =
      gateway.Ask("POST /slow HTTP/1.1\r\nAccept: application/json", "content");
  EXPECT_EQ(answer.substr(9, 3), "502") << answer;
  EXPECT_NE(answer.find("\"outcome\":\"unknown\""), string::npos) << answer;
}

// Nothing is read meanwhile, so nobody can say that the client is silent.
TEST_F(SlowEndpoint, a_client_that_waits_for_its_publish_is_not_given_up) {
  auto settings = PublishOnly();
  settings->mutable_ping_interval()->set_nanos(100'000'000);
  script.publish_takes = std::chrono::milliseconds(900);
  Deploy(settings);
  TestClient& client = Open();
  client.Send(Masked(http::Opcode::kText, "x") + Masked(http::Opcode::kClose, Close(1000)));
  const string all = client.ReadToEnd();
  EXPECT_NE(all.find("\x88\x02" + Close(1000)), string::npos);
}

// The messages behind one that was refused are not published, and the client's close is seen.
TEST_F(SlowEndpoint, what_stands_behind_a_refused_message_is_read) {
  script.publish_ends =
      connectors::PublishResult(Outcome::kNo, MakeError(ErrorClass::kConnectFailed, "no"));
  Deploy(PublishOnly());
  // Where the close is not seen, each takes the whole wait; a machine that stands still, only one.
  bool seen = false;
  for (int i = 0; i < 5 && !seen; ++i) {
    TestClient& client = Open();
    const TimePoint begun = Clock::now();
    client.Send(Masked(http::Opcode::kText, "x") + Masked(http::Opcode::kText, "y") +
                Masked(http::Opcode::kClose, Close(1000)));
    const string all = client.ReadToEnd();
    EXPECT_NE(all.find(Close(1011) + "Server error"), string::npos);
    seen = Clock::now() - begun < kCloseHandshakeWait;
  }
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace tidegate::flow
