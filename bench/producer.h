// What a floor program publishes through: a broker's client on its epoll loop.
//
// Thread: one. Fails: what cannot be set up ends the program.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace tidegate::bench {

class Producer {
 public:
  using OnDelivered = std::function<void(std::uint64_t opaque, bool ok)>;

  virtual ~Producer() = default;

  // Readable when Poll has something.
  virtual int event_fd() const = 0;
  // Copies the payload. False when the queue is full.
  virtual bool Produce(std::string_view payload, std::uint64_t opaque) = 0;
  // The end of a turn of the loop: what was produced in it may go out together.
  virtual void Flush() {}
  // Calls `on_delivered` for all reports that are there.
  virtual void Poll(const OnDelivered& on_delivered) = 0;
};

}  // namespace tidegate::bench
