// The last kRingBytes of messages that a live reader has seen, in its own order. Who is a little
// behind is served from here instead of by a source of its own.
//
// Numbers: every message of the live reader has a sequence number; the ring holds [first, end).
// base() is the live position just before `first`: who has everything up to there can go on here.
// Thread: the reader's home worker. Owner: EachReader. Fails: never.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "connectors/api/message.h"
#include "server/flow/frame.h"
#include "server/flow/lanes.h"

namespace tidegate::flow {

class Ring {
 public:
  struct Cached {
    std::uint32_t encoding = 0;  // number given by Encodings; 0: none
    FramePtr frame;
  };
  struct Item {
    connectors::Message message;
    std::string copy;  // of views that nothing keeps alive
    std::vector<connectors::NamedText> metadata;  // the same
    std::uint32_t lane = 0;
    std::int64_t offset = -1;
    std::size_t bytes = 0;
    // Frames whose id is the live position, for the encodings that are common.
    std::array<Cached, 2> frames;
    const FramePtr* Find(std::uint32_t encoding) const;
    void Remember(std::uint32_t encoding, const FramePtr& frame);
  };

  explicit Ring(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void Begin(Offsets position) { base_ = std::move(position); }

  // Takes the message out of its batch, with its hold; the caller fills in the frames.
  Item& Add(connectors::Message& message, std::uint32_t lane);
  // After frames were remembered: evicts what is too much.
  void Settle(Item& item);

  std::uint64_t first() const { return first_; }
  std::uint64_t end() const { return first_ + size_; }
  Item& at(std::uint64_t sequence) {
    return items_[(head_ + (sequence - first_)) & (items_.size() - 1)];
  }
  const Offsets& base() const { return base_; }
  std::size_t bytes() const { return bytes_; }

  // Where someone who has seen `offsets` goes on: the first message it lacks. `at` becomes the live
  // position just before that. Only when CoversAll(offsets, base()).
  std::uint64_t Seek(const Offsets& offsets, Offsets& at);

 private:
  void Grow();
  void Evict();

  const std::size_t bytes_max_;
  std::vector<Item> items_;  // circular, capacity a power of two
  std::size_t head_ = 0;
  std::size_t size_ = 0;
  std::uint64_t first_ = 1;
  std::size_t bytes_ = 0;
  Offsets base_;
};

}  // namespace tidegate::flow
