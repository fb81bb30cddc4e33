// The acknowledgements of one connection: settled in any order, sent in the order in which the
// messages came [MQTT-4.6.0-2].
//
// Thread: pure state, one source's worker. Owner: the source. Fails: never; a sequence number that
// is not (or no longer) in the window is not settled.
#pragma once

#include <cstdint>
#include <deque>

#include "connectors/mqtt5/block.h"
#include "server/base/task.h"

namespace tidegate::mqtt5 {

class AckWindow {
 public:
  struct Entry {
    std::uint16_t packet_id = 0;
    std::uint8_t reason = 0;
    bool settled = false;
    bool handed_over = false;
    bool again = false;  // handed over before, and given back
    BlockPtr block;
    TimePoint arrived;
  };

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }
  // The number of the new entry.
  std::uint64_t Add(std::uint16_t packet_id, BlockPtr block, TimePoint now);
  // nullptr: gone, or settled.
  Entry* Open(std::uint64_t number);
  // False: it was settled before, or never there.
  bool Settle(std::uint64_t number, std::uint8_t reason);
  // Calls `send(entry)` for the settled ones at the head, and forgets them.
  template <typename Send>
  void PopSettled(Send send) {
    while (!entries_.empty() && entries_.front().settled) {
      send(entries_.front());
      bytes_ -= entries_.front().block->size();
      entries_.pop_front();
      ++first_;
    }
  }
  // Every number of before is gone from here on.
  void Clear();
  // Entries that are not settled, oldest first, with their numbers.
  template <typename Visit>
  void ForEachOpen(Visit visit) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (!entries_[i].settled) visit(first_ + i, entries_[i]);
    }
  }

 private:
  std::deque<Entry> entries_;
  std::uint64_t first_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tidegate::mqtt5
