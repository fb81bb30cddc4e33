// Which deliveries of one channel are settled, and how few acknowledgements say so.
//
// Delivery tags count from 1 on each channel. Whatever is settled from the front on is acknowledged
// with one `multiple`; what was settled out of order is acknowledged by itself.
// Thread: one. Owner: the source, one per generation. Sans-I/O.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

namespace tidegate::rabbitmq {

class AckWindow {
 public:
  struct Out {
    std::uint64_t tag = 0;
    bool multiple = false;
  };

  // In the order of tags, none left out.
  void Delivered() { states_.push_back(State::kOpen); }
  // False: no such delivery is open.
  bool Ack(std::uint64_t tag);
  bool Nack(std::uint64_t tag);
  // What to send for the acks since the last call.
  const std::vector<Out>& Flush();
  bool has_acks() const { return !acked_.empty(); }
  std::size_t open() const { return states_.size(); }  // up to the first that is open, and behind

 private:
  enum class State : std::uint8_t { kOpen, kAcked, kGone };
  State* Find(std::uint64_t tag);

  std::deque<State> states_;  // the first has the tag first_
  std::uint64_t first_ = 1;
  std::vector<std::uint64_t> acked_;
  std::vector<Out> out_;
};

}  // namespace tidegate::rabbitmq
