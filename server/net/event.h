// Wakes one waiting coroutine: the smallest thing that can be awaited.
//
// Set() is remembered until a Wait() has taken it. The waiter resumes after the present function,
// never inside Set(): whoever sets an event may hold iterators into what the waiter changes.
// Thread: one worker. Owner: the object whose coroutine waits; destroying an event with a waiter
// destroys that coroutine. Fails: never.
#pragma once

#include <boost/asio/async_result.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "server/base/task.h"
#include "server/net/worker.h"

namespace tidegate::net {

class Event : private WheelTimer {
  using Handler = Resume<void()>;
  struct Keep {
    void operator()(Handler handler, std::optional<Handler>* slot) const {
      slot->emplace(std::move(handler));
    }
  };

 public:
  explicit Event(Worker& worker) : worker_(worker) {}

  void Set() {
    set_ = true;
    Wake();
  }
  void Reset() { set_ = false; }
  bool is_set() const { return set_; }

  // With a deadline and without a coroutine frame, for the hot path:
  //   if (event.Arm(deadline)) co_await event.Suspend();
  //   const bool set = event.Take();
  bool Arm(TimePoint deadline) {
    if (!set_) worker_.wheel().ArmAt(*this, deadline);
    return !set_;
  }
  auto Suspend() {
    return asio::async_initiate<const asio::deferred_t&, void()>(Keep(), kDirect, &waiter_);
  }
  bool Take() {
    Cancel();
    return std::exchange(set_, false);
  }
  // At most one waiter at a time. Takes the signal: the next Wait() waits again.
  Task<void> Wait() {
    if (!set_) {
      auto suspended = Suspend();
      co_await std::move(suspended);
    }
    set_ = false;
  }
  // False: nobody set it within `limit` (rounded up to a tick of the wheel).
  Task<bool> WaitFor(std::chrono::milliseconds limit) {
    if (!set_) {
      worker_.wheel().Arm(*this, limit);
      auto suspended = Suspend();
      co_await std::move(suspended);
      Cancel();
    }
    co_return std::exchange(set_, false);
  }

 private:
  void OnTimer() override { Wake(); }
  void Wake() {
    if (!waiter_) return;
    Handler handler = std::move(*waiter_);
    waiter_.reset();
    worker_.Defer(std::move(handler));
  }

  Worker& worker_;
  bool set_ = false;
  std::optional<Handler> waiter_;
};

}  // namespace tidegate::net
