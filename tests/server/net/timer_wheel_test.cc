#include "server/net/timer_wheel.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <memory>

#include "server/base/limits.h"

namespace tidegate::net {
namespace {

struct Recorder : WheelTimer {
  void OnTimer() override { ++fired; }
  int fired = 0;
};

class TimerWheelTest : public ::testing::Test {
 protected:
  TimePoint At(std::chrono::milliseconds offset) const { return wheel_.origin() + offset; }

  asio::io_context context_{1};
  TimerWheel wheel_{context_};
};

TEST_F(TimerWheelTest, FiresNotEarlyAndAtMostOneTickLate) {
  Recorder timer;
  wheel_.ArmAt(timer, At(250ms));
  wheel_.Advance(At(249ms));
  EXPECT_EQ(timer.fired, 0);
  wheel_.Advance(At(350ms));
  EXPECT_EQ(timer.fired, 1);
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(wheel_.armed(), 0U);
}

TEST_F(TimerWheelTest, FiresOnceAndOnlyWhatIsDue) {
  Recorder near;
  Recorder far;
  wheel_.ArmAt(near, At(100ms));
  wheel_.ArmAt(far, At(100ms + kWheelTick * 512));  // the same slot, one round later
  wheel_.Advance(At(300ms));
  EXPECT_EQ(near.fired, 1);
  EXPECT_EQ(far.fired, 0);
  wheel_.Advance(At(100ms + kWheelTick * 511));
  EXPECT_EQ(far.fired, 0);
  wheel_.Advance(At(100ms + kWheelTick * 512));
  EXPECT_EQ(far.fired, 1);
  EXPECT_EQ(near.fired, 1);
}

TEST_F(TimerWheelTest, LongPauseFiresEverythingDueOnce) {
  Recorder timers[40];
  for (int i = 0; i < 40; ++i) wheel_.ArmAt(timers[i], At(i * 7000ms + 1ms));
  wheel_.Advance(At(200s));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(timers[i].fired, i * 7 < 200 ? 1 : 0) << i;
}

TEST_F(TimerWheelTest, RearmingMovesTheEntry) {
  Recorder timer;
  wheel_.ArmAt(timer, At(100ms));
  wheel_.ArmAt(timer, At(900ms));
  EXPECT_EQ(wheel_.armed(), 1U);
  wheel_.Advance(At(800ms));
  EXPECT_EQ(timer.fired, 0);
  wheel_.Advance(At(900ms));
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerWheelTest, CancelledAndDestroyedEntriesDoNotFire) {
  Recorder cancelled;
  wheel_.ArmAt(cancelled, At(100ms));
  {
    Recorder destroyed;
    wheel_.ArmAt(destroyed, At(100ms));
    EXPECT_EQ(wheel_.armed(), 2U);
  }
  cancelled.Cancel();
  cancelled.Cancel();
  EXPECT_EQ(wheel_.armed(), 0U);
  wheel_.Advance(At(1s));
  EXPECT_EQ(cancelled.fired, 0);
}

// An entry that destroys its neighbour of the same slot, and one that re-arms itself.
struct Killer : WheelTimer {
  void OnTimer() override { victim.reset(); }
  std::unique_ptr<Recorder> victim = std::make_unique<Recorder>();
};
struct Repeater : WheelTimer {
  explicit Repeater(TimerWheel& owner) : wheel(owner) {}
  void OnTimer() override {
    ++fired;
    wheel.ArmAt(*this, wheel.origin());  // long past: the next tick
  }
  TimerWheel& wheel;
  int fired = 0;
};

TEST_F(TimerWheelTest, EntriesMayDestroyOthersWhileFiring) {
  Killer killer;
  wheel_.ArmAt(killer, At(100ms));
  wheel_.ArmAt(*killer.victim, At(100ms));
  wheel_.Advance(At(100ms));
  EXPECT_EQ(killer.victim, nullptr);
  EXPECT_EQ(wheel_.armed(), 0U);
}

TEST_F(TimerWheelTest, RearmingWhileFiringWaitsForTheNextTick) {
  Repeater repeater(wheel_);
  wheel_.ArmAt(repeater, At(100ms));
  wheel_.Advance(At(60s));
  EXPECT_EQ(repeater.fired, 1);
  wheel_.Advance(At(60s + kWheelTick));
  EXPECT_EQ(repeater.fired, 2);
}

TEST(TimerWheelLifetime, EntriesOutliveTheWheel) {
  asio::io_context context(1);
  Recorder timer;
  {
    TimerWheel wheel(context);
    wheel.Arm(timer, 100ms);
  }
  EXPECT_FALSE(timer.armed());
  context.poll();
  timer.Cancel();
  EXPECT_EQ(timer.fired, 0);
}

Task<void> SleepThen(TimerWheel& wheel, bool& done) {
  co_await wheel.Sleep(200ms);
  done = true;
}

TEST_F(TimerWheelTest, SleepEndsWhenTheWheelAdvances) {
  bool done = false;
  asio::co_spawn(context_, SleepThen(wheel_, done), asio::detached);
  context_.poll();
  EXPECT_FALSE(done);
  wheel_.Advance(Clock::now() + 1s);
  context_.restart();
  context_.poll();
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace tidegate::net
