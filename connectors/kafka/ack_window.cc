#include "connectors/kafka/ack_window.h"

#include <algorithm>

namespace tidegate::kafka {

bool AckWindow::Delivered(std::int64_t offset) {
  if (offset <= last_) return false;
  last_ = offset;
  if (prefix_ < 0) prefix_ = committed_ = offset;  // where the partition was begun
  Entry entry;
  entry.offset = offset;
  entries_.push_back(entry);
  ++outstanding_;
  return true;
}

bool AckWindow::Settle(std::int64_t offset) {
  const auto it = std::lower_bound(
      entries_.begin(), entries_.end(), offset,
      [](const Entry& entry, std::int64_t value) { return entry.offset < value; });
  if (it == entries_.end() || it->offset != offset || it->settled) return false;
  it->settled = true;
  --outstanding_;
  ++uncommitted_;
  while (!entries_.empty() && entries_.front().settled) {
    prefix_ = entries_.front().offset + 1;
    entries_.pop_front();
  }
  return true;
}

std::int64_t AckWindow::commit_offset() const { return prefix_; }

void AckWindow::Committed(std::int64_t offset) {
  committed_ = std::max(committed_, offset);
  uncommitted_ = 0;
}

}  // namespace tidegate::kafka
