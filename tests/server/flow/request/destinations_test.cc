// Destinations that flows hand in reach the connector only when pattern and grammar agree.
#include "server/flow/destinations.h"

#include <gmock/gmock.h>

#include "server/flow/call.h"
#include "tests/server/flow/request/gateway_fixture.h"

namespace tidegate::flow {
namespace {

using connectors::Direction;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Topics = std::vector<std::string>;

// A broker whose destinations are lower case letters; it records what it was given.
class Recorder final : public connectors::Connector, private connectors::Sink {
 public:
  Recorder() {
    offer_.publish = offer_.subscribe = true;
    offer_.levels = connectors::QosSet::Of(connectors::Qos::kNone, connectors::Qos::kAuto,
                                           connectors::Qos::kAtMostOnce,
                                           connectors::Qos::kAtLeastOnce);
    offer_.auto_ack = offer_.manual_ack = true;
  }
  std::string_view kind() const override { return "mock"; }
  const connectors::Capabilities& capabilities() const override { return offer_; }
  Task<StatusOr<connectors::SourcePtr>> OpenSource(connectors::SourceSpec spec,
                                                   net::Worker&) override {
    opened.push_back(spec.topics);
    co_return MakeError(ErrorClass::kConnectFailed, "nobody is there");
  }
  StatusOr<connectors::Sink*> SinkFor(net::Worker&) override {
    return static_cast<connectors::Sink*>(this);
  }
  void AppendId(const connectors::Position&, std::string&) const override {}
  StatusOr<connectors::Position> ParseId(std::string_view) const override {
    return InvalidArgument("none");
  }
  Status CheckDestination(std::string_view name, Direction direction) const override {
    const bool wild = direction == Direction::kSubscribe && name == "all-*";
    const bool plain = !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz") ==
                                            std::string_view::npos;
    if (plain || wild) return OkStatus();
    return WithReason(InvalidArgument("lower case letters"), "INVALID_DESTINATION");
  }
  connectors::Health health() const override { return {}; }
  Task<std::vector<connectors::TestStage>> Test(net::Worker&) override {
    std::vector<connectors::TestStage> stages;
    co_return stages;
  }
  Task<void> Drain(TimePoint, net::Worker&) override { co_return; }

  std::vector<Topics> published;
  std::vector<Topics> opened;

 private:
  Task<connectors::PublishResult> Publish(const connectors::OutMessage& message,
                                          TimePoint) override {
    published.emplace_back(message.topics.begin(), message.topics.end());
    co_return connectors::PublishResult();
  }
  connectors::Capabilities offer_;
};

// An entrypoint behind a flow whose one step copies a header into the attribute.
class Steered final : public Entrypoint {
 public:
  explicit Steered(std::shared_ptr<const Entrypoint> inner) : inner_(std::move(inner)) {}
  std::string_view kind() const override { return inner_->kind(); }
  Needs needs() const override { return inner_->needs(); }
  bool Matches(const http::RequestHead& head) const override { return inner_->Matches(head); }
  Task<void> Serve(Call& call) const override {
    if (const auto topics = call.exchange().head().Find("X-Topics")) {
      call.mutable_context().attributes.Set(exchange::kTopicsAttribute, *topics);
    }
    co_await inner_->Serve(call);
  }

 private:
  const std::shared_ptr<const Entrypoint> inner_;
};

struct DestinationsTest : ::testing::Test {
  DestinationsTest() : gateway(Options(), Kind()) {}
  connectors::ConnectorKind Kind() {
    connectors::ConnectorKind kind = mock::MockKind();
    kind.make = [this](const google::protobuf::Message&, const connectors::ConnectorContext&) {
      return StatusOr<connectors::ConnectorPtr>(recorder);
    };
    return kind;
  }
  static DataPlaneOptions Options() {
    DataPlaneOptions options;
    for (const EntrypointKind& kind : Gateway::Entrypoints()) {
      EntrypointKind steered = kind;
      steered.make = [make = kind.make](const google::protobuf::Message& settings,
                                        const EntrypointContext& context)
          -> StatusOr<std::shared_ptr<const Entrypoint>> {
        TG_ASSIGN_OR_RETURN(auto inner, make(settings, context));
        return std::shared_ptr<const Entrypoint>(std::make_shared<const Steered>(inner));
      };
      options.entrypoints.push_back(std::move(steered));
    }
    return options;
  }
  void Deploy(const std::string& pattern) {
    auto api = MakeApi("events", MockSettings());
    api->groups[0].endpoints[0].destination_pattern = pattern;
    const Status status = gateway.Deploy({api});
    ASSERT_TRUE(status.ok()) << status;
  }
  std::string Post(const std::string& topics) {
    return gateway.Ask(
        "POST /events HTTP/1.1\r\nAccept: application/json\r\nX-Topics: " + topics, "x");
  }

