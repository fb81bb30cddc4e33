// Closes a stream when its time is up: what bounds a handshake.
// Thread: the worker of the stream. Owner: the coroutine that waits; must not outlive the stream.
#pragma once

#include "server/net/byte_stream.h"
#include "server/net/timer_wheel.h"

namespace tidegate::net {

class CloseTimer final : public WheelTimer {
 public:
  explicit CloseTimer(ByteStream& stream) : stream_(stream) {}
  void OnTimer() override {
    fired_ = true;
    stream_.Close();
  }
  bool fired() const { return fired_; }

 private:
  ByteStream& stream_;
  bool fired_ = false;
};

}  // namespace tidegate::net
