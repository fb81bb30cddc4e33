#include "connectors/kafka/parking.h"

#include <algorithm>
#include <chrono>

#include "server/base/check.h"

namespace tidegate::kafka {
namespace {

// A named function object: no lambda stands in a statement that awaits (g++ 12).
struct KeepHandler {
  using Handler = Resume<void(bool)>;
  void operator()(Handler handler, std::optional<Handler>* slot) const {
    slot->emplace(std::move(handler));
  }
};

// Awaited in place: a publish costs no frame for it.
auto Suspend(std::optional<Resume<void(bool)>>& slot) {
  return asio::async_initiate<const asio::deferred_t&, void(bool)>(KeepHandler(), kDirect, &slot);
}

}  // namespace

Task<bool> Parking::Wait(net::TimerWheel& wheel, TimePoint deadline) {
  TG_CHECK(!handler_.has_value());
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
  if (left <= milliseconds(0)) co_return false;
  wheel.Arm(*this, left);
  auto suspended = Suspend(handler_);
  const bool woken = co_await std::move(suspended);
  co_return woken;
}

Task<void> Parking::Wait() {
  TG_CHECK(!handler_.has_value());
  auto suspended = Suspend(handler_);
  co_await std::move(suspended);
}

void Parking::Resume(bool woken) {
  if (!handler_) return;
  Cancel();
  Handler handler = std::move(*handler_);
  handler_.reset();
  std::move(handler)(woken);
}

}  // namespace tidegate::kafka
