#include "server/net/worker.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <exception>

#include "server/base/check.h"
#include "server/base/log.h"
#include "server/telemetry/metrics.h"
#include "server/telemetry/slots.h"

namespace tidegate::net {

namespace {

thread_local Worker* current_worker = nullptr;

constexpr std::size_t kDeferredKept = 4096;  // the memory of a burst of more is given back

std::int64_t NowNs() { return Clock::now().time_since_epoch().count(); }

void LogEscaped(const char* name, const std::exception_ptr& error) {
  const char* what = "unknown exception";
  std::string text;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    text = e.what();
    what = text.c_str();
  } catch (...) {
  }
  Log(LogLevel::kError, "worker.task_failed", {{"task", name}, {"cause", what}});
  TG_BUG("an exception escaped a task");
}

}  // namespace

Worker::Worker(std::size_t index, std::size_t metric_slot)
    : index_(index), metric_slot_(metric_slot), wheel_(context_), last_beat_ns_(NowNs()) {}

Worker::~Worker() {
  if (thread_.joinable()) thread_.join();
  // Locals may own asio objects: they go while the context still exists.
  locals_.clear();
}

void Worker::Defer(Resume<void()> resume) {
  if (deferred_ == nullptr) {
    auto batch = spare_ ? std::move(spare_) : std::make_unique<Deferred>(*this);
    deferred_ = batch.get();
    Post([this, batch = std::move(batch)]() mutable { RunDeferred(std::move(batch)); });
  }
  deferred_->all.push_back(std::move(resume));
}

void Worker::RunDeferred(std::unique_ptr<Deferred> batch) {
  batch->Seal();  // what is handed over from here on has its turn later
  for (Resume<void()>& resume : batch->all) {
    try {
      std::move(resume)();
    } catch (...) {
      LogEscaped("deferred coroutine", std::current_exception());
    }
  }
  batch->all.clear();
  if (batch->all.capacity() <= kDeferredKept) spare_ = std::move(batch);
}

void Worker::Spawn(const char* name, Task<void> task) {
  asio::co_spawn(context_, std::move(task), [name](std::exception_ptr error) {
    if (error) LogEscaped(name, error);
  });
}

Worker* Worker::Current() { return current_worker; }

void Worker::Run() {
  current_worker = this;
  telemetry::SetThreadSlot(metric_slot_);
  for (;;) {
    try {
      context_.run();
      break;
    } catch (...) {
      LogEscaped("posted function", std::current_exception());
    }
  }
  current_worker = nullptr;
}

TimePoint Worker::last_beat() const {
  return TimePoint(Clock::duration(last_beat_ns_.load(std::memory_order_relaxed)));
}

void Worker::SendBeat() {
  Post([this, sent = NowNs()] {
    const std::int64_t now = NowNs();
    last_beat_ns_.store(now, std::memory_order_relaxed);
    telemetry::Registry::Global()
        .GetHistogram("tidegate_event_loop_lag_seconds",
                      "How long a beat, sent about once a second, waited for its worker.",
                      telemetry::OverheadBuckets(), {{"worker", std::to_string(index_)}})
        .Observe(std::chrono::nanoseconds(now - sent));
  });
}

WorkerPool::WorkerPool(std::size_t count, bool own_metric_slots) {
  TG_CHECK(count > 0);
  workers_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, own_metric_slots ? i + 1 : 0));
  }
}

WorkerPool::~WorkerPool() { Stop(); }

void WorkerPool::Start() {
  TG_CHECK(!started_);
  started_ = true;
  for (auto& worker : workers_) {
    worker->thread_ = std::thread([raw = worker.get()] {
      const auto guard = asio::make_work_guard(raw->context());
      raw->Run();
    });
  }
}

void WorkerPool::Stop() {
  if (!started_) return;
  started_ = false;
  for (auto& worker : workers_) worker->context().stop();
  for (auto& worker : workers_) {
    if (worker->thread_.joinable()) worker->thread_.join();
  }
}

void WorkerPool::PostAll(std::function<void(Worker&)> function, std::function<void()> done) {
  struct Shared {
    std::function<void(Worker&)> function;
    std::function<void()> done;
    std::atomic<std::size_t> left;
  };
  auto shared = std::make_shared<Shared>();
  shared->function = std::move(function);
  shared->done = std::move(done);
  shared->left = workers_.size();
  for (auto& worker : workers_) {
    worker->Post([shared, raw = worker.get()] {
      shared->function(*raw);
      if (shared->left.fetch_sub(1) == 1 && shared->done) shared->done();
    });
  }
}

}  // namespace tidegate::net
