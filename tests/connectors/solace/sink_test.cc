#include "tests/connectors/solace/fixture.h"

namespace tidegate::solace {
namespace {

using connectors::HeaderField;
using connectors::OutMessage;
using connectors::Outcome;
using std::chrono::milliseconds;
using std::chrono::seconds;

class SinkTest : public PeerTest {
 protected:
  boost::json::object Last() {
    const boost::json::value answer = peer_->Ask(R"({"do":"received"})");
    const boost::json::array& all = answer.at("messages").as_array();
    return all.empty() ? boost::json::object() : all.back().as_object();
  }
  std::size_t Received() { return peer_->Count(R"({"do":"received"})", "messages"); }
};

TEST_F(SinkTest, EverySettingOfTheProducerIsOnTheWire) {
  config_.producer.ttl_ms = 3'600'000;
  config_.producer.response_topic = "events/replies";
  StartPeer();
  Connect();
  const std::string binary("\0\xff", 2);
  const std::vector<HeaderField> headers = {
      {"X-Colour", "blue"}, {"X-Colour", "red"}, {"raw", binary}, {"Content-Type", "text/plain"}};
  OutMessage message;
  message.content = binary;
  message.key = "k1";
  message.headers = headers;
  const auto result = Publish(message);
  ASSERT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
  const auto got = Last();
  EXPECT_EQ(got.at("address"), amqp10::Json("topic://" + topic_));
  EXPECT_EQ(got.at("durable"), true);
  EXPECT_EQ(got.at("ttl").as_double(), 3600.0);
  EXPECT_EQ(got.at("reply_to"), "topic://events/replies");
  EXPECT_EQ(got.at("correlation_id"), got.at("id"));
  EXPECT_EQ(got.at("content_type"), "text/plain");
  EXPECT_EQ(got.at("group_id"), "k1");
  EXPECT_GT(got.at("creation_time").as_double(), 1.6e9);
  EXPECT_EQ(got.at("inferred"), true);
  EXPECT_EQ(got.at("body").at("base64"), "AP8=");
  EXPECT_EQ(got.at("properties").at("X-Colour"), "blue, red");
  EXPECT_EQ(got.at("properties").at("raw").at("base64"), "AP8=");
}

TEST_F(SinkTest, DirectMessagesAreNotDurableAndACorrelationIdIsTaken) {
  config_.producer.persistent = false;
  StartPeer();
  Connect();
  const std::vector<HeaderField> headers = {{"X-Correlation-Id", "c-7"}};
  OutMessage message;
  message.headers = headers;
  ASSERT_EQ(Publish(message).outcome, Outcome::kOk);
  const auto got = Last();
  EXPECT_EQ(got.at("durable"), false);
  EXPECT_EQ(got.at("ttl").as_double(), 0.0);
  EXPECT_TRUE(got.at("reply_to").is_null());
  EXPECT_EQ(got.at("correlation_id"), "c-7");
  EXPECT_EQ(got.at("body").at("base64"), "");
}

TEST_F(SinkTest, EachOutcomeOfTheBrokerHasItsOwn) {
  StartPeer();
  Connect();
  auto result = PublishTo("reject/x", "a");
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kNotAuthorized) << MessageOf(result.status);
  EXPECT_NE(MessageOf(result.status).find("the topic takes nothing"), std::string::npos);
  result = PublishTo("release/x", "a");
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kNoRoute);
  result = PublishTo("modify/x", "a");
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kOverloaded);
  result = PublishTo("forbidden/x", "a");
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kNotAuthorized);
  EXPECT_EQ(PublishTo(topic_, "a").outcome, Outcome::kOk);  // the refused link hurt no other
}

TEST_F(SinkTest, AnOutcomeThatDoesNotComeIsUnknownAtTheDeadline) {
  StartPeer();
  Connect();
  ASSERT_EQ(PublishTo(topic_, "warm").outcome, Outcome::kOk);  // connecting takes its own time
  const auto result = PublishTo("silent/x", "a", seconds(3));
  EXPECT_EQ(result.outcome, Outcome::kUnknown);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kTimeout);
}

