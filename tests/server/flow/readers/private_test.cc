// Private: a source of its own for every consumer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/flow/readers/fakes.h"

namespace tidegate::flow {
namespace {

using connectors::Qos;
using testing::ElementsAre;

SubscribeSpec Private(Qos qos) {
  SubscribeSpec spec;
  spec.qos = qos;
  spec.share = connectors::Share::kPrivate;
  return spec;
}

TEST(Private, each_has_a_source_of_its_own) {
  Bench bench;
  bench.connector->real_rule = connectors::Reset::kEarliest;
  bench.log.Append(0, "a");
  FakeSubscriber one(bench.encoder);
  FakeSubscriber two(bench.encoder);
  auto first = bench.Attach(one, Private(Qos::kAtLeastOnce));
  auto second = bench.Attach(two, Private(Qos::kNone));
  ASSERT_TRUE(first.ok() && second.ok());
  bench.Turn();
  EXPECT_THAT(one.written, ElementsAre("a"));
  EXPECT_THAT(one.ids, ElementsAre("t@0#0"));
  EXPECT_EQ((*first)->Id(), "t@0#0");
  EXPECT_THAT(two.ids, ElementsAre(""));
  EXPECT_EQ(bench.hub->stats().private_readers, 2u);
  EXPECT_EQ(bench.connector->open_sources, 2);
  first->reset();
  second->reset();
  bench.Turn();
  EXPECT_EQ(bench.connector->open_sources, 0);
  EXPECT_EQ(bench.hub->stats().subscribers, 0u);
}

TEST(Private, demand_is_the_subscribers) {
  Bench bench;
  FakeSubscriber one(bench.encoder);
  one.capacity = 4;
  one.reading = false;
  auto seat = bench.Attach(one, Private(Qos::kAtLeastOnce));
  for (int i = 0; i < 10; ++i) bench.log.Append(0, std::to_string(i));
  bench.Turn();
  EXPECT_EQ(one.queue.size(), 4u);
  one.SetReading(true);
  (*seat)->OnRoom();
  bench.Turn();
  EXPECT_EQ(one.written.size(), 10u);
}

TEST(Private, position_is_where_it_goes_on) {
  Bench bench;
  for (int i = 0; i < 5; ++i) bench.log.Append(0, std::to_string(i));
  FakeSubscriber one(bench.encoder);
  SubscribeSpec spec = Private(Qos::kAtLeastOnce);
  spec.position = *connectors::Position::Parse("t@0#2");
  auto seat = bench.Attach(one, std::move(spec));
  bench.Turn();
  EXPECT_THAT(one.written, ElementsAre("3", "4"));
}

TEST(Private, the_end_of_the_source_is_completion) {
  Bench bench;
  FakeSubscriber one(bench.encoder);
  auto seat = bench.Attach(one, Private(Qos::kAuto));
  bench.log.failure = WithReason(OutOfRange("count reached"), "SOURCE_COMPLETED");
  bench.log.Wake();
  bench.Turn();
  ASSERT_TRUE(one.ended);
  EXPECT_EQ(one.reason, EndReason::kCompleted);
}

TEST(Private, failure_to_open_is_the_answer_of_attach) {
  Bench bench;
  bench.connector->open_failure = MakeError(ErrorClass::kConnectFailed, "connect: refused");
  FakeSubscriber one(bench.encoder);
  EXPECT_FALSE(bench.Attach(one, Private(Qos::kNone)).ok());
  EXPECT_EQ(bench.hub->stats().subscribers, 0u);
}

TEST(Private, shutdown_says_goaway) {
  Bench bench;
  FakeSubscriber one(bench.encoder);
  auto seat = bench.Attach(one, Private(Qos::kNone));
  bench.pool.at(0).Spawn("test", bench.hub->Shutdown(TimePoint::max(), bench.pool.at(0)));
  bench.Turn();
  ASSERT_TRUE(one.ended);
  EXPECT_EQ(one.reason, EndReason::kGoaway);
}

}  // namespace
}  // namespace tidegate::flow
