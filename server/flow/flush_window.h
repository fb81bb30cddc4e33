// When what a reader has pushed to its one subscriber goes to the socket: at once, or with what
// comes within the subscriber's window (coalesceWindow). Readers of many subscribers have EachFan
// for it.
//
// Thread: the subscriber's worker. Owner: the seat or reader that pushes; its end forgets what
// waits (the subscriber still has the frames and writes them when it is finished).
#pragma once

#include <cstddef>
#include <memory>

#include "server/flow/delivery_rate.h"
#include "server/flow/subscriber.h"
#include "server/net/worker.h"

namespace tidegate::flow {

class FlushWindow {
 public:
  // `awaited`: acknowledgements wait for the writing. Then nothing waits that was not asked to: a
  // broker with few messages in flight would wait with it.
  FlushWindow(net::Worker& worker, bool awaited) : worker_(worker), awaited_(awaited) {}
  ~FlushWindow();
  FlushWindow(const FlushWindow&) = delete;
  FlushWindow& operator=(const FlushWindow&) = delete;

  // `frames` more have been pushed to `subscriber`; `full`: it takes no more before it has written.
  // The subscriber must stay until Forget, or this is destroyed.
  void Pushed(Subscriber& subscriber, std::size_t frames, bool full);
  void Forget();

 private:
  struct Waiting;
  void Wait(Subscriber& subscriber, std::chrono::milliseconds delay);
  void OnTimer();

  net::Worker& worker_;
  const bool awaited_;
  DeliveryRate rate_;
  std::size_t unwritten_ = 0;         // frames that wait for company
  Subscriber* subscriber_ = nullptr;  // set while the timer runs
  std::shared_ptr<Waiting> waiting_;  // made by the first that waits
};

}  // namespace tidegate::flow
