#include "server/net/worker.h"

#include <gtest/gtest.h>

#include <mutex>
#include <stdexcept>

#include "server/base/check.h"

namespace tidegate::net {
namespace {

TEST(WorkerPool, PostAllRunsOnEveryWorkerAndThenOnce) {
  WorkerPool pool(3);
  pool.Start();
  std::mutex mutex;
  std::vector<std::size_t> seen;
  std::atomic<bool> done{false};
  pool.PostAll(
      [&](Worker& worker) {
        const std::lock_guard<std::mutex> lock(mutex);
        EXPECT_TRUE(worker.IsCurrent());
        seen.push_back(worker.index());
      },
      [&] {
        done = true;
        done.notify_all();
      });
  done.wait(false);
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_EQ(Worker::Current(), nullptr);
}

TEST(WorkerPool, ABeatIsAnswered) {
  WorkerPool pool(1);
  const TimePoint before = pool.at(0).last_beat();
  pool.at(0).SendBeat();
  std::atomic<bool> done{false};
  pool.Start();
  pool.PostAll([](Worker&) {}, [&] {
    done = true;
    done.notify_all();
  });
  done.wait(false);
  EXPECT_GT(pool.at(0).last_beat(), before);
}

Task<void> Throw() {
  throw std::runtime_error("boom");
  co_return;
}

TEST(Worker, AThrowingTaskIsCountedAndEndsAlone) {
  Worker worker(0, 0);
  const std::uint64_t bugs = BugCount();
  worker.Spawn("test", Throw());
  bool ran = false;
  worker.Post([&ran] { ran = true; });
  worker.context().poll();
  EXPECT_EQ(BugCount(), bugs + 1);
  EXPECT_TRUE(ran);
}

struct PerWorker {
  explicit PerWorker(int start) : value(start) {}
  int value;
};

TEST(Worker, LocalsAreMadeOnceByType) {
  Worker worker(0, 0);
  worker.Local<PerWorker>(7).value += 1;
  EXPECT_EQ(worker.Local<PerWorker>(99).value, 8);
  worker.DropLocals();
  EXPECT_EQ(worker.Local<PerWorker>(3).value, 3);
}

Task<void> WaitForever(TimerWheel& wheel, bool& destroyed) {
  struct Mark {
    explicit Mark(bool& flag) : target(flag) {}
    ~Mark() { target = true; }
    bool& target;
  };
  const Mark mark(destroyed);
  co_await wheel.Sleep(std::chrono::hours(1));
}

TEST(Worker, SuspendedTasksDieWithIt) {
  bool destroyed = false;
  {
    Worker worker(0, 0);
    worker.Spawn("test", WaitForever(worker.wheel(), destroyed));
    worker.context().poll();
    EXPECT_FALSE(destroyed);
  }
  EXPECT_TRUE(destroyed);
}

}  // namespace
}  // namespace tidegate::net
