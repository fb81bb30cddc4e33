// One place where one coroutine waits for an event of its worker, or for a deadline.
//
// Thread: the worker of the wheel. Owner: the object that will wake it; it must not be destroyed
// while a coroutine waits. Fails: never; a wait that ends by its deadline returns false.
// Costs no allocation of its own: the coroutine's handler is kept inside.
#pragma once

#include <optional>

#include "server/base/task.h"
#include "server/net/timer_wheel.h"

namespace tidegate::kafka {

class Parking final : public net::WheelTimer {
 public:
  Parking() = default;

  // True: woken. False: the deadline has passed. At most one waits at a time.
  Task<bool> Wait(net::TimerWheel& wheel, TimePoint deadline);
  // The same without a coroutine frame, for the hot path: `co_await parking.Suspend()` after Arm
  // has said that there is time left. `now` is the caller's, who has just read the clock.
  bool Arm(net::TimerWheel& wheel, TimePoint deadline, TimePoint now);
  auto Suspend() {
    return asio::async_initiate<const asio::deferred_t&, void(bool)>(KeepHandler(), kDirect,
                                                                     &handler_);
  }
  // Waits without a deadline, for those whom another's deadline ends.
  Task<void> Wait();
  // Resumes the waiting coroutine before it returns; the caller must expect that the coroutine
  // destroys anything. Does nothing when nobody waits.
  void Wake() { Resume(true); }
  bool waiting() const { return handler_.has_value(); }

  void OnTimer() override { Resume(false); }

 private:
  using Handler = tidegate::Resume<void(bool)>;
  // A named function object: no lambda stands in a statement that awaits (g++ 12).
  struct KeepHandler {
    void operator()(Handler handler, std::optional<Handler>* slot) const {
      slot->emplace(std::move(handler));
    }
  };
  void Resume(bool woken);

  std::optional<Handler> handler_;
};

}  // namespace tidegate::kafka
