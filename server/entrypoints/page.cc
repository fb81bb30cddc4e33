#include "server/entrypoints/page.h"

#include "server/base/limits.h"

namespace tidegate::entrypoints {

std::size_t Page::Demand() const {
  if (ended_ || taken_ >= limit_ || queued_bytes_ >= kPageQueueBytes) return 0;
  return limit_ - taken_;
}

bool Page::Push(flow::FramePtr frame) {
  if (Demand() == 0) return false;
  ++taken_;
  queued_bytes_ += frame->bytes().size();
  queue_.push_back(std::move(frame));
  return true;
}

void Page::Written(std::size_t count, flow::Attachment& seat) {
  for (std::size_t i = 0; i < count; ++i) {
    const flow::FramePtr frame = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= frame->bytes().size();
    bytes_ += frame->bytes().size();
    ++written_;
    seat.OnWritten(frame);
  }
  if (Demand() > 0) seat.OnRoom();
}

flow::Backlog Page::backlog() const {
  flow::Backlog out;
  out.messages = queue_.size();
  out.bytes = queued_bytes_;
  out.paused = queued_bytes_ >= kPageQueueBytes ? 1 : 0;
  return out;
}

void Page::Stop(flow::EndReason reason, const Status& status) {
  if (ended_) return;
  ended_ = true;
  reason_ = reason;
  status_ = status;
  changed_.Set();
}

Task<bool> Page::WaitUntil(TimePoint deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  if (left.count() <= 0) co_return false;
  co_return co_await changed_.WaitFor(left);
}

}  // namespace tidegate::entrypoints
