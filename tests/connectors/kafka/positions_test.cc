#include "tests/connectors/kafka/fixture.h"

namespace tidegate::kafka {
namespace {

using connectors::Position;

class PositionsTest : public ClusterTest {};

TEST_F(PositionsTest, WhatWasStoredIsLoadedAgain) {
  auto connector = Make(Config());
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

TEST_F(PositionsTest, ABrokerThatIsAwayIsSaidInTime) {
  auto connector = Make(Config());
  cluster_->SetDown(1);
  const TimePoint begun = Clock::now();
  auto loaded = Await(worker(), connector->positions()->Load("tidegate.none", worker()));
  EXPECT_FALSE(loaded.ok());
  EXPECT_LT(Clock::now() - begun, std::chrono::seconds(7));
}

}  // namespace
}  // namespace tidegate::kafka
