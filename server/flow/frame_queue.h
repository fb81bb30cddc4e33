// The frames that wait for one socket: a circular buffer that doubles when full and gives memory
// back when it runs empty after having been large. An idle consumer owns no buffer.
//
// Thread: one worker. Owner: StreamSession. Limits are its owner's. Fails: never.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "server/flow/frame.h"

namespace tidegate::flow {

class FrameQueue {
 public:
  struct Entry {
    FramePtr frame;
    bool own = false;  // of the entrypoint itself (heartbeat, pong): no place, not reported
  };

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return bytes_; }
  Entry& at(std::size_t i) { return entries_[(head_ + i) & (capacity_ - 1)]; }

  void Push(FramePtr frame, bool own) {
    if (size_ == capacity_) Grow();
    Entry& entry = entries_[(head_ + size_) & (capacity_ - 1)];
    bytes_ += frame->bytes().size();
    entry.frame = std::move(frame);
    entry.own = own;
    ++size_;
  }
  // Puts a frame before entry `i`; costs i moves, so it is for the front only.
  void Insert(std::size_t i, FramePtr frame, bool own) {
    if (size_ == capacity_) Grow();
    bytes_ += frame->bytes().size();
    head_ = (head_ - 1) & (capacity_ - 1);
    ++size_;
    for (std::size_t k = 0; k < i; ++k) std::swap(at(k), at(k + 1));
    at(i).frame = std::move(frame);
    at(i).own = own;
  }
  Entry Pop() {
    Entry entry = std::move(at(0));
    bytes_ -= entry.frame->bytes().size();
    head_ = (head_ + 1) & (capacity_ - 1);
    --size_;
    if (size_ == 0 && capacity_ > kKeep) Clear();
    return entry;
  }
  // Takes entry `i` out; the order of the others stays. Costs i moves.
  void Remove(std::size_t i) {
    for (; i > 0; --i) std::swap(at(i), at(i - 1));
    Pop();
  }
  void Clear() {
    entries_.reset();
    head_ = size_ = capacity_ = bytes_ = 0;
  }

 private:
  static constexpr std::uint32_t kKeep = 8;

  void Grow() {
    const std::uint32_t capacity = capacity_ == 0 ? 2 : capacity_ * 2;
    auto entries = std::make_unique<Entry[]>(capacity);
    for (std::uint32_t i = 0; i < size_; ++i) entries[i] = std::move(at(i));
    entries_ = std::move(entries);
    head_ = 0;
    capacity_ = capacity;
  }

  std::unique_ptr<Entry[]> entries_;
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tidegate::flow
