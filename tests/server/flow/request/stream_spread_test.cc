// Streams that are told to go at a drain: one after the other, within the notice.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "server/flow/stream_registry.h"

namespace tidegate::flow {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kNotice{5000};
constexpr milliseconds kWindow = kNotice * kGoawayPercentOfNotice / 100;

struct FakeStream : StreamControl {
  void Stop(EndReason reason, const Status& status) override {
    if (stopped) return;
    stopped = true;
    why = reason;
    text = MessageOf(status);
  }
  std::uint64_t messages() const override { return 0; }
  std::uint64_t bytes() const override { return 0; }

  bool stopped = false;
  EndReason why = EndReason::kClientGone;
  std::string text;
  LiveStream live;
};

class StreamSpreadTest : public ::testing::Test {
 protected:
  void Open(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      streams_.push_back(std::make_unique<FakeStream>());
      streams_.back()->live.control = streams_.back().get();
      registry_.Add(streams_.back()->live);
    }
  }
  // What is due `after` from now.
  std::size_t StoppedAfter(milliseconds after) {
    wheel_.Advance(Clock::now() + after);
    std::size_t count = 0;
    for (const auto& stream : streams_) count += stream->stopped ? 1 : 0;
    return count;
  }

  asio::io_context context_{1};
  net::TimerWheel wheel_{context_};
  StreamRegistry registry_{0};
  std::vector<std::unique_ptr<FakeStream>> streams_;
};

TEST_F(StreamSpreadTest, AThousandAreToldEvenlyOverAPartOfTheNotice) {
  Open(1000);
  registry_.StopSpread(wheel_, kNotice);
  std::size_t told = StoppedAfter(milliseconds(0));
  EXPECT_GE(told, 1U);
  EXPECT_LT(told, 100U);
  std::size_t most = 0;
  for (milliseconds after{0}; after <= kWindow + kWheelTick; after += kWheelTick) {
    const std::size_t now = StoppedAfter(after);
    most = std::max(most, now - told);
    told = now;
  }
  EXPECT_EQ(told, 1000U);
  EXPECT_LT(most, 100U) << "never many in one tick";
  for (const auto& stream : streams_) EXPECT_EQ(stream->why, EndReason::kGoaway);
}

TEST_F(StreamSpreadTest, AFewGoAtOnceAlmost) {
  Open(3);
  registry_.StopSpread(wheel_, kNotice);
  EXPECT_EQ(StoppedAfter(2 * kWheelTick), 3U);
}

TEST_F(StreamSpreadTest, WithoutANoticeAllGoAtOnce) {
  Open(50);
  registry_.StopSpread(wheel_, milliseconds(0));
  EXPECT_EQ(StoppedAfter(milliseconds(0)), 50U);
}

TEST_F(StreamSpreadTest, TakenBackWhoWasNotToldStays) {
  Open(1000);
  const TimePoint age = Clock::now() + std::chrono::minutes(10);
  streams_.back()->live.ExpireAt(wheel_, age);
  registry_.StopSpread(wheel_, kNotice);
  const std::size_t told = StoppedAfter(kWindow / 2);
  EXPECT_GT(told, 400U);
  EXPECT_LT(told, 600U);
  registry_.CancelSpread(wheel_);
  EXPECT_EQ(StoppedAfter(2 * kNotice), told);
  EXPECT_FALSE(streams_.back()->stopped);
  wheel_.Advance(age + 2 * kWheelTick);  // its age still counts
  EXPECT_TRUE(streams_.back()->stopped);
  // A second drain tells the others.
  registry_.StopSpread(wheel_, milliseconds(0));
  EXPECT_EQ(StoppedAfter(milliseconds(0)), 1000U);
}

TEST_F(StreamSpreadTest, ASecondDrainDoesNotDelayTheFirst) {
  Open(1000);
  registry_.StopSpread(wheel_, kNotice);
  StoppedAfter(kWindow / 2);
  registry_.StopSpread(wheel_, kNotice);
  EXPECT_EQ(StoppedAfter(kWindow + kWheelTick), 1000U);
}

TEST_F(StreamSpreadTest, AgeComesBeforeThePlaceInTheRow) {
  Open(1000);
  streams_.back()->live.ExpireAt(wheel_, Clock::now() + milliseconds(100));
  registry_.StopSpread(wheel_, kNotice);
  StoppedAfter(milliseconds(300));
  EXPECT_TRUE(streams_.back()->stopped);
}

}  // namespace
}  // namespace tidegate::flow
