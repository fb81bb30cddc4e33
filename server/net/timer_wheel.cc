#include "server/net/timer_wheel.h"

#include <algorithm>

#include "server/base/check.h"
#include "server/base/limits.h"

namespace tidegate::net {

namespace {

constexpr auto kTickNs = std::chrono::duration_cast<Clock::duration>(kWheelTick);

// Resumes a sleeping coroutine: its asio timer never expires by itself, so it costs no timerfd
// call.
struct SleepTimer final : WheelTimer {
  explicit SleepTimer(asio::io_context& context) : event(context, TimePoint::max()) {}
  void OnTimer() override { event.cancel(); }
  Timer event;
};

}  // namespace

void WheelTimer::Cancel() {
  // Heads of slots have no wheel; entries that are not armed have no neighbours.
  if (wheel_ != nullptr && next_ != nullptr) wheel_->Unlink(*this);
}

TimerWheel::TimerWheel(asio::io_context& context)
    : timer_(context), origin_(Clock::now()), context_(context) {
  for (Head& head : slots_) head.next_ = head.prev_ = &head;
}

TimerWheel::~TimerWheel() {
  // Coroutine frames that hold entries are destroyed with the io_context, after this wheel.
  for (Head& head : slots_) {
    for (WheelTimer* entry = head.next_; entry != &head;) {
      WheelTimer* next = entry->next_;
      entry->next_ = entry->prev_ = nullptr;
      entry->wheel_ = nullptr;
      entry = next;
    }
    head.next_ = head.prev_ = nullptr;
  }
}

std::int64_t TimerWheel::TickOf(TimePoint time) const { return (time - origin_) / kTickNs; }

void TimerWheel::Arm(WheelTimer& timer, std::chrono::milliseconds delay) {
  ArmAt(timer, Clock::now() + delay);
}

void TimerWheel::ArmAt(WheelTimer& timer, TimePoint due) {
  timer.Cancel();
  timer.wheel_ = this;
  // Rounded up: an entry never fires early.
  timer.due_tick_ = (due - origin_ + kTickNs - Clock::duration(1)) / kTickNs;
  Link(timer);
  ++armed_;
  if (!scheduled_) Schedule();
}

void TimerWheel::Link(WheelTimer& timer) {
  const std::int64_t tick = std::max(timer.due_tick_, current_tick_ + 1);
  timer.due_tick_ = tick;
  Head& head = slots_[static_cast<std::size_t>(tick) % kSlots];
  timer.prev_ = head.prev_;
  timer.next_ = &head;
  head.prev_->next_ = &timer;
  head.prev_ = &timer;
}

void TimerWheel::Unlink(WheelTimer& timer) {
  timer.prev_->next_ = timer.next_;
  timer.next_->prev_ = timer.prev_;
  timer.next_ = timer.prev_ = nullptr;
  --armed_;
}

void TimerWheel::Advance(TimePoint now) {
  const std::int64_t target = TickOf(now);
  if (target <= current_tick_) return;
  const std::int64_t first = current_tick_ + 1;
  const std::int64_t visits = std::min<std::int64_t>(target - current_tick_, kSlots);
  current_tick_ = target;  // before firing: what OnTimer arms belongs to later ticks
  for (std::int64_t i = 0; i < visits; ++i) {
    FireSlot(slots_[static_cast<std::size_t>(first + i) % kSlots], target);
  }
}

void TimerWheel::FireSlot(Head& slot, std::int64_t target) {
  if (slot.next_ == &slot) return;
  // The list moves to a head of its own, so that entries armed meanwhile are not seen again.
  Head pending;
  pending.next_ = slot.next_;
  pending.prev_ = slot.prev_;
  pending.next_->prev_ = pending.prev_->next_ = &pending;
  slot.next_ = slot.prev_ = &slot;
  while (pending.next_ != &pending) {
    WheelTimer& entry = *pending.next_;
    Unlink(entry);
    if (entry.due_tick_ <= target) {
      entry.OnTimer();  // may destroy the entry and others of this list
    } else {
      Link(entry);
      ++armed_;
    }
  }
  pending.next_ = pending.prev_ = nullptr;
}

void TimerWheel::Schedule() {
  scheduled_ = true;
  timer_.expires_at(origin_ + kTickNs * (TickOf(Clock::now()) + 1));
  timer_.async_wait([this](const ErrorCode& ec) {
    if (ec) return;  // the wheel is being destroyed
    scheduled_ = false;
    Advance(Clock::now());
    if (armed_ > 0 && !scheduled_) Schedule();
  });
}

Task<void> TimerWheel::Sleep(std::chrono::milliseconds delay) {
  SleepTimer sleeper(context_);
  Arm(sleeper, delay);
  co_await sleeper.event.async_wait(kTuple);
}

}  // namespace tidegate::net
