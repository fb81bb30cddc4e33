// One coarse timer wheel per worker: ticks of kWheelTick (100 ms), intrusive entries, no
// allocation. A timer per operation costs more than the operation (reference: performance.md §4.1).
//
// Thread: the owning worker. Owner: the worker; entries are members of the objects they time and
// remove themselves when destroyed. Precision: an entry fires at most one tick late, never early.
// The wheel's asio timer runs only while entries exist, so an idle process does not wake up.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "server/base/task.h"

namespace tidegate::net {

class TimerWheel;

// Derive, or hold one as a member; OnTimer may re-arm or destroy its owner.
class WheelTimer {
 public:
  WheelTimer() = default;
  WheelTimer(const WheelTimer&) = delete;
  WheelTimer& operator=(const WheelTimer&) = delete;
  virtual ~WheelTimer() { Cancel(); }
  void Cancel();
  bool armed() const { return next_ != nullptr; }

  virtual void OnTimer() = 0;

 private:
  friend class TimerWheel;
  WheelTimer* next_ = nullptr;
  WheelTimer* prev_ = nullptr;
  std::int64_t due_tick_ = 0;
  TimerWheel* wheel_ = nullptr;
};

class TimerWheel {
 public:
  explicit TimerWheel(asio::io_context& context);
  ~TimerWheel();

  // Arms (or re-arms) `timer` to fire after `delay`, measured from now.
  void Arm(WheelTimer& timer, std::chrono::milliseconds delay);
  void ArmAt(WheelTimer& timer, TimePoint due);
  std::size_t armed() const { return armed_; }
  TimePoint origin() const { return origin_; }  // the start of tick 0

  // Fires everything due at `now`. Called by the asio timer; tests call it with times of their own.
  void Advance(TimePoint now);

  // A pause in a coroutine, rounded up to a tick.
  Task<void> Sleep(std::chrono::milliseconds delay);

 private:
  friend class WheelTimer;
  static constexpr std::size_t kSlots = 512;
  struct Head : WheelTimer {
    void OnTimer() override {}
  };

  void Link(WheelTimer& timer);
  void Unlink(WheelTimer& timer);
  void FireSlot(Head& slot, std::int64_t target);
  void Schedule();
  std::int64_t TickOf(TimePoint time) const;

  Timer timer_;
  const TimePoint origin_;
  std::int64_t current_tick_ = 0;
  bool scheduled_ = false;
  std::size_t armed_ = 0;
  asio::io_context& context_;
  std::array<Head, kSlots> slots_;
};

}  // namespace tidegate::net
