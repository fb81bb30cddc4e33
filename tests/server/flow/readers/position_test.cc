// Where a client identifier last stood.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/flow/readers/fakes.h"

namespace tidegate::flow {
namespace {

using connectors::Qos;
using testing::ElementsAre;
using testing::IsEmpty;

SubscribeSpec Named(const Bench& bench, Qos qos) {
  SubscribeSpec spec = bench.Spec(qos);
  spec.broker_name = "tidegate.a.e.client";
  return spec;
}

class Remembered : public testing::Test {
 protected:
  Remembered() { bench_.connector->remembers = true; }
  std::string Stored() { return bench_.connector->stored["tidegate.a.e.client"]; }
  Bench bench_;
};

TEST_F(Remembered, the_next_connection_goes_on_where_the_last_one_stood) {
  FakeSubscriber one(bench_.encoder);
  auto first = bench_.Attach(one, Named(bench_, Qos::kAtLeastOnce));
  for (int i = 0; i < 3; ++i) bench_.log.Append(0, std::to_string(i));
  bench_.Turn();
  first->reset();
  bench_.Turn();
  EXPECT_EQ(Stored(), "t@0#2");
  for (int i = 3; i < 6; ++i) bench_.log.Append(0, std::to_string(i));
  bench_.Turn();
  FakeSubscriber two(bench_.encoder);
  auto second = bench_.Attach(two, Named(bench_, Qos::kAtLeastOnce));
  bench_.Turn();
  EXPECT_THAT(two.written, ElementsAre("3", "4", "5"));
}

TEST_F(Remembered, where_it_began_counts_even_when_nothing_came) {
  bench_.log.Append(0, "old");
  FakeSubscriber one(bench_.encoder);
  auto first = bench_.Attach(one, Named(bench_, Qos::kAtMostOnce));
  first->reset();
  bench_.Turn();
  EXPECT_EQ(Stored(), "t@0#0");
  bench_.log.Append(0, "between");
  FakeSubscriber two(bench_.encoder);
  auto second = bench_.Attach(two, Named(bench_, Qos::kAtMostOnce));
  bench_.Turn();
  EXPECT_THAT(two.written, ElementsAre("between"));
}

TEST_F(Remembered, unwritten_frames_do_not_move_it) {
  FakeSubscriber one(bench_.encoder);
  one.reading = false;
  auto first = bench_.Attach(one, Named(bench_, Qos::kAtLeastOnce));
  for (int i = 0; i < 4; ++i) bench_.log.Append(0, std::to_string(i));
  bench_.Turn();
  one.Write(1);
  first->reset();
  bench_.Turn();
  EXPECT_EQ(Stored(), "t@0#0");
}

TEST_F(Remembered, none_neither_reads_nor_writes_it) {
  bench_.connector->stored["tidegate.a.e.client"] = "t@0#0";
  for (int i = 0; i < 4; ++i) bench_.log.Append(0, std::to_string(i));
  FakeSubscriber one(bench_.encoder);
  auto seat = bench_.Attach(one, Named(bench_, Qos::kNone));
  bench_.log.Append(0, "new");
  bench_.Turn();
  seat->reset();
  bench_.Turn();
  EXPECT_THAT(one.written, ElementsAre("new"));
  EXPECT_EQ(Stored(), "t@0#0");
}

TEST_F(Remembered, a_cursor_wins_over_it) {
  bench_.connector->stored["tidegate.a.e.client"] = "t@0#0";
  for (int i = 0; i < 4; ++i) bench_.log.Append(0, std::to_string(i));
  FakeSubscriber one(bench_.encoder);
  SubscribeSpec spec = Named(bench_, Qos::kAtLeastOnce);
  spec.position = *connectors::Position::Parse("t@0#2");
  auto seat = bench_.Attach(one, std::move(spec));
  bench_.Turn();
  EXPECT_THAT(one.written, ElementsAre("3"));
}

TEST_F(Remembered, it_is_stored_while_the_connection_lasts) {
  FakeSubscriber one(bench_.encoder);
  auto seat = bench_.Attach(one, Named(bench_, Qos::kAtLeastOnce));
  bench_.log.Append(0, "a");
  bench_.Turn();
  EXPECT_EQ(Stored(), "");
  bench_.Pass(std::chrono::milliseconds(5'500));
  EXPECT_EQ(Stored(), "t@0#0");
}

TEST_F(Remembered, one_that_retention_passed_begins_by_the_rule_and_is_told) {
  bench_.connector->stored["tidegate.a.e.client"] = "t@0#0";
  for (int i = 0; i < 20; ++i) bench_.log.Append(0, std::to_string(i));
  bench_.log.partitions[0].start = 10;
  FakeSubscriber one(bench_.encoder);
  auto seat = bench_.Attach(one, Named(bench_, Qos::kAtLeastOnce));
  ASSERT_TRUE(seat.ok()) << seat.status();
  bench_.log.Append(0, "new");
  bench_.Turn();
  EXPECT_THAT(one.written, ElementsAre("new"));
  EXPECT_EQ(one.gap_events, 1);
}

TEST_F(Remembered, shutdown_waits_until_positions_are_stored) {
  FakeSubscriber one(bench_.encoder);
  auto seat = bench_.Attach(one, Named(bench_, Qos::kAtLeastOnce));
  bench_.log.Append(0, "a");
  bench_.Turn();
  seat->reset();
  bench_.pool.at(0).Spawn("test", bench_.hub->Shutdown(TimePoint::max(), bench_.pool.at(0)));
  bench_.Pass(std::chrono::milliseconds(300));
  EXPECT_EQ(Stored(), "t@0#0");
}

}  // namespace
}  // namespace tidegate::flow
