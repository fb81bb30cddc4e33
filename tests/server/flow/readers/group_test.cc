// Group: each message to exactly one consumer of a client identifier.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/limits.h"
#include "tests/server/flow/readers/fakes.h"
#include "tests/support/is_ok.h"

namespace tidegate::flow {
namespace {

using connectors::Qos;
using testing::ElementsAre;
using testing::UnorderedElementsAreArray;

SubscribeSpec Group(Qos qos, std::string name = "tidegate.a.e.c") {
  SubscribeSpec spec;
  spec.qos = qos;
  spec.share = connectors::Share::kGroup;
  spec.broker_name = std::move(name);
  return spec;
}

TEST(Group, every_message_goes_to_exactly_one) {
  Bench bench(2, 2);
  FakeSubscriber one(bench.encoder);
  FakeSubscriber two(bench.encoder);
  auto first = bench.Attach(one, Group(Qos::kAuto), 0);
  auto second = bench.Attach(two, Group(Qos::kAuto), 1);
  ASSERT_TRUE(first.ok() && second.ok());
  std::vector<std::string> sent;
  for (int i = 0; i < 40; ++i) {
    sent.push_back(std::to_string(i));
    bench.log.Append(i % 2, sent.back());
  }
  bench.Turn();
  std::vector<std::string> got = one.written;
  got.insert(got.end(), two.written.begin(), two.written.end());
  EXPECT_THAT(got, UnorderedElementsAreArray(sent));
  EXPECT_EQ(one.written.size(), 20u);
  EXPECT_EQ(bench.hub->stats().group_readers, 1u);
  EXPECT_EQ(one.ids.front(), "");
  EXPECT_EQ((*first)->Id(), "");
}

TEST(Group, readers_of_one_connector_can_be_ended) {
  Bench bench;
  FakeSubscriber grouped(bench.encoder);
  FakeSubscriber each(bench.encoder);
  auto first = bench.Attach(grouped, Group(Qos::kAuto));
  auto second = bench.Attach(each, bench.Spec(Qos::kNone));
  ASSERT_TRUE(first.ok() && second.ok());
  FakeConnector stranger(bench.log);
  bench.hub->EndReadersOf(stranger);
  bench.Turn();
  EXPECT_FALSE(grouped.ended || each.ended);
  bench.hub->EndReadersOf(*bench.connector);
  bench.Turn();
  EXPECT_TRUE(grouped.ended && each.ended);
  EXPECT_EQ(grouped.reason, EndReason::kGoaway);
  EXPECT_EQ(each.reason, EndReason::kGoaway);
}

TEST(Group, nobody_has_demand_and_the_source_is_not_asked) {
  Bench bench;
  FakeSubscriber one(bench.encoder);
  one.reading = false;
  one.capacity = 10;
  auto seat = bench.Attach(one, Group(Qos::kAuto));
  for (int i = 0; i < 100; ++i) bench.log.Append(0, std::to_string(i));
  bench.Turn();
  EXPECT_EQ(one.queue.size(), 10u);
  EXPECT_EQ(bench.connector->groups["tidegate.a.e.c"].next[0], 10u);
  one.SetReading(true);
  bench.Turn();
  EXPECT_EQ(one.written.size(), 100u);
}

// The socket takes all while it is written to, and tells of room from within.
TEST(Group, what_did_not_fit_follows_though_nothing_new_comes) {
  Bench bench;
  FakeSubscriber one(bench.encoder);
  one.capacity = 10;
  one.promised = 100;
  auto seat = bench.Attach(one, Group(Qos::kAuto));
  bench.Turn();
  bench.connector->batch_max = 100;
  for (int i = 0; i < 45; ++i) bench.log.Append(0, std::to_string(i));
  bench.Turn();
  EXPECT_EQ(one.written.size(), 45u);
}

TEST(Group, slow_one_leaves_the_messages_to_the_other) {
  Bench bench;
  FakeSubscriber slow(bench.encoder);
  FakeSubscriber fast(bench.encoder);
  slow.reading = false;
  slow.capacity = 3;
  auto one = bench.Attach(slow, Group(Qos::kAuto));
  auto two = bench.Attach(fast, Group(Qos::kAuto));
  for (int i = 0; i < 50; ++i) bench.log.Append(0, std::to_string(i));
  bench.Turn();
  EXPECT_EQ(slow.queue.size(), 3u);
  EXPECT_EQ(fast.written.size(), 47u);
}

TEST(Group, at_least_once_acknowledges_what_was_written) {
  Bench bench;
  FakeSubscriber one(bench.encoder);
  one.reading = false;
  auto seat = bench.Attach(one, Group(Qos::kAtLeastOnce));
  for (int i = 0; i < 5; ++i) bench.log.Append(0, std::to_string(i));
  bench.Turn();
  FakeGroup& group = bench.connector->groups["tidegate.a.e.c"];
  EXPECT_THAT(group.acked, ElementsAre());
  one.Write(2);
  bench.Turn();
  EXPECT_THAT(group.acked, ElementsAre("0", "1"));
  // What was not written goes to whoever is there, in full.
  seat->reset();
  bench.Turn();
  FakeSubscriber two(bench.encoder);
  auto next = bench.Attach(two, Group(Qos::kAtLeastOnce));
  bench.Turn();
  EXPECT_THAT(two.written, UnorderedElementsAreArray({"2", "3", "4"}));
  EXPECT_EQ(group.acked.size(), 5u);
  EXPECT_EQ(group.in_flight, 0u);
}

TEST(Group, auto_acknowledges_at_hand_over) {
  Bench bench;
  FakeSubscriber one(bench.encoder);
  one.reading = false;
  auto seat = bench.Attach(one, Group(Qos::kAuto));
  bench.log.Append(0, "a");
  bench.Turn();
  EXPECT_THAT(bench.connector->groups["tidegate.a.e.c"].acked, ElementsAre("a"));
}

// An SSE stream at-least-once beside a WebSocket with auto: the broker is told of each promise, or
// it would forget what the first has not written yet.
TEST(Group, another_promise_is_another_subscription) {
  Bench bench;
  FakeSubscriber careless(bench.encoder);
  FakeSubscriber careful(bench.encoder);
  auto one = bench.Attach(careless, Group(Qos::kAuto));
  auto two = bench.Attach(careful, Group(Qos::kAtLeastOnce));
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_THAT(bench.connector->levels, ElementsAre(Qos::kAuto, Qos::kAtLeastOnce));
}

// A change of the endpoint makes another connector; whoever comes back finds the place free.
TEST(Group, one_that_only_lingers_gives_way_to_the_same_name) {
  Bench bench(1, 2);
  FakeSubscriber before(bench.encoder);
  FakeSubscriber other(bench.encoder);
  FakeSubscriber after(bench.encoder);
  auto lingers = bench.Attach(before, Group(Qos::kAuto), 1);
  auto stays = bench.Attach(other, Group(Qos::kAuto, "tidegate.a.e.other"), 1);
  lingers->reset();
  bench.Turn();
  EXPECT_EQ(bench.hub->stats().group_readers, 2u);
  auto comes = bench.Attach(after, Group(Qos::kAtLeastOnce), 0);
  ASSERT_TRUE(IsOk(comes));
  bench.Turn();
  EXPECT_EQ(bench.hub->stats().group_readers, 2u);
  EXPECT_FALSE(other.ended);
  bench.log.Append(0, "x");
  bench.Turn();
  EXPECT_THAT(after.written, ElementsAre("x"));
}

TEST(Group, too_many_groups_are_refused_and_idle_ones_make_room) {
  Bench bench;
  std::vector<std::unique_ptr<FakeSubscriber>> subscribers;
  std::vector<AttachmentPtr> seats;
  for (std::size_t i = 0; i < kGroupsPerEndpointMax; ++i) {
    subscribers.push_back(std::make_unique<FakeSubscriber>(bench.encoder));
    auto seat = bench.Attach(*subscribers.back(), Group(Qos::kAuto, "g" + std::to_string(i)));
    ASSERT_TRUE(IsOk(seat));
    seats.push_back(std::move(*seat));
  }
  FakeSubscriber more(bench.encoder);
  auto refused = bench.Attach(more, Group(Qos::kAuto, "one-more"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(ReasonOf(refused.status()), "BROKER_CLIENTS_EXHAUSTED");
  EXPECT_EQ(refused.status().code(), StatusCode::kResourceExhausted);
  seats.pop_back();
  bench.Turn();
  EXPECT_TRUE(IsOk(bench.Attach(more, Group(Qos::kAuto, "one-more"))));
  seats.clear();
}

TEST(Group, failure_ends_all_and_completion_is_told_apart) {
  Bench bench;
  FakeSubscriber one(bench.encoder);
  auto seat = bench.Attach(one, Group(Qos::kAuto));
  bench.log.failure = WithReason(OutOfRange("all read"), "SOURCE_COMPLETED");
  bench.log.Wake();
  bench.Turn();
  ASSERT_TRUE(one.ended);
  EXPECT_EQ(one.reason, EndReason::kCompleted);
  EXPECT_EQ(bench.hub->stats().group_readers, 0u);
}

TEST(Group, lingers_and_closes) {
  Bench bench;
  FakeSubscriber one(bench.encoder);
  auto seat = bench.Attach(one, Group(Qos::kAuto));
  seat->reset();
  bench.Turn();
  EXPECT_EQ(bench.hub->stats().group_readers, 1u);
  bench.Pass(std::chrono::milliseconds(11'000));
  EXPECT_EQ(bench.hub->stats().group_readers, 0u);
  EXPECT_EQ(bench.hub->stats().subscribers, 0u);
}

}  // namespace
}  // namespace tidegate::flow
