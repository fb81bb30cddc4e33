#include "connectors/kafka/client_thread.h"

#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>

#include "server/base/log.h"

namespace tidegate::kafka {
namespace {

constexpr auto kIdleBeforeEnd = std::chrono::seconds(10);

}  // namespace

struct ClientThread::State {
  struct Waiting {
    Job job;
    std::chrono::milliseconds allowed;
  };
  // A thread that runs a job; `counted` until it is abandoned.
  struct Running {
    TimePoint due;
    bool counted = true;
  };

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Waiting> waiting;
  std::list<Running> running;
  std::size_t threads = 0;  // counted ones, idle or running
  std::size_t idle = 0;
  std::uint64_t abandoned = 0;

  void Abandon(TimePoint now) {
    for (Running& entry : running) {
      if (!entry.counted || now < entry.due) continue;
      entry.counted = false;
      --threads;
      ++abandoned;
      Log(LogLevel::kError, "kafka.client_abandoned",
          {{"cause", "a call into the Kafka library has missed its deadline"}});
    }
  }

  static void Serve(std::shared_ptr<State> state);
};

void ClientThread::State::Serve(std::shared_ptr<State> state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    if (state->waiting.empty()) {
      ++state->idle;
      const auto ready = [&] { return !state->waiting.empty(); };
      const bool woken = state->changed.wait_for(lock, kIdleBeforeEnd, ready);
      --state->idle;
      if (!woken) break;
      continue;
    }
    Waiting next = std::move(state->waiting.front());
    state->waiting.pop_front();
    auto self = state->running.emplace(state->running.end());
    self->due = Clock::now() + next.allowed;
    lock.unlock();
    next.job();
    next.job = nullptr;  // what it holds is freed outside the lock
    lock.lock();
    const bool counted = self->counted;
    state->running.erase(self);
    state->changed.notify_all();
    if (!counted) return;  // another thread has taken this one's place
  }
  --state->threads;
  state->changed.notify_all();
}

ClientThread::ClientThread() : state_(std::make_shared<State>()) {}

ClientThread& ClientThread::Shared() {
  static auto* const shared = new ClientThread;
  return *shared;
}

bool ClientThread::Settle(TimePoint deadline) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_until(lock, deadline, [&] {
    return state_->waiting.empty() && state_->running.empty();
  });
}

void ClientThread::Post(Job job, std::chrono::milliseconds allowed) {
  std::lock_guard lock(state_->mutex);
  state_->Abandon(Clock::now());
  State::Waiting entry;
  entry.job = std::move(job);
  entry.allowed = allowed;
  state_->waiting.push_back(std::move(entry));
  if (state_->waiting.size() > state_->idle && state_->threads < kControlThreadsMax) {
    ++state_->threads;
    std::thread(State::Serve, state_).detach();
  }
  state_->changed.notify_all();
}

std::uint64_t ClientThread::abandoned() const {
  std::lock_guard lock(state_->mutex);
  return state_->abandoned;
}

}  // namespace tidegate::kafka
