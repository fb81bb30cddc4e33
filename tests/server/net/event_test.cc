#include "server/net/event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace tidegate::net {
namespace {

using ::testing::ElementsAre;
using std::chrono::milliseconds;
using std::chrono::seconds;

class EventTest : public ::testing::Test {
 protected:
  Task<void> Note(Event& event, std::string name) {
    co_await event.Wait();
    said_.push_back(name);
  }
  Task<void> NoteAndSet(Event& event, std::string name, Event& next) {
    co_await event.Wait();
    said_.push_back(name);
    next.Set();
    said_.push_back(name + " over");
  }
  // Without a frame of its own, as the hot path waits.
  Task<void> NoteUntil(Event& event, TimePoint deadline) {
    if (event.Arm(deadline)) co_await event.Suspend();
    said_.push_back(event.Take() ? "set" : "late");
  }
  void Turn() { worker_.context().restart(), worker_.context().poll(); }

  Worker worker_{0, 0};
  std::vector<std::string> said_;
};

TEST_F(EventTest, WaitersResumeAfterTheFunctionThatSetsInTheOrderOfSetting) {
  Event first(worker_), second(worker_);
  worker_.Spawn("a", Note(first, "a"));
  worker_.Spawn("b", Note(second, "b"));
  Turn();
  worker_.Post([&] {
    second.Set();
    first.Set();
    said_.push_back("set");
  });
  Turn();
  EXPECT_THAT(said_, ElementsAre("set", "b", "a"));
}

TEST_F(EventTest, WhatAResumedOneSetsComesAfterItAndAfterTheOthers) {
  Event first(worker_), second(worker_), third(worker_);
  worker_.Spawn("c", Note(third, "c"));
  worker_.Spawn("a", NoteAndSet(first, "a", third));
  worker_.Spawn("b", Note(second, "b"));
  Turn();
  worker_.Post([&] {
    first.Set();
    second.Set();
  });
  Turn();
  EXPECT_THAT(said_, ElementsAre("a", "a over", "b", "c"));
}

TEST_F(EventTest, AManyTimesSetEventResumesOnce) {
  Event event(worker_);
  worker_.Spawn("a", Note(event, "a"));
  Turn();
  worker_.Post([&] {
    event.Set();
    event.Set();
  });
  Turn();
  EXPECT_THAT(said_, ElementsAre("a"));
}

TEST_F(EventTest, AWaitWithADeadlineEndsBySetOrByTime) {
  Event event(worker_);
  const TimePoint now = Clock::now();
  event.Set();
  worker_.Spawn("at once", NoteUntil(event, now + seconds(10)));
  Turn();
  EXPECT_THAT(said_, ElementsAre("set"));
  worker_.Spawn("set later", NoteUntil(event, now + seconds(10)));
  Turn();
  EXPECT_EQ(worker_.wheel().armed(), 1U);
  event.Set();
  Turn();
  EXPECT_THAT(said_, ElementsAre("set", "set"));
  EXPECT_EQ(worker_.wheel().armed(), 0U);
  worker_.Spawn("never", NoteUntil(event, now + seconds(10)));
  Turn();
  worker_.wheel().Advance(now + seconds(11));
  Turn();
  EXPECT_THAT(said_, ElementsAre("set", "set", "late"));
}

// Sets another event when it goes, as coroutines do whose owner ends.
struct SetsAtTheEnd {
  ~SetsAtTheEnd() { event->Set(); }
  std::shared_ptr<Event> event;
};

Task<void> HoldAndWait(std::shared_ptr<Event> own, std::shared_ptr<Event> other) {
  const SetsAtTheEnd guard{std::move(other)};
  co_await own->Wait();
}

TEST(Event, WhatWasWokenAndNeverRanEndsWithItsWorker) {
  auto worker = std::make_unique<Worker>(0, 0);
  auto first = std::make_shared<Event>(*worker);
  auto second = std::make_shared<Event>(*worker);
  const std::weak_ptr<Event> alive = first;
  worker->Spawn("a", HoldAndWait(first, second));
  worker->Spawn("b", HoldAndWait(second, first));
  worker->context().poll();
  first->Set();  // woken, but the worker has no turn any more
  first.reset();
  second.reset();
  worker.reset();
  EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace tidegate::net
