// A message as it goes to sockets: encoded once per (reader, encoder), shared by all subscribers.
//
// Immutable after it was made; counted atomically because subscribers live on several workers.
// One allocation holds the counter, the place and the bytes.
// Thread: any. Owner: FramePtr. Fails: never.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace tidegate::flow {

// Which message a frame is. A lane is one partition of one topic; readers number them in the order
// they appear, so that positions are kept in arrays.
struct Place {
  Place() = default;
  Place(std::uint32_t lane_number, std::int32_t partition_number, std::int64_t message_offset)
      : lane(lane_number), partition(partition_number), offset(message_offset) {}
  std::uint32_t lane = 0;
  std::int32_t partition = -1;
  std::int64_t offset = -1;
};

class Frame {
 public:
  std::string_view bytes() const { return {data(), size_}; }
  const Place& place() const { return place_; }
  std::int64_t timestamp_ms() const { return timestamp_ms_; }  // 0: the broker gave none
  bool last() const { return last_; }  // nothing may follow it on a stream

 private:
  friend class FramePtr;
  Frame(Place place, std::int64_t timestamp_ms, std::size_t size)
      : place_(place), timestamp_ms_(timestamp_ms), size_(size) {}
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }

  std::atomic<std::uint32_t> references_{1};
  Place place_;
  std::int64_t timestamp_ms_;
  std::size_t size_;
  bool last_ = false;
};

class FramePtr {
 public:
  FramePtr() = default;
  static FramePtr Make(std::string_view bytes, Place at = Place(), std::int64_t timestamp_ms = 0);
  FramePtr(const FramePtr& other) : frame_(other.frame_) {
    if (frame_ != nullptr) frame_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  FramePtr(FramePtr&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  FramePtr& operator=(FramePtr other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~FramePtr();

  void MarkLast() { frame_->last_ = true; }  // by who made it, before anybody else has it
  explicit operator bool() const { return frame_ != nullptr; }
  const Frame& operator*() const { return *frame_; }
  const Frame* operator->() const { return frame_; }

 private:
  Frame* frame_ = nullptr;
};

}  // namespace tidegate::flow