TEST_F(SinkTest, AConnectionThatGoesWhileAnOutcomeIsDueLeavesItUnknown) {
  StartPeer();
  Connect();
  auto result = std::async(std::launch::async, [&] { return PublishTo("silent/x", "a"); });
  ASSERT_TRUE(Until([&] { return Received() == 1; }));
  peer_->Ask(R"({"do":"cut"})");
  const auto lost = result.get();
  EXPECT_EQ(lost.outcome, Outcome::kUnknown);
  EXPECT_EQ(ClassOf(lost.status), ErrorClass::kConnectionClosed);
  const auto none = PublishTo(topic_, "b", seconds(2));
  EXPECT_EQ(none.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(none.status), ErrorClass::kConnectFailed) << MessageOf(none.status);
  peer_->Ask(R"({"do":"restore"})");
  EXPECT_TRUE(Until([&] { return PublishTo(topic_, "c").outcome == Outcome::kOk; }));
}

TEST_F(SinkTest, WithoutCreditNothingIsSentAndTheAnswerIsNo) {
  StartPeer();
  Connect();
  peer_->Ask(R"({"do":"credit","amount":0})");
  const auto result = PublishTo(topic_, "a", seconds(3));
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kOverloaded) << MessageOf(result.status);
  EXPECT_EQ(Received(), 0u);
}

TEST_F(SinkTest, TheSmallerOfOurLimitAndTheLinksHoldsBeforeAnythingIsSent) {
  config_.message_bytes_max = 5000;
  StartPeer({"--max-message-size", "2000"});
  Connect();
  EXPECT_EQ(connector_->capabilities().message_bytes_max, 5000u);
  for (const std::size_t size : {5001u, 3000u}) {
    const auto result = PublishTo(topic_, std::string(size, 'x'));
    EXPECT_EQ(result.outcome, Outcome::kNo);
    EXPECT_EQ(ClassOf(result.status), ErrorClass::kMessageRejected);
    EXPECT_EQ(ReasonOf(result.status), "MESSAGE_TOO_LARGE");  // 413
    EXPECT_NE(MessageOf(result.status).find(size > 5000 ? "5000" : "2000"), std::string::npos);
  }
  EXPECT_EQ(Received(), 0u);
  EXPECT_EQ(PublishTo(topic_, std::string(1500, 'x')).outcome, Outcome::kOk);
}

TEST_F(SinkTest, EveryTopicGetsTheMessageAndOneRefusalIsNoOk) {
  config_.producer.topics = {topic_, topic_ + "2"};
  StartPeer();
  Connect();
  OutMessage message;
  message.content = "both";
  ASSERT_EQ(Publish(message).outcome, Outcome::kOk);
  EXPECT_EQ(Received(), 2u);
  Disconnect();
  config_.producer.topics = {topic_, "reject/x"};
  Connect();
  EXPECT_EQ(Publish(message).outcome, Outcome::kUnknown);  // one of them has it
  Disconnect();
  config_.producer.topics = {topic_, "forbidden/x"};
  Connect();
  const std::size_t before = Received();
  EXPECT_EQ(Publish(message).outcome, Outcome::kNo);  // known before anything was sent
  EXPECT_EQ(Received(), before);
}

TEST_F(SinkTest, ManyTopicsComeAndGo) {
  StartPeer();
  Connect();
  for (std::size_t i = 0; i < 2 * kSendersMax; ++i) {
    const auto result = PublishTo("many/" + std::to_string(i), "x");
    ASSERT_EQ(result.outcome, Outcome::kOk) << i << MessageOf(result.status);
  }
  EXPECT_EQ(peer_->Ask(R"({"do":"connections"})").at("count"), 1);
}

}  // namespace
}  // namespace tidegate::solace
