#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <set>

#include "tests/connectors/kafka/fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::kafka {
namespace {

using connectors::Position;
using connectors::SourceSpec;
using connectors::Start;

constexpr int kListOffsets = 2;  // the request, by the number it has in the protocol

class EachTest : public ClusterTest {
 protected:
  KafkaConfig Reading(const std::string& topic, Reset reset) const {
    KafkaConfig config = Config();
    config.consumer.topics = {topic};
    config.consumer.reset = reset;
    return config;
  }
  static SourceSpec From(const std::string& position) {
    SourceSpec spec;
    spec.start = Start::kPosition;
    spec.position = *Position::Parse(position);
    return spec;
  }
};

TEST_F(EachTest, EarliestReadsTheWholeLogAndNamesEveryPartition) {
  Fill("events", 2, 0);
  Fill("events", 3, 1);
  auto connector = Make(Reading("events", Reset::kEarliest));
  auto source = Open(*connector, SourceSpec());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  EXPECT_EQ((*source)->origin().Format(), "events@0#-1,1#-1,2#-1");
  EXPECT_EQ((*source)->HighWatermark()->Format(), "events@0#1,1#2,2#-1");
  auto got = Read(**source, 5);
  ASSERT_TRUE(IsOk(got));
  std::set<std::pair<int, std::int64_t>> seen;
  for (const Got& message : *got) seen.emplace(message.partition, message.offset);
  EXPECT_EQ(seen.size(), 5u);
  Close(std::move(*source));
}

TEST_F(EachTest, LatestBeginsAtTheHighWatermark) {
  Fill("orders", 3);
  auto connector = Make(Reading("orders", Reset::kLatest));
  auto source = Open(*connector, SourceSpec());
  ASSERT_TRUE(IsOk(source));
  EXPECT_EQ((*source)->origin().Format(), "orders@0#2");
  Fill("orders", 1, 0, 3);
  auto got = Read(**source, 1);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ((*got)[0].content, "m3");
  EXPECT_EQ((*got)[0].offset, 3);
  Close(std::move(*source));
}

TEST_F(EachTest, APositionIsExclusive) {
  Fill("orders", 5);
  auto connector = Make(Reading("orders", Reset::kLatest));
  auto source = Open(*connector, From("orders@0#1"));
  ASSERT_TRUE(IsOk(source));
  auto got = Read(**source, 3);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ((*got)[0].content, "m2");
  EXPECT_EQ((*got)[2].content, "m4");
  Close(std::move(*source));
}

TEST_F(EachTest, ThePositionOfTheEndWaitsForWhatComes) {
  Fill("orders", 2);
  auto connector = Make(Reading("orders", Reset::kEarliest));
  auto source = Open(*connector, From("orders@0#1"));
  ASSERT_TRUE(IsOk(source));
  Fill("orders", 1, 0, 2);
  auto got = Read(**source, 1);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ((*got)[0].content, "m2");
  Close(std::move(*source));
}

TEST_F(EachTest, PositionsThatCannotBeHonouredAreRefused) {
  Fill("orders", 2);
  auto connector = Make(Reading("orders", Reset::kEarliest));
  for (const char* position : {"orders@0#9", "orders@7#0", "other@0#0"}) {
    auto source = Open(*connector, From(position));
    ASSERT_FALSE(source.ok()) << position;
    EXPECT_EQ(ClassOf(source.status()), ErrorClass::kPositionUnavailable) << position;
  }
}

TEST_F(EachTest, ResetNoneRefusesWhoHasNoPosition) {
  auto connector = Make(Reading("orders", Reset::kNone));
  auto source = Open(*connector, SourceSpec());
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(ClassOf(source.status()), ErrorClass::kPositionUnavailable);
  auto latest = Open(*connector, [] {
    SourceSpec spec;
    spec.start = Start::kLatest;
    return spec;
  }());
  ASSERT_TRUE(IsOk(latest));
  Close(std::move(*latest));
}

// As a broker answers between a topic's creation, or a move of its leader, and the moment when the
// new leader knows of it.
TEST_F(EachTest, ALogWhoseLeaderIsNotYetReadyIsAskedAgain) {
  Fill("orders", 3);
  auto connector = Make(Reading("orders", Reset::kEarliest));
  const int codes[] = {
      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE};
  for (const int code : codes) {
    cluster_->FailNext(kListOffsets, code, 3);
    auto source = Open(*connector, SourceSpec());
    ASSERT_TRUE(source.ok()) << code << ": " << MessageOf(source.status());
    EXPECT_EQ((*source)->HighWatermark()->Format(), "orders@0#2") << code;
    Close(std::move(*source));
  }
}

TEST_F(EachTest, ALogThatKeepsHavingNoLeaderIsGivenUp) {
  auto connector = Make(Reading("orders", Reset::kEarliest));
  cluster_->FailNext(kListOffsets, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 10'000);
  auto source = Open(*connector, SourceSpec());
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(ClassOf(source.status()), ErrorClass::kConnectionClosed);
  EXPECT_THAT(MessageOf(source.status()), ::testing::HasSubstr("query kafka offsets orders: "));
}

TEST_F(EachTest, ARefusalOfTheLogIsNotAskedAgain) {
  auto connector = Make(Reading("orders", Reset::kEarliest));
  cluster_->FailNext(kListOffsets, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
  auto source = Open(*connector, SourceSpec());
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(ClassOf(source.status()), ErrorClass::kNotAuthorized) << MessageOf(source.status());
}

TEST_F(EachTest, CloseCancelsAPendingNext) {
  auto connector = Make(Reading("orders", Reset::kLatest));
  auto source = Open(*connector, SourceSpec());
  ASSERT_TRUE(IsOk(source));
  connectors::MessageBatch batch;
  std::promise<Status> ended;
  asio::co_spawn(worker().executor(), (*source)->Next(batch, 1),
                 [&](std::exception_ptr, StatusOr<std::size_t> taken) {
                   ended.set_value(taken.status());
                 });
  Await(worker(), (*source)->Close());
  EXPECT_EQ(ended.get_future().get().code(), StatusCode::kCancelled);
}

TEST_F(EachTest, AClosedReadersHandleServesTheNextOne) {
  Fill("orders", 3);
  auto connector = Make(Reading("orders", Reset::kEarliest));
  for (int round = 0; round < 3; ++round) {
    auto source = Open(*connector, SourceSpec());
    ASSERT_TRUE(IsOk(source));
    auto got = Read(**source, 3);
    ASSERT_TRUE(IsOk(got));
    EXPECT_EQ((*got)[0].content, "m0");
    EXPECT_EQ(connector->health().clients, 1u);
    Close(std::move(*source));
  }
}

TEST_F(EachTest, AReaderOutlivesALostBroker) {
  Fill("orders", 1);
  auto connector = Make(Reading("orders", Reset::kEarliest));
  auto source = Open(*connector, SourceSpec());
  ASSERT_TRUE(IsOk(source));
  ASSERT_TRUE(IsOk(Read(**source, 1)));
  cluster_->SetDown(1);
  cluster_->SetUp(1);
  Fill("orders", 1, 0, 1);
  auto got = Read(**source, 1);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ((*got)[0].content, "m1");
  Close(std::move(*source));
}

TEST_F(EachTest, ATopicThatDoesNotExistIsAnErrorOnlyWhereTheCheckIsOn) {
  KafkaConfig config = Reading("nowhere", Reset::kLatest);
  config.consumer.topics_pattern = "";
  config.consumer.check_topic_existence = true;
  auto strict = Make(config);
  // The embedded cluster makes topics that are asked for by name; a pattern finds what is there.
  config.consumer.topics.clear();
  config.consumer.topics_pattern = "ev.*";
  config.consumer.check_topic_existence = false;
  auto pattern = Make(config);
  auto source = Open(*pattern, SourceSpec());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  EXPECT_EQ((*source)->origin().Format(), "events@0#-1,1#-1,2#-1");
  Close(std::move(*source));
}

TEST_F(EachTest, TheConfluentHeaderIsCutWhereAskedFor) {
  ASSERT_TRUE(IsOk(cluster_->Produce("orders", "k", std::string("\0\0\0\0\7{}", 7), 0)));
  ASSERT_TRUE(IsOk(cluster_->Produce("orders", "k", "plain", 0)));
  KafkaConfig config = Reading("orders", Reset::kEarliest);
  config.consumer.remove_confluent_header = true;
  auto connector = Make(config);
  auto source = Open(*connector, SourceSpec());
  ASSERT_TRUE(IsOk(source));
  auto got = Read(**source, 2);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ((*got)[0].content, "{}");
  EXPECT_EQ((*got)[1].content, "plain");
  Close(std::move(*source));
}

TEST_F(EachTest, NobodyThereIsConnectFailed) {
  KafkaConfig config = Reading("orders", Reset::kLatest);
  config.bootstrap = "127.0.0.1:1";
  auto connector = Make(config);
  auto source = Open(*connector, SourceSpec());
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(ClassOf(source.status()), ErrorClass::kConnectFailed);
}

// What the library keeps ready does not come all at once.
TEST_F(EachTest, ABatchIsBoundedInBytes) {
  auto connector = Make(Reading("orders", Reset::kEarliest));
  const std::string large(300'000, 'x');
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(IsOk(cluster_->Produce("orders", "", large, 0)));
  auto source = Open(*connector, SourceSpec());
  ASSERT_TRUE(IsOk(source));
  ASSERT_TRUE(IsOk(Read(**source, 1)));
  // Written while the reader is open: it reads ahead meanwhile.
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(IsOk(cluster_->Produce("orders", "", large, 0)));
  std::size_t seen = 1;
  connectors::MessageBatch batch;
  batch.Reserve(256);
  while (seen < 16) {
    batch.Clear();
    auto taken = Await(worker(), (*source)->Next(batch, 256));
    ASSERT_TRUE(IsOk(taken));
    std::size_t bytes = 0;
    for (const connectors::Message& message : batch) {
      EXPECT_EQ(message.offset, static_cast<std::int64_t>(seen++));
      bytes += message.content.size();
    }
    EXPECT_LE(bytes, connectors::kBatchBytesMax);
  }
  batch.Clear();
  Close(std::move(*source));
}

}  // namespace
}  // namespace tidegate::kafka
