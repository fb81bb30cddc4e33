#include "connectors/kafka/parking.h"

#include "server/base/check.h"

namespace tidegate::kafka {

bool Parking::Arm(net::TimerWheel& wheel, TimePoint deadline, TimePoint now) {
  TG_CHECK(!handler_.has_value());
  if (deadline <= now) return false;
  wheel.ArmAt(*this, deadline);
  return true;
}

Task<bool> Parking::Wait(net::TimerWheel& wheel, TimePoint deadline) {
  if (!Arm(wheel, deadline, Clock::now())) co_return false;
  const bool woken = co_await Suspend();
  co_return woken;
}

Task<void> Parking::Wait() {
  TG_CHECK(!handler_.has_value());
  co_await Suspend();
}

void Parking::Resume(bool woken) {
  if (!handler_) return;
  Cancel();
  Handler handler = std::move(*handler_);
  handler_.reset();
  std::move(handler)(woken);
}

}  // namespace tidegate::kafka
