#include "connectors/kafka/parking.h"

#include <algorithm>
#include <chrono>

#include "server/base/check.h"

namespace tidegate::kafka {
namespace {

// A named function object: no lambda stands in a statement that awaits (g++ 12).
struct KeepHandler {
  template <typename Handler, typename Slot>
  void operator()(Handler&& handler, Slot* slot) const {
    slot->emplace(std::forward<Handler>(handler));
  }
};

}  // namespace

Task<bool> Parking::Wait(net::TimerWheel& wheel, TimePoint deadline) {
  TG_CHECK(!handler_.has_value());
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
  if (left <= milliseconds(0)) co_return false;
  wheel.Arm(*this, left);
  const KeepHandler keep;
  co_return co_await asio::async_initiate<const Token, void(bool)>(keep, kTask, &handler_);
}

Task<void> Parking::Wait() {
  TG_CHECK(!handler_.has_value());
  const KeepHandler keep;
  co_await asio::async_initiate<const Token, void(bool)>(keep, kTask, &handler_);
}

void Parking::Resume(bool woken) {
  if (!handler_) return;
  Cancel();
  Handler handler = std::move(*handler_);
  handler_.reset();
  std::move(handler)(woken);
}

}  // namespace tidegate::kafka
