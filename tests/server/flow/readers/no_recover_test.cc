// Brokers that cannot replay: no ids, no positions, no catch-up; what comes is what there is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/limits.h"
#include "server/flow/group_reader.h"
#include "tests/server/flow/readers/fakes.h"
#include "tests/support/is_ok.h"

namespace tidegate::flow {
namespace {

using connectors::Qos;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

struct Passing : testing::Test {
  explicit Passing(std::size_t workers = 1) : bench(1, workers) {
    bench.connector->offer.recover = false;
    // What a connector without positions says must not be asked, let alone believed.
    bench.connector->rule = connectors::Reset::kNone;
  }
  SubscribeSpec Group(Qos qos) {
    SubscribeSpec spec;
    spec.qos = qos;
    spec.share = connectors::Share::kGroup;
    spec.broker_name = "tidegate.a.e.c";
    return spec;
  }
  void Append(int from, int count) {
    for (int i = from; i < from + count; ++i) bench.log.Append(0, std::to_string(i));
  }
  Bench bench;
};

// Topic and metadata of a message as the encoder finds them.
class WholeEncoder final : public Encoder {
 public:
  std::string_view key() const override { return "whole"; }
  bool wants_headers() const override { return true; }
  bool wants_id() const override { return true; }
  void Encode(const connectors::Message& message, std::string_view id,
              std::string& out) const override {
    out += id;
    out += '|';
    out += message.content;
    out += '@';
    out += message.topic;
    for (const auto& entry : message.metadata) out += " " + entry.name + "=" + entry.value;
    out += " " + std::to_string(message.partition) + "#" + std::to_string(message.offset);
  }
};

TEST_F(Passing, one_source_serves_all_with_what_comes_from_now_on) {
  Append(0, 3);
  FakeSubscriber one(bench.encoder);
  FakeSubscriber two(bench.encoder);
  auto first = bench.Attach(one, bench.Spec(Qos::kNone));
  ASSERT_TRUE(first.ok()) << first.status();
  Append(3, 2);
  bench.Turn();
  auto second = bench.Attach(two, bench.Spec(Qos::kNone));
  ASSERT_TRUE(second.ok()) << second.status();
  Append(5, 2);
  bench.Turn();
  EXPECT_THAT(one.written, ElementsAre("3", "4", "5", "6"));
  EXPECT_THAT(two.written, ElementsAre("5", "6"));
  EXPECT_THAT(one.ids, Each(""));
  EXPECT_EQ((*first)->Id(), "");
  EXPECT_TRUE((*second)->caught_up());
  EXPECT_EQ(bench.connector->opened, 1);
  EXPECT_EQ(bench.encoder->encoded, 4);
}

TEST_F(Passing, every_worker_gets_every_message_once) {
  Bench wide(1, 2);
  wide.connector->offer.recover = false;
  FakeSubscriber one(wide.encoder);
  FakeSubscriber two(wide.encoder);
  auto first = wide.Attach(one, wide.Spec(Qos::kNone), 0);
  auto second = wide.Attach(two, wide.Spec(Qos::kNone), 1);
  ASSERT_TRUE(first.ok() && second.ok());
  for (int i = 0; i < 300; ++i) {
    wide.log.Append(0, std::to_string(i));
    if (i % 7 == 0) wide.Turn();
  }
  wide.Turn();
  EXPECT_EQ(one.written.size(), 300u);
  EXPECT_EQ(one.written, two.written);
  EXPECT_EQ(wide.connector->opened, 1);
}

TEST_F(Passing, a_slow_one_loses_the_oldest_is_told_and_slows_nobody) {
  FakeSubscriber slow(bench.encoder);
  FakeSubscriber fast(bench.encoder);
  slow.capacity = 5;
  slow.reading = false;
  auto one = bench.Attach(slow, bench.Spec(Qos::kNone));
  auto two = bench.Attach(fast, bench.Spec(Qos::kNone));
  Append(0, 20);
  bench.Turn();
  EXPECT_EQ(fast.written.size(), 20u);
  EXPECT_EQ(slow.gaps, 15u);
  slow.SetReading(true);
  Append(20, 1);
  bench.Turn();
  EXPECT_THAT(slow.written, ElementsAre("15", "16", "17", "18", "19", "20"));
  EXPECT_EQ(bench.hub->stats().dropped, 15u);
  EXPECT_EQ(bench.connector->opened, 1);
  EXPECT_EQ(bench.hub->stats().catch_up_readers, 0u);
}

// Between Placed and the return of Attach nothing is pushed, while the reader goes on.
TEST_F(Passing, one_that_the_ring_overtakes_goes_on_behind_a_gap) {
  FakeSubscriber first(bench.encoder);
  auto live = bench.Attach(first, bench.Spec(Qos::kNone));
  first.keeps = false;
  FakeSubscriber late(bench.encoder);
  late.capacity = 1;
  late.reading = false;
  auto seat = bench.Attach(late, bench.Spec(Qos::kNone));
  ASSERT_TRUE(IsOk(seat));
  const std::string large(100'000, 'x');
  for (int i = 0; i < 100; ++i) {  // twice the ring
    bench.log.Append(0, large + std::to_string(i));
    bench.Turn();
  }
  late.SetReading(true);
  bench.Turn();
  ASSERT_FALSE(late.ended);
  bench.log.Append(0, "last");
  bench.Turn();
  EXPECT_EQ(late.written.back(), "last");
  EXPECT_GT(late.gap_events, 0);
  EXPECT_EQ(late.received + late.gaps, 101u);
  EXPECT_EQ(bench.connector->opened, 1);
  EXPECT_LE(bench.hub->stats().buffered_bytes, 5u * 1024 * 1024);
}

TEST_F(Passing, a_position_is_not_used) {
  Append(0, 5);
  FakeSubscriber one(bench.encoder);
  auto seat = bench.Attach(one, bench.Spec(Qos::kNone, "t@0#1"));
  ASSERT_TRUE(seat.ok()) << seat.status();
  Append(5, 1);
  bench.Turn();
  EXPECT_THAT(one.written, ElementsAre("5"));
}

TEST_F(Passing, what_a_message_carries_survives_its_batch) {
  const auto encoder = std::make_shared<WholeEncoder>();
  FakeSubscriber one(encoder);
  one.reading = false;
  one.capacity = 2;
  auto seat = bench.Attach(one, bench.Spec(Qos::kNone));
  Append(0, 2);
  bench.Turn();
  one.SetReading(true);
  Append(2, 1);
  bench.Turn();
  EXPECT_THAT(one.written, ElementsAre("0@t/0 routingKey=t/0 -1#-1", "1@t/1 routingKey=t/1 -1#-1",
                                       "2@t/2 routingKey=t/2 -1#-1"));
}

// Its frames are made from the ring, when the batch has long been overwritten.
TEST_F(Passing, the_ring_keeps_all_of_a_message) {
  FakeSubscriber first(bench.encoder);
  auto live = bench.Attach(first, bench.Spec(Qos::kNone));
  FakeSubscriber late(std::make_shared<WholeEncoder>());
  const auto attach = bench.StartAttach(late, bench.Spec(Qos::kNone));
  // Just far enough that it has its place in the ring, and has not said yet that it is ready.
  for (int i = 0; i < 100 && !attach->done; ++i) {
    Append(i, 1);
    bench.pool.at(0).context().restart();
    bench.pool.at(0).context().poll_one();
  }
  bench.Turn();
  ASSERT_TRUE(attach->done && attach->value.ok());
  ASSERT_FALSE(late.written.empty());
  for (const std::string& text : late.written) {
    const std::string number = text.substr(0, text.find('@'));
    EXPECT_EQ(text, number + "@t/" + number + " routingKey=t/" + number + " -1#-1");
  }
  EXPECT_FALSE(late.out_of_order);
}

TEST_F(Passing, a_failure_ends_all_and_the_next_opens_anew) {
  FakeSubscriber one(bench.encoder);
  auto seat = bench.Attach(one, bench.Spec(Qos::kNone));
  bench.log.failure = MakeError(ErrorClass::kConnectionClosed, "gone for good");
  bench.log.Wake();
  bench.Turn();
  ASSERT_TRUE(one.ended);
  EXPECT_EQ(one.reason, EndReason::kFailed);
  EXPECT_EQ(ClassOf(one.status), ErrorClass::kConnectionClosed);
  bench.log.failure = OkStatus();
  FakeSubscriber two(bench.encoder);
  auto again = bench.Attach(two, bench.Spec(Qos::kNone));
  ASSERT_TRUE(again.ok()) << again.status();
  Append(0, 1);
  bench.Turn();
  EXPECT_THAT(two.written, ElementsAre("0"));
}

TEST_F(Passing, at_least_once_is_a_group_that_acknowledges_what_was_written) {
  FakeSubscriber one(bench.encoder);
  one.reading = false;
  auto seat = bench.Attach(one, Group(Qos::kAtLeastOnce));
  ASSERT_TRUE(seat.ok()) << seat.status();
  EXPECT_EQ((*seat)->Id(), "");
  Append(0, 3);
  bench.Turn();
  const FakeGroup& group = bench.connector->groups["tidegate.a.e.c"];
  EXPECT_THAT(group.acked, IsEmpty());
  EXPECT_EQ(group.in_flight, 3u);
  one.Write(2);
  bench.Turn();
  EXPECT_THAT(group.acked, ElementsAre("0", "1"));
  EXPECT_THAT(one.ids, Each(""));
}

TEST_F(Passing, what_an_ended_one_did_not_write_goes_to_another) {
  FakeSubscriber one(bench.encoder);
  FakeSubscriber two(bench.encoder);
  one.reading = false;
  one.capacity = 4;
  auto first = bench.Attach(one, Group(Qos::kAtLeastOnce));
  Append(0, 4);
  bench.Turn();
  one.Write(1);
  auto second = bench.Attach(two, Group(Qos::kAtLeastOnce));
  EXPECT_THAT(two.written, IsEmpty());
  first->reset();
  bench.Turn();
  EXPECT_THAT(two.written, UnorderedElementsAre("1", "2", "3"));
  EXPECT_EQ(bench.connector->groups["tidegate.a.e.c"].in_flight, 0u);
  EXPECT_EQ(bench.connector->groups["tidegate.a.e.c"].acked.size(), 4u);
}

TEST_F(Passing, what_goes_through_is_counted) {
  const EndpointTraffic& traffic = *OfEndpoint("counted", "broker");
  SubscribeSpec spec = Group(Qos::kAtLeastOnce);
  spec.api = "counted";
  spec.endpoint = "broker";
  FakeSubscriber one(bench.encoder);
  one.reading = false;
  auto seat = bench.Attach(one, spec);
  Append(0, 5);
  bench.Turn();
  EXPECT_EQ(traffic.received->Value(), 5u);
  EXPECT_EQ(traffic.unsettled->Value(), 5);
  one.Write(2);
  EXPECT_EQ(traffic.acked->Value(), 2u);
  EXPECT_EQ(traffic.unsettled->Value(), 3);
  EXPECT_EQ(traffic.ack_seconds->Read().count, 2u);
  seat->reset();
  bench.Turn();
  EXPECT_EQ(traffic.nacked->Value(), 3u);
  EXPECT_EQ(traffic.unsettled->Value(), 0);
  SubscribeSpec each = bench.Spec(Qos::kNone);
  each.api = "counted";
  each.endpoint = "broker";
  auto other = bench.Attach(one, each);
  // A Next that was under way has taken back what came again: nobody is there, it waits.
  const std::uint64_t before = traffic.received->Value();
  Append(5, 2);
  bench.Turn();
  EXPECT_GE(traffic.received->Value(), before + 2);
  EXPECT_EQ(traffic.acked->Value() + traffic.nacked->Value(), 5u);
}

TEST_F(Passing, large_messages_wait_at_the_broker_not_at_the_seat) {
  bench.connector->batch_max = 4;
  FakeSubscriber stuck(bench.encoder);
  stuck.refuses = true;  // it has demand by count, but takes nothing
  auto seat = bench.Attach(stuck, Group(Qos::kAtLeastOnce));
  const std::string large(300'000, 'x');
  for (int i = 0; i < 100; ++i) bench.log.Append(0, large);
  bench.Turn();
  const FakeGroup& group = bench.connector->groups["tidegate.a.e.c"];
  EXPECT_LE(group.in_flight, kGroupSeatBytes / 300'000 + 4);
  EXPECT_GE(group.in_flight, 4u);
  // Another takes the rest, and the stuck one goes on when it can.
  FakeSubscriber other(bench.encoder);
  auto second = bench.Attach(other, Group(Qos::kAtLeastOnce));
  bench.Turn();
  EXPECT_GT(other.written.size(), 80u);
  stuck.refuses = false;
  stuck.attachment->OnRoom();
  bench.Turn();
  EXPECT_EQ(stuck.written.size() + other.written.size(), 100u);
  for (int i = 0; i < 10; ++i) bench.log.Append(0, "more");
  bench.Turn();
  EXPECT_EQ(stuck.written.size() + other.written.size(), 110u);
  EXPECT_EQ(group.in_flight, 0u);
}

}  // namespace
}  // namespace tidegate::flow
