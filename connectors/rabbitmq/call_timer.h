// A timer of the wheel that calls a function; for objects that have several.
// Thread: the wheel's worker. Owner: the object the function belongs to.
#pragma once

#include <functional>

#include "server/net/timer_wheel.h"

namespace tidegate::rabbitmq {

class CallTimer final : public net::WheelTimer {
 public:
  explicit CallTimer(std::function<void()> call) : call_(std::move(call)) {}
  void OnTimer() override { call_(); }

 private:
  const std::function<void()> call_;
};

}  // namespace tidegate::rabbitmq
