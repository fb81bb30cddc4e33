// The same readers on running workers: what crosses threads crosses by posts (for the TSan leg).
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/server/flow/readers/fakes.h"

namespace tidegate::flow {
namespace {

constexpr std::size_t kConsumers = 9;
constexpr std::size_t kMessages = 3000;

// Counts, stops reading now and then, and is slower than the log.
class Counter final : public Subscriber {
 public:
  Counter(std::shared_ptr<const Encoder> encoder, std::function<void()> done)
      : encoder_(std::move(encoder)), done_(std::move(done)) {}
  const std::shared_ptr<const Encoder>& encoder() const override { return encoder_; }
  std::size_t Demand() const override { return queue_.size() < 32 ? 32 - queue_.size() : 0; }
  bool Push(FramePtr frame) override {
    refused_ = queue_.size() >= 32;
    if (!refused_) queue_.push_back(std::move(frame));
    return !refused_;
  }
  void Flush() override {
    if (posted_ || attachment == nullptr) return;
    posted_ = true;  // the socket takes it a little later
    net::Worker::Current()->Post([this] { Write(); });
  }
  void OnGap(std::uint64_t) override {}
  void OnEnd(EndReason, const Status&) override {}

  Attachment* attachment = nullptr;
  std::size_t received = 0;
  bool in_order = true;

 private:
  void Write() {
    posted_ = false;
    while (!queue_.empty()) {
      const FramePtr frame = std::move(queue_.front());
      queue_.pop_front();
      in_order = in_order && frame->place().offset == last_ + 1;
      last_ = frame->place().offset;
      attachment->OnWritten(frame);
      if (++received == kMessages) done_();
    }
    if (std::exchange(refused_, false)) attachment->OnRoom();
  }
  std::shared_ptr<const Encoder> encoder_;
  std::function<void()> done_;
  std::deque<FramePtr> queue_;
  bool refused_ = false;
  bool posted_ = false;
  std::int64_t last_ = -1;
};

struct Crowd {
  explicit Crowd(Bench& bench) : bench(bench) {}
  Bench& bench;
  std::vector<std::unique_ptr<Counter>> counters;
  std::vector<AttachmentPtr> seats;
  std::atomic<std::size_t> attached{0};
  std::atomic<std::size_t> complete{0};
  std::promise<void> all;
};

Task<void> Come(Crowd& crowd, std::size_t i) {
  Counter& counter = *crowd.counters[i];
  net::Worker& worker = crowd.bench.pool.at(i % 3);
  auto seat = co_await crowd.bench.hub->Attach(
      crowd.bench.connector, crowd.bench.Spec(connectors::Qos::kAtLeastOnce, "t@0#-1"), counter,
      worker);
  if (!seat.ok()) co_return;
  crowd.seats[i] = std::move(*seat);
  counter.attachment = crowd.seats[i].get();
  counter.Flush();
  // The first is there: from now on the log grows, on the worker where its sources are.
  if (crowd.attached.fetch_add(1) != 0) co_return;
  crowd.bench.pool.at(0).Post([&crowd] {
    for (std::size_t n = 0; n < kMessages; ++n) crowd.bench.log.Append(0, std::to_string(n));
  });
}

TEST(Threads, consumers_of_all_workers_get_everything_in_order) {
  Bench bench(1, 3);
  Crowd crowd(bench);
  crowd.seats.resize(kConsumers);
  for (std::size_t i = 0; i < kConsumers; ++i) {
    crowd.counters.push_back(std::make_unique<Counter>(bench.encoder, [&crowd] {
      if (crowd.complete.fetch_add(1) + 1 == kConsumers) crowd.all.set_value();
    }));
  }
  bench.pool.Start();
  // The reader's home is the worker of the first: the log is that worker's.
  bench.pool.at(0).Post([&bench, &crowd] {
    bench.pool.at(0).Spawn("come", Come(crowd, 0));
    for (std::size_t i = 1; i < kConsumers; ++i) {
      bench.pool.at(i % 3).Post([&bench, &crowd, i] {
        bench.pool.at(i % 3).Spawn("come", Come(crowd, i));
      });
    }
  });
  crowd.all.get_future().wait();
  std::promise<void> gone;
  bench.pool.PostAll(
      [&crowd](net::Worker& worker) {
        for (std::size_t i = worker.index(); i < kConsumers; i += 3) crowd.seats[i].reset();
      },
      [&gone] { gone.set_value(); });
  gone.get_future().wait();
  bench.pool.Stop();
  for (const auto& counter : crowd.counters) {
    EXPECT_EQ(counter->received, kMessages);
    EXPECT_TRUE(counter->in_order);
  }
}

}  // namespace
}  // namespace tidegate::flow
