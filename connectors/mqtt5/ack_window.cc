#include "connectors/mqtt5/ack_window.h"

namespace tidegate::mqtt5 {

std::uint64_t AckWindow::Add(std::uint16_t packet_id, BlockPtr block, TimePoint now) {
  bytes_ += block->size();
  Entry& entry = entries_.emplace_back();
  entry.packet_id = packet_id;
  entry.block = std::move(block);
  entry.arrived = now;
  return first_ + entries_.size() - 1;
}

AckWindow::Entry* AckWindow::Open(std::uint64_t number) {
  if (number < first_ || number - first_ >= entries_.size()) return nullptr;
  Entry& entry = entries_[number - first_];
  return entry.settled ? nullptr : &entry;
}

bool AckWindow::Settle(std::uint64_t number, std::uint8_t reason) {
  Entry* entry = Open(number);
  if (entry == nullptr) return false;
  entry->settled = true;
  entry->reason = reason;
  return true;
}

void AckWindow::Clear() {
  first_ += entries_.size();
  entries_.clear();
  bytes_ = 0;
}

}  // namespace tidegate::mqtt5
