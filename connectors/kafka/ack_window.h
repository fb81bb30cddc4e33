// What of one partition has been handed over and not yet settled, and how far may be committed: the
// contiguous acknowledged prefix. Offsets come in rising order, with gaps where the log has them.
//
// Sans I/O. Thread: the worker of the source. Owner: the group source, one per assigned partition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace tidegate::kafka {

inline constexpr std::size_t kAckWindowMax = 1000;  // beyond it the partition waits for its head

class AckWindow {
 public:
  // False, and nothing changes: not above all before it, so the log is not what it was (it was cut
  // or made anew) and what is kept here says nothing of it.
  bool Delivered(std::int64_t offset);
  // False: not outstanding (settled before, or never delivered).
  bool Settle(std::int64_t offset);

  bool full() const { return entries_.size() >= kAckWindowMax; }
  std::size_t outstanding() const { return outstanding_; }
  // The next offset to read when everything up to it is settled; -1: nothing was delivered.
  std::int64_t commit_offset() const;
  // Settled since the last Committed().
  std::size_t uncommitted() const { return uncommitted_; }
  bool dirty() const { return commit_offset() > committed_; }
  void Committed(std::int64_t offset);

 private:
  struct Entry {
    std::int64_t offset = 0;
    bool settled = false;
  };
  std::deque<Entry> entries_;  // from the first unsettled on
  std::int64_t last_ = -1;     // delivered
  std::int64_t prefix_ = -1;   // next offset after the settled prefix
  std::int64_t committed_ = -1;
  std::size_t outstanding_ = 0;
  std::size_t uncommitted_ = 0;
};

}  // namespace tidegate::kafka
