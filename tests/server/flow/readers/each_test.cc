// Each: every consumer gets every message, whoever else is there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "server/base/limits.h"
#include "tests/server/flow/readers/fakes.h"
#include "tests/support/is_ok.h"

namespace tidegate::flow {
namespace {

using connectors::Qos;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Each, latest_without_position_gets_what_comes_after_attach) {
  Bench bench;
  bench.log.Append(0, "old");
  FakeSubscriber subscriber(bench.encoder);
  auto seat = bench.Attach(subscriber, bench.Spec(Qos::kAtLeastOnce));
  ASSERT_TRUE(seat.ok()) << seat.status();
  EXPECT_EQ((*seat)->Id(), "t@0#0");
  bench.log.Append(0, "a");
  bench.log.Append(0, "b");
  bench.Turn();
  EXPECT_THAT(subscriber.written, ElementsAre("a", "b"));
  EXPECT_THAT(subscriber.ids, ElementsAre("t@0#1", "t@0#2"));
  EXPECT_EQ((*seat)->Id(), "t@0#2");
  EXPECT_TRUE((*seat)->caught_up());
  EXPECT_EQ(bench.hub->stats().live_readers, 1u);
  EXPECT_EQ(bench.hub->stats().catch_up_readers, 0u);
}

TEST(Each, many_subscribers_share_one_source_and_one_encoding) {
  Bench bench;
  std::vector<std::unique_ptr<FakeSubscriber>> subscribers;
  std::vector<AttachmentPtr> seats;
  for (int i = 0; i < 20; ++i) {
    subscribers.push_back(std::make_unique<FakeSubscriber>(bench.encoder));
    auto seat = bench.Attach(*subscribers.back(), bench.Spec(Qos::kAtLeastOnce));
    ASSERT_TRUE(IsOk(seat));
    seats.push_back(std::move(*seat));
  }
  for (int i = 0; i < 10; ++i) bench.log.Append(0, std::to_string(i));
  bench.Turn();
  for (const auto& subscriber : subscribers) EXPECT_EQ(subscriber->written.size(), 10u);
  EXPECT_EQ(bench.encoder->encoded, 10);
  EXPECT_EQ(bench.connector->opened, 1);
}

TEST(Each, none_gets_no_ids_and_its_own_encoding) {
  Bench bench;
  FakeSubscriber with(bench.encoder);
  FakeSubscriber without(bench.encoder);
  auto first = bench.Attach(with, bench.Spec(Qos::kAtLeastOnce));
  auto second = bench.Attach(without, bench.Spec(Qos::kNone));
  bench.log.Append(0, "a");
  bench.Turn();
  EXPECT_THAT(with.ids, ElementsAre("t@0#0"));
  EXPECT_THAT(without.ids, ElementsAre(""));
  EXPECT_EQ((*second)->Id(), "");
  EXPECT_EQ(bench.encoder->encoded, 2);
}

TEST(Each, position_behind_is_caught_up_and_joins_live) {
  Bench bench;
  for (int i = 0; i < 50; ++i) bench.log.Append(0, std::to_string(i));
  FakeSubscriber subscriber(bench.encoder);
  auto seat = bench.Attach(subscriber, bench.Spec(Qos::kAtLeastOnce, "t@0#9"));
  ASSERT_TRUE(seat.ok()) << seat.status();
  bench.Turn();
  ASSERT_EQ(subscriber.written.size(), 40u);
  EXPECT_EQ(subscriber.written.front(), "10");
  EXPECT_EQ(subscriber.ids.back(), "t@0#49");
  bench.log.Append(0, "50");
  bench.Turn();
  EXPECT_EQ(subscriber.written.back(), "50");
  EXPECT_TRUE((*seat)->caught_up());
  EXPECT_EQ(bench.hub->stats().catch_up_readers, 0u);
  EXPECT_EQ(bench.connector->open_sources, 1);
}

TEST(Each, position_inside_the_ring_needs_no_source) {
  Bench bench;
  FakeSubscriber first(bench.encoder);
  auto seat = bench.Attach(first, bench.Spec(Qos::kAtLeastOnce));
  for (int i = 0; i < 10; ++i) bench.log.Append(0, std::to_string(i));
  bench.Turn();
  FakeSubscriber second(bench.encoder);
  auto other = bench.Attach(second, bench.Spec(Qos::kAtLeastOnce, "t@0#4"));
  ASSERT_TRUE(IsOk(other));
  bench.Turn();
  EXPECT_THAT(second.written, ElementsAre("5", "6", "7", "8", "9"));
  EXPECT_EQ(bench.connector->opened, 1);
  EXPECT_EQ(bench.encoder->encoded, 10);  // the ring's frames are used again
}

TEST(Each, position_of_another_order_repeats_and_loses_nothing) {
  Bench bench(2);
  FakeSubscriber first(bench.encoder);
  auto live = bench.Attach(first, bench.Spec(Qos::kAtLeastOnce));
  for (int i = 0; i < 6; ++i) {
    bench.log.Append(0, "a" + std::to_string(i));
    bench.log.Append(1, "b" + std::to_string(i));
  }
  bench.Turn();
  // Far in one partition, at the start of the other: no moment of the live order.
  FakeSubscriber second(bench.encoder);
  auto seat = bench.Attach(second, bench.Spec(Qos::kAtLeastOnce, "t@0#5,1#0"));
  ASSERT_TRUE(IsOk(seat));
  bench.Turn();
  EXPECT_THAT(second.written, ElementsAre("b1", "b2", "b3", "b4", "b5"));
  // Ids name what this consumer has, not where the live reader was.
  EXPECT_EQ(second.ids.front(), "t@0#5,1#1");
  EXPECT_EQ(second.ids.back(), "t@0#5,1#5");
}

TEST(Each, earliest_gets_the_whole_log) {
  Bench bench(2);
  bench.connector->rule = connectors::Reset::kEarliest;
  bench.connector->real_rule = connectors::Reset::kEarliest;
  for (int i = 0; i < 30; ++i) bench.log.Append(i % 2, std::to_string(i));
  FakeSubscriber subscriber(bench.encoder);
  auto seat = bench.Attach(subscriber, bench.Spec(Qos::kNone));
  ASSERT_TRUE(seat.ok()) << seat.status();
  bench.Turn();
  EXPECT_EQ(subscriber.written.size(), 30u);
}

TEST(Each, unknown_rule_is_asked_of_a_source) {
  Bench bench;
  bench.connector->rule = std::nullopt;
  bench.connector->real_rule = connectors::Reset::kEarliest;
  for (int i = 0; i < 5; ++i) bench.log.Append(0, std::to_string(i));
  FakeSubscriber subscriber(bench.encoder);
  auto seat = bench.Attach(subscriber, bench.Spec(Qos::kNone));
  ASSERT_TRUE(IsOk(seat));
  bench.Turn();
  EXPECT_EQ(subscriber.written.size(), 5u);
}

TEST(Each, rule_none_refuses_who_has_no_position) {
  Bench bench;
  bench.connector->rule = connectors::Reset::kNone;
  bench.connector->real_rule = connectors::Reset::kNone;
  FakeSubscriber subscriber(bench.encoder);
  auto seat = bench.Attach(subscriber, bench.Spec(Qos::kAtMostOnce));
  ASSERT_FALSE(seat.ok());
  EXPECT_EQ(ClassOf(seat.status()), ErrorClass::kPositionUnavailable);
  EXPECT_FALSE(subscriber.ended);
}

TEST(Each, position_below_retention_is_refused) {
  Bench bench;
  for (int i = 0; i < 20; ++i) bench.log.Append(0, std::to_string(i));
  bench.log.partitions[0].start = 10;
  FakeSubscriber subscriber(bench.encoder);
  auto seat = bench.Attach(subscriber, bench.Spec(Qos::kAtLeastOnce, "t@0#3"));
  ASSERT_FALSE(seat.ok());
  EXPECT_EQ(ClassOf(seat.status()), ErrorClass::kPositionUnavailable);
  auto good = bench.Attach(subscriber, bench.Spec(Qos::kAtLeastOnce, "t@0#9"));
  EXPECT_TRUE(good.ok()) << good.status();
}

TEST(Each, position_beyond_the_end_is_refused) {
  Bench bench;
  bench.log.Append(0, "a");
  FakeSubscriber subscriber(bench.encoder);
  auto seat = bench.Attach(subscriber, bench.Spec(Qos::kAtLeastOnce, "t@0#4000"));
  ASSERT_FALSE(seat.ok());
  EXPECT_EQ(ClassOf(seat.status()), ErrorClass::kPositionUnavailable);
}

TEST(Each, position_of_an_unknown_partition_is_malformed) {
  Bench bench;
  FakeSubscriber subscriber(bench.encoder);
  auto seat = bench.Attach(subscriber, bench.Spec(Qos::kAtLeastOnce, "t@0#0,7#1;x@0#3"));
  ASSERT_FALSE(seat.ok());
  EXPECT_EQ(ReasonOf(seat.status()), "CURSOR_MALFORMED");
}

TEST(Each, slow_at_least_once_comes_back_without_loss) {
  Bench bench;
  FakeSubscriber slow(bench.encoder);
  FakeSubscriber fast(bench.encoder);
  slow.capacity = 8;
  auto one = bench.Attach(slow, bench.Spec(Qos::kAtLeastOnce));
  auto two = bench.Attach(fast, bench.Spec(Qos::kAtLeastOnce));
  slow.SetReading(false);
  for (int i = 0; i < 100; ++i) bench.log.Append(0, std::to_string(i));
  bench.Turn();
  EXPECT_EQ(fast.written.size(), 100u);
  EXPECT_EQ(slow.queue.size(), 8u);
  EXPECT_FALSE((*one)->caught_up());
  slow.SetReading(true);
  bench.Turn();
  ASSERT_EQ(slow.written.size(), 100u);
  EXPECT_EQ(slow.written, fast.written);
  EXPECT_EQ(slow.gaps, 0u);
  EXPECT_TRUE((*one)->caught_up());
}

TEST(Each, slow_at_most_once_drops_the_oldest_and_is_told) {
  Bench bench;
  FakeSubscriber slow(bench.encoder);
  slow.capacity = 8;
  slow.reading = false;
  auto seat = bench.Attach(slow, bench.Spec(Qos::kAtMostOnce));
  for (int i = 0; i < 100; ++i) bench.log.Append(0, std::to_string(i));
  bench.Turn();
  slow.SetReading(true);
  EXPECT_THAT(slow.written, ElementsAre("92", "93", "94", "95", "96", "97", "98", "99"));
  EXPECT_EQ(slow.gaps, 92u);
  EXPECT_EQ(bench.hub->stats().dropped, 92u);
}

TEST(Each, far_behind_after_a_stall_uses_a_catch_up_reader) {
  Bench bench;
  FakeSubscriber slow(bench.encoder);
  slow.capacity = 4;
  slow.reading = false;
  auto seat = bench.Attach(slow, bench.Spec(Qos::kAtLeastOnce));
  const std::string large(100 * 1024, 'x');
  for (int i = 0; i < 100; ++i) bench.log.Append(0, large);  // more than the ring holds
  bench.Turn();
  EXPECT_LE(bench.hub->stats().buffered_bytes, kRingBytes);
  slow.SetReading(true);
  bench.Turn();
  EXPECT_EQ(slow.written.size(), 100u);
  EXPECT_EQ(bench.connector->opened, 2);
  EXPECT_TRUE((*seat)->caught_up());
}

TEST(Each, a_partition_that_came_while_away_is_read_from_its_start) {
  Bench bench;
  FakeSubscriber slow(bench.encoder);
  slow.capacity = 4;
  slow.reading = false;
  auto seat = bench.Attach(slow, bench.Spec(Qos::kAtLeastOnce));
  const std::string large(100 * 1024, 'x');
  for (int i = 0; i < 100; ++i) bench.log.Append(0, large);  // more than the ring holds
  bench.Turn();
  bench.log.partitions.emplace_back();
  for (int i = 0; i < 5; ++i) bench.log.Append(1, "new" + std::to_string(i));
  bench.Turn();
  slow.SetReading(true);
  bench.Turn();
  EXPECT_EQ(std::count(slow.written.begin(), slow.written.end(), large), 100);
  EXPECT_EQ(slow.written.size(), 105u);
  EXPECT_EQ((*seat)->Id(), "t@0#99,1#4");
}

TEST(Each, lost_retention_while_away_is_an_error_not_silence) {
  Bench bench;
  FakeSubscriber slow(bench.encoder);
  slow.capacity = 4;
  slow.reading = false;
  auto seat = bench.Attach(slow, bench.Spec(Qos::kAtLeastOnce));
  const std::string large(100 * 1024, 'x');
  for (int i = 0; i < 100; ++i) bench.log.Append(0, large);
  bench.Turn();
  bench.log.partitions[0].start = 50;
  slow.SetReading(true);
  bench.Turn();
  ASSERT_TRUE(slow.ended);
  EXPECT_EQ(slow.reason, EndReason::kFailed);
  EXPECT_EQ(ClassOf(slow.status), ErrorClass::kPositionUnavailable);
}

TEST(Each, a_control_record_at_the_end_does_not_keep_a_catch_up_reader) {
  Bench bench;
  for (int i = 0; i < 5; ++i) bench.log.Append(0, std::to_string(i));
  bench.log.AppendMarker(0);
  FakeSubscriber subscriber(bench.encoder);
  auto seat = bench.Attach(subscriber, bench.Spec(Qos::kAtLeastOnce, "t@0#1"));
  ASSERT_TRUE(IsOk(seat));
  bench.Turn();
  EXPECT_THAT(subscriber.written, ElementsAre("2", "3", "4"));
  bench.Pass(std::chrono::milliseconds(1500));
  EXPECT_TRUE((*seat)->caught_up());
  EXPECT_EQ(bench.connector->open_sources, 1);
  bench.log.Append(0, "6");
  bench.Turn();
  EXPECT_EQ(subscriber.written.back(), "6");
}

TEST(Each, failure_of_the_source_ends_the_subscribers) {
  Bench bench;
  FakeSubscriber subscriber(bench.encoder);
  auto seat = bench.Attach(subscriber, bench.Spec(Qos::kAtLeastOnce));
  bench.log.failure = MakeError(ErrorClass::kNotAuthorized, "fetch: not allowed");
  bench.log.Wake();
  bench.Turn();
  ASSERT_TRUE(subscriber.ended);
  EXPECT_EQ(subscriber.reason, EndReason::kFailed);
  EXPECT_EQ(ClassOf(subscriber.status), ErrorClass::kNotAuthorized);
  EXPECT_EQ(bench.hub->stats().live_readers, 0u);
  // The next one gets a new reader.
  bench.log.failure = OkStatus();
  FakeSubscriber again(bench.encoder);
  EXPECT_TRUE(IsOk(bench.Attach(again, bench.Spec(Qos::kAtLeastOnce))));
}

TEST(Each, failure_to_open_is_the_answer_of_attach) {
  Bench bench;
  bench.connector->open_failure = MakeError(ErrorClass::kConnectFailed, "connect: refused");
  FakeSubscriber subscriber(bench.encoder);
  auto seat = bench.Attach(subscriber, bench.Spec(Qos::kNone));
  ASSERT_FALSE(seat.ok());
  EXPECT_EQ(ClassOf(seat.status()), ErrorClass::kConnectFailed);
  EXPECT_FALSE(subscriber.ended);
  EXPECT_EQ(bench.hub->stats().subscribers, 0u);
}

TEST(Each, reader_lingers_for_the_next_poll_and_then_closes) {
  Bench bench;
  FakeSubscriber first(bench.encoder);
  auto seat = bench.Attach(first, bench.Spec(Qos::kAtLeastOnce));
  const std::string id = (*seat)->Id();
  seat->reset();
  bench.log.Append(0, "between");
  bench.Turn();
  FakeSubscriber second(bench.encoder);
  auto again = bench.Attach(second, bench.Spec(Qos::kAtLeastOnce, "t@0#-1"));
  ASSERT_TRUE(again.ok()) << again.status();
  bench.Turn();
  EXPECT_THAT(second.written, ElementsAre("between"));
  EXPECT_EQ(bench.connector->opened, 1);
  again->reset();
  bench.Pass(std::chrono::milliseconds(11000));
  EXPECT_EQ(bench.hub->stats().live_readers, 0u);
  EXPECT_EQ(bench.connector->open_sources, 0);
}

TEST(Each, subscribers_of_other_workers_are_served_by_posts) {
  Bench bench(2, 3);
  std::vector<std::unique_ptr<FakeSubscriber>> subscribers;
  std::vector<AttachmentPtr> seats;
  for (std::size_t i = 0; i < 6; ++i) {
    subscribers.push_back(std::make_unique<FakeSubscriber>(bench.encoder));
    auto seat = bench.Attach(*subscribers.back(), bench.Spec(Qos::kAtLeastOnce), i % 3);
    ASSERT_TRUE(IsOk(seat));
    seats.push_back(std::move(*seat));
  }
  for (int i = 0; i < 20; ++i) bench.log.Append(i % 2, std::to_string(i));
  bench.Turn();
  for (const auto& subscriber : subscribers) EXPECT_EQ(subscriber->written.size(), 20u);
  EXPECT_EQ(bench.connector->opened, 1);
}

TEST(Each, overriding_topics_cannot_make_readers_without_end) {
  Bench bench;
  std::vector<std::unique_ptr<FakeSubscriber>> subscribers;
  std::vector<AttachmentPtr> seats;
  const auto come = [&](std::size_t i) {
    subscribers.push_back(std::make_unique<FakeSubscriber>(bench.encoder));
    SubscribeSpec spec = bench.Spec(Qos::kNone);
    spec.topics.push_back("t" + std::to_string(i));
    return bench.Attach(*subscribers.back(), std::move(spec));
  };
  for (std::size_t i = 0; i < kLiveReadersPerEndpointMax; ++i) {
    auto seat = come(i);
    ASSERT_TRUE(IsOk(seat));
    seats.push_back(std::move(*seat));
  }
  auto refused = come(1000);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(ReasonOf(refused.status()), "BROKER_CLIENTS_EXHAUSTED");
  seats.pop_back();
  bench.Turn();
  EXPECT_TRUE(IsOk(come(1001)));  // one that only lingered made room
}

TEST(Each, shutdown_says_goaway_and_closes_everything) {
  Bench bench(1, 2);
  FakeSubscriber one(bench.encoder);
  FakeSubscriber two(bench.encoder);
  auto first = bench.Attach(one, bench.Spec(Qos::kAtLeastOnce), 0);
  auto second = bench.Attach(two, bench.Spec(Qos::kNone), 1);
  bench.pool.at(0).Spawn("test", bench.hub->Shutdown(TimePoint::max(), bench.pool.at(0)));
  bench.Turn();
  EXPECT_TRUE(one.ended && two.ended);
  EXPECT_EQ(one.reason, EndReason::kGoaway);
  EXPECT_EQ(bench.hub->stats().live_readers, 0u);
  FakeSubscriber late(bench.encoder);
  EXPECT_FALSE(bench.Attach(late, bench.Spec(Qos::kNone)).ok());
}

}  // namespace
}  // namespace tidegate::flow
