#include <librdkafka/rdkafka.h>

#include "tests/connectors/kafka/fixture.h"
#include "tests/support/is_ok.h"
#include "tests/support/patience.h"

namespace tidegate::kafka {
namespace {

using connectors::Position;

class PositionsTest : public ClusterTest {};

TEST_F(PositionsTest, WhatWasStoredIsLoadedAgain) {
  KafkaConfig config = Config();
  config.consumer.topics = {"orders", "events"};
  auto connector = Make(config);
  Fill("orders", 3);
  Fill("events", 1, 2);
  connectors::PositionStore& store = *connector->positions();
  const Position position = *Position::Parse("events@2#0;orders@0#2");
  const Status stored = Await(worker(), store.Store("tidegate.a.b.c", position, worker()));
  ASSERT_TRUE(stored.ok()) << MessageOf(stored);
  auto loaded = Await(worker(1), store.Load("tidegate.a.b.c", worker(1)));
  ASSERT_TRUE(loaded.ok()) << MessageOf(loaded.status());
  ASSERT_TRUE(loaded->has_value());
  EXPECT_EQ((*loaded)->Format(), position.Format());
}

TEST_F(PositionsTest, NobodysPositionIsNothing) {
  auto connector = Make(Config());
  auto loaded = Await(worker(), connector->positions()->Load("tidegate.none", worker()));
  ASSERT_TRUE(loaded.ok()) << MessageOf(loaded.status());
  EXPECT_FALSE(loaded->has_value());
}

// The coordinator of a restarted broker first says that it is loading: with the library's own call
// for listing a group's offsets that ended the process.
TEST_F(PositionsTest, ACoordinatorThatIsLoadingIsAskedAgain) {
  auto connector = Make(Config());
  Fill("orders", 3);
  const Position position = *Position::Parse("orders@0#1");
  constexpr int kOffsetFetch = 9;
  cluster_->FailNext(kOffsetFetch, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 1);
  auto first = Await(worker(), connector->positions()->Load("tidegate.a", worker()));
  EXPECT_TRUE(first.ok()) << MessageOf(first.status());
  connectors::PositionStore& store = *connector->positions();
  ASSERT_TRUE(IsOk(Await(worker(), store.Store("tidegate.a", position, worker()))));
  auto second = Await(worker(), connector->positions()->Load("tidegate.a", worker()));
  ASSERT_TRUE(second.ok() && second->has_value());
  EXPECT_EQ((*second)->Format(), position.Format());
}

TEST_F(PositionsTest, ABrokerThatIsAwayIsSaidInTime) {
  auto connector = Make(Config());
  cluster_->SetDown(1);
  const TimePoint begun = Clock::now();
  auto loaded = Await(worker(), connector->positions()->Load("tidegate.none", worker()));
  EXPECT_FALSE(loaded.ok());
  EXPECT_LT(Clock::now() - begun, kPatience);
}

// That nothing was found while it was away is not remembered.
TEST_F(PositionsTest, ABrokerThatIsBackIsAskedAgain) {
  auto connector = Make(Config());
  ASSERT_TRUE(IsOk(Await(worker(), connector->positions()->Load("tidegate.a", worker()))));
  auto late = Make(Config());
  cluster_->SetDown(1);
  EXPECT_FALSE(Await(worker(), late->positions()->Load("tidegate.a", worker())).ok());
  cluster_->SetUp(1);
  const TimePoint back = Clock::now();
  Status last = Unavailable("");
  while (!last.ok() && Clock::now() - back < std::chrono::seconds(12)) {
    last = Await(worker(), late->positions()->Load("tidegate.a", worker())).status();
  }
  EXPECT_TRUE(last.ok()) << MessageOf(last);
}

}  // namespace
}  // namespace tidegate::kafka
