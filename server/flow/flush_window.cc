#include "server/flow/flush_window.h"

#include <algorithm>
#include <utility>

#include "server/base/limits.h"

namespace tidegate::flow {

// Its handler has only a weak reference: nothing is called when the window has gone.
struct FlushWindow::Waiting {
  explicit Waiting(FlushWindow& of) : window(of), timer(of.worker_.context()) {}
  FlushWindow& window;
  Timer timer;
};

FlushWindow::~FlushWindow() = default;

void FlushWindow::Pushed(Subscriber& subscriber, std::size_t frames, bool full) {
  rate_.Count(frames);
  unwritten_ += frames;
  std::chrono::milliseconds delay(0);
  if (const auto wish = subscriber.coalesce()) {
    delay = std::min(*wish, std::chrono::milliseconds(kCoalesceWindowMax));
  } else if (rate_.fast() && !awaited_) {
    delay = kCoalesceWindow;
  }
  if (full || delay.count() <= 0 || unwritten_ >= kCoalesceMessagesMax) {
    Forget();
    subscriber.Flush();
  } else if (unwritten_ > 0 && subscriber_ == nullptr) {
    Wait(subscriber, delay);
  }
}

void FlushWindow::Forget() {
  unwritten_ = 0;
  if (std::exchange(subscriber_, nullptr) != nullptr) waiting_->timer.cancel();
}

void FlushWindow::Wait(Subscriber& subscriber, std::chrono::milliseconds delay) {
  if (!waiting_) waiting_ = std::make_shared<Waiting>(*this);
  subscriber_ = &subscriber;
  waiting_->timer.expires_after(delay);
  waiting_->timer.async_wait([weak = std::weak_ptr<Waiting>(waiting_)](const ErrorCode& ec) {
    const auto waiting = weak.lock();
    if (waiting && !ec) waiting->window.OnTimer();
  });
}

void FlushWindow::OnTimer() {
  Subscriber* subscriber = std::exchange(subscriber_, nullptr);
  unwritten_ = 0;
  if (subscriber != nullptr) subscriber->Flush();
}

}  // namespace tidegate::flow