  std::shared_ptr<Recorder> recorder = std::make_shared<Recorder>();
  Gateway gateway;
};

TEST_F(DestinationsTest, what_pattern_and_grammar_allow_reaches_the_broker) {
  Deploy("orders|all-.*|e[a-z]+");
  EXPECT_THAT(Post("orders, eu"), HasSubstr(" 202 "));
  EXPECT_THAT(gateway.Ask("POST /events HTTP/1.1", "x"), HasSubstr(" 202 "));
  EXPECT_THAT(recorder->published, ElementsAre(Topics{"orders", "eu"}, Topics{}));
}

TEST_F(DestinationsTest, what_they_do_not_allow_is_400_and_is_not_echoed) {
  Deploy("orders|all-.*|E.*");
  for (const std::string bad : {"secrets-of-others", "orders2", "orders,secrets", "Eu", "all-*",
                                "__consumer_offsets", "orders,"}) {
    const std::string answer = Post(bad);
    EXPECT_THAT(answer, HasSubstr(" 400 ")) << bad;
    EXPECT_THAT(answer, HasSubstr("INVALID_DESTINATION")) << bad;
    EXPECT_THAT(answer, HasSubstr("\"outcome\":\"no\"")) << bad;
    EXPECT_THAT(BodyOf(answer), Not(HasSubstr("secrets"))) << bad;
  }
  EXPECT_THAT(recorder->published, IsEmpty());
}

TEST_F(DestinationsTest, without_a_pattern_nothing_is_taken) {
  Deploy("");
  EXPECT_THAT(Post("orders"), HasSubstr("INVALID_DESTINATION"));
  EXPECT_THAT(recorder->published, IsEmpty());
}

TEST_F(DestinationsTest, readers_are_steered_by_the_same_rules) {
  Deploy("all-.*|orders");
  const std::string accept = "GET /events HTTP/1.1\r\nAccept: text/event-stream\r\nX-Topics: ";
  EXPECT_THAT(gateway.Ask(accept + "all-*"), HasSubstr(" 503 "));  // the broker was asked
  EXPECT_THAT(gateway.Ask(accept + "all-x"), HasSubstr("lower case letters"));
  EXPECT_THAT(gateway.Ask(accept + "everything"), HasSubstr(" 400 "));
  EXPECT_THAT(recorder->opened, ElementsAre(Topics{"all-*"}));
}

// at-least-once where the broker keeps no positions: a group, and a client's position is a lie.
TEST_F(DestinationsTest, a_position_that_no_broker_keeps_is_410) {
  Deploy("");
  const std::string sse = "GET /events HTTP/1.1\r\nAccept: text/event-stream";
  EXPECT_THAT(gateway.Ask(sse + "\r\nLast-Event-ID: 5"), HasSubstr(" 410 "));
  EXPECT_THAT(gateway.Ask("GET /events?cursor=abc HTTP/1.1"), HasSubstr(" 410 "));
  EXPECT_THAT(recorder->opened, IsEmpty());
}

TEST(DestinationRule, takes_at_most_ten) {
  const DestinationRule rule("[a-z]");
  const Recorder recorder;
  EXPECT_EQ(rule.Read("a,b,c,d,e,f,g,h,i,j", recorder, Direction::kPublish)->size(), 10u);
  const auto more = rule.Read("a,b,c,d,e,f,g,h,i,j,k", recorder, Direction::kPublish);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(ReasonOf(more.status()), "INVALID_DESTINATION");
}

}  // namespace
}  // namespace tidegate::flow
