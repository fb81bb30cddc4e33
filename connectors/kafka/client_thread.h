// The broker-control thread: every librdkafka call that may wait (create, query, assign, close,
// destroy) runs here, never on a worker (DESIGN §3).
//
// One thread in the usual case and none at rest: it is made at the first job and ends after ten
// idle seconds. While a job waits for a broker that does not answer, further jobs get a thread of
// their own, at most kControlThreadsMax, so that one dead cluster does not hold up the others. A
// job that misses its deadline is abandoned: its thread no longer counts, and abandoned() says how
// many. Thread: any. Owner: the process (Shared() is never destroyed); before workers are
// destroyed, Settle must have been called: results are posted to them.
// Fails: Run by nullopt when the job has not ended by the deadline; the result is then dropped on
// the worker when it comes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "connectors/kafka/parking.h"
#include "server/net/worker.h"

namespace tidegate::kafka {

inline constexpr std::size_t kControlThreadsMax = 32;  // blocked ones cost a stack each

class ClientThread {
 public:
  ClientThread();
  ClientThread(const ClientThread&) = delete;
  ClientThread& operator=(const ClientThread&) = delete;
  static ClientThread& Shared();

  using Job = std::function<void()>;
  void Post(Job job, std::chrono::milliseconds allowed);
  std::uint64_t abandoned() const;
  // Blocks until no job waits or runs; false when some still do at `deadline`. Not on a worker.
  bool Settle(TimePoint deadline);

  // Runs `job` and resumes on `worker`, the caller's.
  template <typename T>
  Task<std::optional<T>> Run(net::Worker& worker, std::function<T()> job,
                             std::chrono::milliseconds allowed) {
    auto call = std::make_shared<Call<T>>();
    net::Worker* home = &worker;
    Job whole = [call, home, job = std::move(job)] {
      call->result.emplace(job());
      home->Post([call] {
        call->done = true;
        call->parking.Wake();
      });
    };
    Post(std::move(whole), allowed);
    const TimePoint deadline = Clock::now() + allowed;
    co_await call->parking.Wait(worker.wheel(), deadline);
    std::optional<T> result;
    if (call->done) result = std::move(call->result);
    co_return result;
  }

 private:
  template <typename T>
  struct Call {
    Parking parking;
    std::optional<T> result;
    bool done = false;
  };
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tidegate::kafka
