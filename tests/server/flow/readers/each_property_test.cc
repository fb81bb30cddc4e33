// Random scripts: whatever consumers do, at-least-once gives each of them every message after its
// position exactly once, and a destination never has more than nine sources.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "server/base/limits.h"
#include "tests/server/flow/readers/fakes.h"
#include "tests/support/is_ok.h"

namespace tidegate::flow {
namespace {

using connectors::Position;
using connectors::Qos;

// One consumer over several connections: it goes on after the last id it was given.
struct Client {
  std::unique_ptr<FakeSubscriber> subscriber;
  std::shared_ptr<AttachResult> attach;
  Position position;       // where the next connection begins
  std::size_t seen = 0;    // frames of this connection that were judged
  std::size_t worker = 0;
  std::size_t total = 0;
};

class Script {
 public:
  Script(unsigned seed, int partitions, std::size_t workers, std::size_t clients)
      : bench_(partitions, workers), random_(seed), clients_(clients) {
    for (Client& client : clients_) {
      client.worker = Pick(workers);
      for (int i = 0; i < partitions; ++i) client.position.Set("t", i, -1);
    }
  }

  void Step() {
    switch (Pick(10)) {
      case 0: case 1: case 2: Append(1 + Pick(60)); break;
      case 3: bench_.log.AppendMarker(static_cast<int>(Pick(bench_.log.partitions.size()))); break;
      case 4: case 5: Come(clients_[Pick(clients_.size())]); break;
      case 6: Go(clients_[Pick(clients_.size())]); break;
      case 7: case 8: Toggle(clients_[Pick(clients_.size())]); break;
      case 9:
        if (++passes_ < 30) bench_.Pass(std::chrono::milliseconds(200));
        break;
    }
    // Not always: what is under way when the next thing happens is what this test is about.
    if (Pick(3) > 0) bench_.Turn();
    if (Pick(4) == 0) bench_.pool.at(0).context().poll_one();
    for (Client& client : clients_) Judge(client);
    ASSERT_LE(bench_.connector->most_sources, 1 + static_cast<int>(kCatchUpReadersMax));
  }

  void Finish() {
    for (Client& client : clients_) {
      Come(client);
      client.subscriber->capacity = 50;
    }
    for (int i = 0; i < 40; ++i) {
      bench_.Turn();
      for (Client& client : clients_) client.subscriber->SetReading(true);
      bench_.Pass(std::chrono::milliseconds(100));
    }
    bench_.Turn();
    for (Client& client : clients_) {
      const AttachResult& attach = *client.attach;
      ASSERT_TRUE(attach.done && attach.value.ok()) << attach.value.status();
      Judge(client);
      for (std::size_t i = 0; i < bench_.log.partitions.size(); ++i) {
        const auto& records = bench_.log.partitions[i].records;
        const auto* at = client.position.Find("t", static_cast<std::int32_t>(i));
        if (records.empty()) continue;
        EXPECT_GE(at->offset, records.back().offset) << "partition " << i;
      }
    }
  }

 private:
  std::size_t Pick(std::size_t n) { return random_() % n; }

