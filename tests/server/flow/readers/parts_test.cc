// Small parts: frames, names, lanes, the ring, the event, coalescing.
#include <gtest/gtest.h>

#include "server/base/limits.h"
#include "server/flow/broker_name.h"
#include "server/flow/flush_window.h"
#include "server/flow/lanes.h"
#include "server/flow/ring.h"
#include "tests/server/flow/readers/fakes.h"

namespace tidegate::flow {
namespace {

TEST(Frame, is_shared_and_keeps_its_place) {
  FramePtr frame = FramePtr::Make("bytes", Place(3, 1, 42), 7);
  const FramePtr other = frame;
  frame = FramePtr();
  EXPECT_FALSE(frame);
  EXPECT_EQ(other->bytes(), "bytes");
  EXPECT_EQ(other->place().lane, 3u);
  EXPECT_EQ(other->place().offset, 42);
  EXPECT_EQ(other->timestamp_ms(), 7);
}

constexpr auto kGroup = connectors::Share::kGroup;
constexpr auto kEach = connectors::Share::kEach;

TEST(BrokerName, plain_parts_are_kept) {
  EXPECT_EQ(BrokerName("orders", "kafka-1", "10.0.0.1", kGroup),
            "tidegate.orders.kafka-1.10.0.0.1");
  EXPECT_EQ(BrokerName("orders", "kafka-1", "10.0.0.1", kEach),
            "tidegate.orders.kafka-1.10.0.0.1.each");
}

TEST(BrokerName, different_clients_never_share_a_name) {
  const std::string slash = BrokerName("a", "e", "x/y", kGroup);
  const std::string colon = BrokerName("a", "e", "x:y", kGroup);
  EXPECT_NE(slash, colon);
  EXPECT_EQ(slash.find('/'), std::string::npos);
  EXPECT_NE(BrokerName("a.b", "c", "d", kGroup), BrokerName("a", "b.c", "d", kGroup));
  EXPECT_EQ(slash, BrokerName("a", "e", "x/y", kGroup));
}

TEST(BrokerName, a_group_never_has_the_name_of_who_reads_for_itself) {
  for (const std::string& client : {std::string("x"), std::string(500, 'c')}) {
    EXPECT_NE(BrokerName("a", "e", client, kEach), BrokerName("a", "e", client, kGroup));
    EXPECT_NE(BrokerName("a", "e", client, kEach), BrokerName("a", "e", client + ".each", kGroup));
  }
}

TEST(BrokerName, long_ones_are_cut_and_hashed) {
  for (const connectors::Share share : {kGroup, kEach}) {
    const std::string one = BrokerName("a", "e", std::string(500, 'c') + "1", share);
    const std::string two = BrokerName("a", "e", std::string(500, 'c') + "2", share);
    EXPECT_EQ(one.size(), 200u);
    EXPECT_NE(one, two);
  }
  // The mark counts: with it this one is too long.
  EXPECT_EQ(BrokerName("a", "e", std::string(200 - 13 - 3, 'c'), kEach).size(), 200u);
}

TEST(Lanes, lane_found_later_is_read_from_its_start) {
  EXPECT_TRUE(CoversAll({5, 9}, {5}));
  EXPECT_FALSE(CoversAll({5}, {5, 0}));
  EXPECT_TRUE(CoversAll({5}, {5, -1}));
  EXPECT_FALSE(CoversAll({5, kUnnamed}, {5}));
  EXPECT_EQ(LanesAhead({6, 9}, {5, 9}), 1u);
  EXPECT_EQ(Distance({5, 9}, {7, 10}), 3);
}

TEST(Lanes, a_clients_position_adds_no_lane) {
  LaneTable table;
  table.LaneOf("t", 0);
  std::size_t unknown = 0;
  const Offsets offsets = table.FromPosition(*connectors::Position::Parse("t@0#4,9#1"), unknown);
  EXPECT_EQ(unknown, 1u);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(offsets, (Offsets{4}));
}

class RingTest : public testing::Test {
 protected:
  void Add(std::uint32_t lane, std::int64_t offset, std::size_t size = 100) {
    const std::string text(size, 'x');
    connectors::Message message;
    message.content = text;
    message.offset = offset;
    ring_.Settle(ring_.Add(message, lane));
  }
  Ring ring_{20'000};
};

TEST_F(RingTest, seek_finds_the_first_message_that_is_missing) {
  ring_.Begin({-1, -1});
  Add(0, 0);
  Add(1, 0);
  Add(0, 1);
  Offsets at;
  EXPECT_EQ(ring_.Seek({0, -1}, at), ring_.first() + 1);
  EXPECT_EQ(at, (Offsets{0, -1}));
  EXPECT_EQ(ring_.Seek({1, 0}, at), ring_.end());
  // Far in lane 0, but the message of lane 1 is missing.
  EXPECT_EQ(ring_.Seek({1, -1}, at), ring_.first() + 1);
}

TEST_F(RingTest, eviction_moves_the_base) {
  ring_.Begin({-1});
  for (int i = 0; i < 100; ++i) Add(0, i);
  EXPECT_LE(ring_.bytes(), 20'000u);
  EXPECT_EQ(ring_.end(), 101u);
  EXPECT_EQ(ring_.base()[0], static_cast<std::int64_t>(ring_.first()) - 2);
  EXPECT_EQ(ring_.at(ring_.first()).offset, ring_.base()[0] + 1);
}

TEST_F(RingTest, keeps_bytes_that_nothing_holds) {
  ring_.Begin({-1});
  for (int i = 0; i < 40; ++i) {
    const std::string text = "s" + std::to_string(i);
    connectors::Message message;
    message.content = text;
    message.key = text;
    message.offset = i;
    ring_.Settle(ring_.Add(message, 0));
  }
  for (std::uint64_t i = ring_.first(); i < ring_.end(); ++i) {
    const std::string expected = "s" + std::to_string(ring_.at(i).offset);
    EXPECT_EQ(ring_.at(i).message.content, expected);
    EXPECT_EQ(*ring_.at(i).message.key, expected);
  }
}

// Wants its frames together.
class Patient final : public Subscriber {
 public:
  explicit Patient(FakeSubscriber& inner) : inner_(inner) {}
  const std::shared_ptr<const Encoder>& encoder() const override { return inner_.encoder(); }
  std::size_t Demand() const override { return inner_.Demand(); }
  bool Push(FramePtr frame) override { return inner_.Push(std::move(frame)); }
  void Flush() override {
    ++flushes;
    inner_.Flush();
  }
  void OnGap(std::uint64_t count) override { inner_.OnGap(count); }
  void OnEnd(EndReason reason, const Status& status) override { inner_.OnEnd(reason, status); }
  std::optional<std::chrono::milliseconds> coalesce() const override {
    return std::chrono::milliseconds(1);
  }
  int flushes = 0;

 private:
  FakeSubscriber& inner_;
};

// A subscriber that only counts, with a wish for company.
class Counting final : public Subscriber {
 public:
  explicit Counting(std::optional<std::chrono::milliseconds> wish) : wish_(wish) {}
  const std::shared_ptr<const Encoder>& encoder() const override { return encoder_; }
  std::size_t Demand() const override { return 1; }
  bool Push(FramePtr) override { return true; }
  void Flush() override { ++flushes; }
  void OnGap(std::uint64_t) override {}
  void OnEnd(EndReason, const Status&) override {}
  std::optional<std::chrono::milliseconds> coalesce() const override { return wish_; }
  int flushes = 0;

 private:
  const std::optional<std::chrono::milliseconds> wish_;
  const std::shared_ptr<const Encoder> encoder_;
};

TEST(FlushWindow, frames_wait_for_company_as_long_as_was_asked) {
  net::Worker worker(0, 0);
  Counting subscriber(std::chrono::milliseconds(5));
  FlushWindow window(worker, true);
  for (int i = 0; i < 10; ++i) window.Pushed(subscriber, 1, false);
  EXPECT_EQ(subscriber.flushes, 0);
  worker.context().run();  // until the one timer has fired
  EXPECT_EQ(subscriber.flushes, 1);
  window.Pushed(subscriber, 0, false);  // nothing new: nothing is waited for
  worker.context().restart();
  worker.context().run();
  EXPECT_EQ(subscriber.flushes, 1);
}

TEST(FlushWindow, a_full_subscriber_and_a_full_batch_are_written_at_once) {
  net::Worker worker(0, 0);
  Counting subscriber(std::chrono::milliseconds(1000));
  FlushWindow window(worker, false);
  window.Pushed(subscriber, 3, true);
  EXPECT_EQ(subscriber.flushes, 1);
  window.Pushed(subscriber, kCoalesceMessagesMax - 1, false);
  EXPECT_EQ(subscriber.flushes, 1);
  window.Pushed(subscriber, 1, false);
  EXPECT_EQ(subscriber.flushes, 2);
  worker.context().run();  // the timer was taken back
  EXPECT_EQ(subscriber.flushes, 2);
}

TEST(FlushWindow, without_a_wish_slow_messages_go_at_once) {
  for (const bool awaited : {false, true}) {
    net::Worker worker(0, 0);
    Counting none(std::nullopt);
    Counting zero(std::chrono::milliseconds(0));
    FlushWindow window(worker, awaited);
    window.Pushed(none, 1, false);
    window.Pushed(zero, 1, false);
    EXPECT_EQ(none.flushes + zero.flushes, 2);
  }
}

TEST(FlushWindow, nobody_is_called_after_forget_or_the_end) {
  net::Worker worker(0, 0);
  Counting subscriber(std::chrono::milliseconds(1));
  {
    FlushWindow ended(worker, false);
    ended.Pushed(subscriber, 1, false);
  }
  FlushWindow window(worker, false);
  window.Pushed(subscriber, 1, false);
  window.Forget();
  worker.context().run();
  EXPECT_EQ(subscriber.flushes, 0);
}

void FramesOfSeveralBatchesGoOutTogether(connectors::Share share, connectors::Qos qos) {
  Bench bench;
  FakeSubscriber inner(bench.encoder);
  Patient patient(inner);
  AttachmentPtr seat;
  SubscribeSpec spec = bench.Spec(qos);
  spec.share = share;
  spec.broker_name = "tidegate.a.e.c";
  struct Local {
    static Task<void> Run(Bench& bench, Patient& patient, SubscribeSpec spec, AttachmentPtr& seat) {
      auto result = co_await bench.hub->Attach(bench.connector, std::move(spec), patient,
                                               bench.pool.at(0));
      if (result.ok()) seat = std::move(*result);
    }
  };
  bench.pool.at(0).Spawn("attach", Local::Run(bench, patient, spec, seat));
  bench.Turn();
  ASSERT_TRUE(seat);
  const int before = patient.flushes;
  for (int i = 0; i < 21; ++i) bench.log.Append(0, "x");  // three batches of seven
  bench.pool.at(0).context().restart();
  while (inner.written.size() < 21) bench.pool.at(0).context().run_one();
  EXPECT_LT(patient.flushes - before, 4);
}

TEST(Coalesce, frames_of_several_batches_go_out_together) {
  FramesOfSeveralBatchesGoOutTogether(connectors::Share::kEach, connectors::Qos::kNone);
}

TEST(Coalesce, of_a_group_too_where_the_subscriber_wishes_it) {
  for (const auto qos : {connectors::Qos::kAuto, connectors::Qos::kAtLeastOnce}) {
    FramesOfSeveralBatchesGoOutTogether(connectors::Share::kGroup, qos);
  }
}

}  // namespace
}  // namespace tidegate::flow
