#include "connectors/kafka/factory.h"
#include "server/base/codec.h"
#include "tests/connectors/kafka/fixture.h"
#include "tests/support/patience.h"
#include "tidegate/config/v1/kafka.pb.h"

namespace tidegate::kafka {
namespace {

using connectors::Position;

class ConnectorTest : public ClusterTest {};

TEST_F(ConnectorTest, IdsAreBase64UnlessTheEndpointSaysOtherwise) {
  const Position position = *Position::Parse("orders@0#1");
  auto encoded = Make(Config());
  std::string id;
  encoded->AppendId(position, id);
  EXPECT_EQ(id, Base64("orders@0#1"));
  EXPECT_EQ(encoded->ParseId(id)->Format(), "orders@0#1");
  for (const char* bad : {"orders@0#1", "", "b3JkZXJz", "!!!!"}) {
    const auto refused = encoded->ParseId(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(ReasonOf(refused.status()), "CURSOR_MALFORMED") << bad;
  }
  KafkaConfig config = Config();
  config.consumer.encode_message_id = false;
  auto plain = Make(config);
  id.clear();
  plain->AppendId(position, id);
  EXPECT_EQ(id, "orders@0#1");
  EXPECT_EQ(plain->ParseId(id)->Format(), "orders@0#1");
}

// Longer than what is taken back: a consumer with such an id could never come again.
TEST_F(ConnectorTest, APositionThatNoHeaderCanCarryGivesNoId) {
  for (const bool encoded : {true, false}) {
    KafkaConfig config = Config();
    config.consumer.encode_message_id = encoded;
    auto connector = Make(config);
    Position position;
    for (int partition = 0; partition < 1000; ++partition) {
      position.Set("orders", partition, 1'000'000'000 + partition);
      std::string id;
      connector->AppendId(position, id);
      if (id.empty()) continue;
      const auto again = connector->ParseId(id);
      ASSERT_TRUE(again.ok()) << partition << " " << MessageOf(again.status());
      ASSERT_EQ(*again, position);
    }
    std::string id;
    connector->AppendId(position, id);
    EXPECT_EQ(id, "");
  }
}

TEST_F(ConnectorTest, AnUnusedConnectorHoldsNoClient) {
  auto connector = Make(Config());
  EXPECT_EQ(connector->health().clients, 0u);
  EXPECT_EQ(connector->health().state, connectors::HealthState::kIdle);
}

TEST_F(ConnectorTest, TestGoesByStagesAndEndsAtTheFirstThatFails) {
  auto connector = Make(Config());
  auto stages = Await(worker(), connector->Test(worker()));
  ASSERT_EQ(stages.size(), 3u);
  EXPECT_EQ(stages[0].stage, "dns");
  EXPECT_EQ(stages[1].stage, "tcp");
  EXPECT_EQ(stages[2].stage, "metadata");
  EXPECT_TRUE(stages[2].ok) << stages[2].detail;
  EXPECT_NE(stages[2].detail.find("orders has 1 partitions"), std::string::npos);

  KafkaConfig config = Config();
  config.bootstrap = "127.0.0.1:1";
  auto away = Make(config);
  stages = Await(worker(), away->Test(worker()));
  ASSERT_EQ(stages.size(), 2u);
  EXPECT_TRUE(stages[0].ok);
  EXPECT_FALSE(stages[1].ok);
}

TEST_F(ConnectorTest, TheFactoryReadsTheProtoAndRefusesWhatIsWrong) {
  config::v1::KafkaEndpoint settings;
  settings.add_bootstrap_servers(cluster_->bootstrap());
  settings.mutable_consumer()->add_topics("orders");
  connectors::ConnectorContext context;
  context.api = "a";
  context.endpoint = "e";
  context.workers = workers_.get();
  auto made = MakeKafkaFactory()(settings, context);
  ASSERT_TRUE(made.ok()) << MessageOf(made.status());
  EXPECT_TRUE((*made)->capabilities().subscribe);
  EXPECT_FALSE((*made)->capabilities().publish);
  EXPECT_TRUE((*made)->capabilities().recover);
  (*settings.mutable_properties())["fetch.wait.max.ms"] = "never";
  auto refused = MakeKafkaFactory()(settings, context);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(ClassOf(refused.status()), ErrorClass::kConfigInvalid);
}

TEST_F(ConnectorTest, DrainWaitsForWhatWasAcceptedAndFreesTheClients) {
  auto connector = Make(Config());
  connectors::OutMessage message;
  message.content = "x";
  ASSERT_EQ(Publish(*connector, message).outcome, connectors::Outcome::kOk);
  EXPECT_EQ(connector->health().clients, 1u);
  Await(worker(), connector->Drain(Clock::now() + std::chrono::seconds(5), worker()));
  for (int round = 0; round < 3; ++round) {  // the posts of the sinks
    Await(worker(0), worker(0).wheel().Sleep(std::chrono::milliseconds(1)));
    Await(worker(1), worker(1).wheel().Sleep(std::chrono::milliseconds(1)));
  }
  EXPECT_TRUE(SettleKafka(Clock::now() + kPatience));
  EXPECT_EQ(connector->health().clients, 0u);
  // Used again, it makes a new one.
  EXPECT_EQ(Publish(*connector, message).outcome, connectors::Outcome::kOk);
}

}  // namespace
}  // namespace tidegate::kafka