  void Append(std::size_t count) {
    for (; count > 0; --count) {
      const std::size_t partition = Pick(bench_.log.partitions.size());
      bench_.log.Append(static_cast<int>(partition), std::string(1 + Pick(3) * 30'000, 'x'));
      ++appended_;
    }
  }
  void Come(Client& client) {
    if (client.attach) return;
    client.subscriber = std::make_unique<FakeSubscriber>(bench_.encoder);
    client.subscriber->capacity = 1 + Pick(40);
    client.subscriber->reading = Pick(4) > 0;
    client.seen = 0;
    client.attach = bench_.StartAttach(*client.subscriber,
                                       bench_.Spec(Qos::kAtLeastOnce, client.position.Format()),
                                       client.worker);
  }
  void Go(Client& client) {
    if (!client.attach || !client.attach->done) return;
    Judge(client);
    client.attach.reset();
    client.subscriber.reset();
  }
  void Toggle(Client& client) {
    if (client.attach && client.attach->done) {
      client.subscriber->SetReading(!client.subscriber->reading);
    }
  }
  // Every frame: the very next record of its partition, and an id that names what was received.
  void Judge(Client& client) {
    if (!client.subscriber) return;
    FakeSubscriber& subscriber = *client.subscriber;
    ASSERT_FALSE(subscriber.ended) << subscriber.status;
    for (; client.seen < subscriber.written.size(); ++client.seen) {
      const Place place = subscriber.places[client.seen];
      const auto index = static_cast<std::size_t>(place.partition);
      const auto& records = bench_.log.partitions[index].records;
      const auto* at = client.position.Find("t", place.partition);
      const auto next = std::upper_bound(
          records.begin(), records.end(), at->offset,
          [](std::int64_t offset, const Record& record) { return offset < record.offset; });
      ASSERT_NE(next, records.end());
      ASSERT_EQ(place.offset, next->offset) << "partition " << place.partition;
      client.position.Set("t", place.partition, place.offset);
      const auto id = Position::Parse(subscriber.ids[client.seen]);
      ASSERT_TRUE(IsOk(id));
      // A control record may be named as passed; what was received is never missing.
      ASSERT_TRUE(id->Covers(client.position)) << id->Format() << " " << client.position.Format();
      client.position = *id;
    }
  }

  Bench bench_;
  std::mt19937 random_;
  std::vector<Client> clients_;
  int passes_ = 0;
  std::size_t appended_ = 0;
};

class EachProperty : public testing::TestWithParam<unsigned> {};

TEST_P(EachProperty, at_least_once_is_gapless_and_without_repeats) {
  const unsigned seed = GetParam();
  Script script(seed, 1 + static_cast<int>(seed % 4), 1 + seed % 3, 3 + seed % 12);
  for (int i = 0; i < 150 && !testing::Test::HasFatalFailure(); ++i) script.Step();
  if (!testing::Test::HasFatalFailure()) script.Finish();
}

INSTANTIATE_TEST_SUITE_P(Seeds, EachProperty, testing::Range(0U, 30U));

TEST(EachStorm, a_thousand_come_back_at_once) {
  Bench bench(1, 2);
  bench.connector->batch_max = 256;
  constexpr std::int64_t kEnd = 20'000;
  for (std::int64_t i = 0; i < kEnd; ++i) bench.log.Append(0, std::to_string(i));
  std::mt19937 random(7);
  std::vector<std::unique_ptr<FakeSubscriber>> subscribers;
  std::vector<std::shared_ptr<AttachResult>> results;
  std::vector<std::size_t> expected;
  for (std::size_t i = 0; i < 1000; ++i) {
    subscribers.push_back(std::make_unique<FakeSubscriber>(bench.encoder));
    subscribers.back()->capacity = 1000;
    subscribers.back()->keeps = false;
    expected.push_back(i % 10 == 0 ? 100 + random() % 9'900 : 100 + random() % 900);
    const std::int64_t at = kEnd - 1 - static_cast<std::int64_t>(expected.back());
    results.push_back(bench.StartAttach(
        *subscribers.back(), bench.Spec(Qos::kAtLeastOnce, "t@0#" + std::to_string(at)), i % 2));
  }
  for (int i = 0; i < 20; ++i) {
    bench.Turn();
    bench.Pass(std::chrono::milliseconds(100));
  }
  EXPECT_LE(bench.connector->most_sources, 9);
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_TRUE(results[i]->done && results[i]->value.ok()) << results[i]->value.status();
    EXPECT_EQ(subscribers[i]->received, expected[i]);
    EXPECT_FALSE(subscribers[i]->out_of_order);
    EXPECT_EQ((*results[i]->value)->Id(), "t@0#19999");
    EXPECT_TRUE((*results[i]->value)->caught_up());
  }
  EXPECT_EQ(bench.connector->open_sources, 1);
  EXPECT_LT(bench.encoder->encoded, 9 * kEnd);  // once per reader, not once per consumer
}

TEST(EachStorm, positions_of_another_order_come_back_together) {
  Bench bench(3, 2);
  bench.connector->batch_max = 256;
  for (int i = 0; i < 3'000; ++i) bench.log.Append(i % 3, std::to_string(i));
  std::mt19937 random(7);
  std::vector<std::unique_ptr<FakeSubscriber>> subscribers;
  std::vector<std::shared_ptr<AttachResult>> results;
  std::vector<std::size_t> expected;
  for (std::size_t i = 0; i < 100; ++i) {
    subscribers.push_back(std::make_unique<FakeSubscriber>(bench.encoder));
    Position position;
    std::size_t behind = 0;
    for (int p = 0; p < 3; ++p) {
      const std::size_t back = 33 + random() % 330;
      behind += back;
      position.Set("t", p, 999 - static_cast<std::int64_t>(back));
    }
    expected.push_back(behind);
    results.push_back(bench.StartAttach(
        *subscribers.back(), bench.Spec(Qos::kAtLeastOnce, position.Format()), i % 2));
  }
  bench.Turn();
  EXPECT_LE(bench.connector->most_sources, 9);
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_TRUE(results[i]->done && results[i]->value.ok()) << results[i]->value.status();
    EXPECT_EQ(subscribers[i]->written.size(), expected[i]);
    EXPECT_EQ(subscribers[i]->ids.back(), "t@0#999,1#999,2#999");
  }
}

TEST(EachStorm, one_that_does_not_read_holds_up_nobody) {
  Bench bench;
  for (int i = 0; i < 2000; ++i) bench.log.Append(0, std::to_string(i));
  FakeSubscriber stuck(bench.encoder);
  FakeSubscriber well(bench.encoder);
  stuck.reading = false;
  stuck.capacity = 10;
  auto one = bench.Attach(stuck, bench.Spec(Qos::kAtLeastOnce, "t@0#99"));
  auto two = bench.Attach(well, bench.Spec(Qos::kAtLeastOnce, "t@0#99"));
  bench.Turn();
  bench.Pass(std::chrono::milliseconds(600));
  EXPECT_EQ(well.written.size(), 1900u);
  EXPECT_EQ(stuck.queue.size(), 10u);
  EXPECT_EQ(bench.hub->stats().catch_up_readers, 0u);  // nor a reader
  stuck.SetReading(true);
  bench.Turn();
  EXPECT_EQ(stuck.written.size(), 1900u);
}

}  // namespace
}  // namespace tidegate::flow
