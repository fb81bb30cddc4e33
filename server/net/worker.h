// A worker: one thread, one io_context, everything that lives on it (DESIGN §3).
//
// Objects of a worker have no locks: only its own thread touches them; others call Post().
// WorkerPool owns the workers; it starts their threads and joins them.
// A worker-local slot gives a layer above (flow) typed state per worker without this file knowing
// it.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <typeindex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/base/task.h"
#include "server/net/timer_wheel.h"

namespace tidegate::net {

class Worker {
 public:
  // `metric_slot`: see telemetry/slots.h; 0 for workers that are not of the main pool.
  Worker(std::size_t index, std::size_t metric_slot);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  std::size_t index() const { return index_; }
  asio::io_context& context() { return context_; }
  Executor executor() { return context_.get_executor(); }
  TimerWheel& wheel() { return wheel_; }

  // Any thread. The function runs on this worker's thread, after what was posted before.
  template <typename F>
  void Post(F&& function) {
    asio::post(context_, std::forward<F>(function));
  }
  // Worker thread only. Resumes the coroutine after the present function, behind those handed over
  // before; all of one turn cost one post.
  void Defer(Resume<void()> resume);
  // Worker thread only (or before Start). Runs `task` as a root: an exception that escapes is
  // logged with `name` and counted; it ends this task only.
  void Spawn(const char* name, Task<void> task);

  // The state of type T on this worker, made at first use. Worker thread only.
  template <typename T, typename... Args>
  T& Local(Args&&... args) {
    auto& slot = locals_[std::type_index(typeid(T))];
    if (!slot) slot = std::make_shared<T>(std::forward<Args>(args)...);
    return *static_cast<T*>(slot.get());
  }
  void DropLocals() { locals_.clear(); }

  // The worker whose thread this is, or nullptr.
  static Worker* Current();
  bool IsCurrent() const { return Current() == this; }

  // The last beat answered, for /livez (see Beat in worker.cc). Any thread.
  TimePoint last_beat() const;
  void SendBeat();

 private:
  // What one post resumes. The post owns it, so it ends with the context at the latest; coroutines
  // that end with it may hand over more.
  struct Deferred {
    explicit Deferred(Worker& home) : worker(home) {}
    Deferred(const Deferred&) = delete;
    Deferred& operator=(const Deferred&) = delete;
    ~Deferred() { Seal(); }
    void Seal() {
      if (worker.deferred_ == this) worker.deferred_ = nullptr;
    }
    Worker& worker;
    std::vector<Resume<void()>> all;
  };
  friend class WorkerPool;
  void Run();
  void RunDeferred(std::unique_ptr<Deferred> batch);

  const std::size_t index_;
  const std::size_t metric_slot_;
  Deferred* deferred_ = nullptr;     // posted already, takes more
  std::unique_ptr<Deferred> spare_;  // one that has run, for its memory
  asio::io_context context_{1};      // behind these two, which its end may need
  TimerWheel wheel_;
  std::unordered_map<std::type_index, std::shared_ptr<void>> locals_;
  std::atomic<std::int64_t> last_beat_ns_;
  std::thread thread_;
};

class WorkerPool {
 public:
  // `own_metric_slots`: true for the main pool alone, whose threads are the only writers of their
  // slots; pools beside it (operations) share slot 0.
  explicit WorkerPool(std::size_t count, bool own_metric_slots = true);
  ~WorkerPool();  // stops and joins

  std::size_t size() const { return workers_.size(); }
  Worker& at(std::size_t index) { return *workers_[index]; }
  void Start();
  void Stop();

  // Runs `function(worker)` on every worker; `done` runs on the last worker that has finished.
  void PostAll(std::function<void(Worker&)> function, std::function<void()> done = nullptr);

 private:
  std::vector<std::unique_ptr<Worker>> workers_;
  bool started_ = false;
};

}  // namespace tidegate::net
