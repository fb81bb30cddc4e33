#include "server/flow/frame.h"

#include <cstring>
#include <new>

namespace tidegate::flow {

FramePtr FramePtr::Make(std::string_view bytes, Place place, std::int64_t timestamp_ms) {
  void* memory = ::operator new(sizeof(Frame) + bytes.size());
  auto* frame = new (memory) Frame(place, timestamp_ms, bytes.size());
  if (!bytes.empty()) std::memcpy(static_cast<void*>(frame + 1), bytes.data(), bytes.size());
  FramePtr result;
  result.frame_ = frame;
  return result;
}

FramePtr::~FramePtr() {
  if (frame_ == nullptr) return;
  if (frame_->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  frame_->~Frame();
  ::operator delete(static_cast<void*>(frame_));
}

}  // namespace tidegate::flow
