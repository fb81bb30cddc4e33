#include "connectors/rabbitmq/ack_window.h"

namespace tidegate::rabbitmq {

AckWindow::State* AckWindow::Find(std::uint64_t tag) {
  if (tag < first_ || tag - first_ >= states_.size()) return nullptr;
  State& state = states_[static_cast<std::size_t>(tag - first_)];
  return state == State::kOpen ? &state : nullptr;
}

bool AckWindow::Ack(std::uint64_t tag) {
  State* state = Find(tag);
  if (state == nullptr) return false;
  *state = State::kAcked;
  acked_.push_back(tag);
  return true;
}

bool AckWindow::Nack(std::uint64_t tag) {
  State* state = Find(tag);
  if (state == nullptr) return false;
  *state = State::kGone;
  return true;
}

const std::vector<AckWindow::Out>& AckWindow::Flush() {
  out_.clear();
  std::uint64_t prefix = 0;
  while (!states_.empty() && states_.front() != State::kOpen) {
    if (states_.front() == State::kAcked) prefix = first_;
    states_.pop_front();
    ++first_;
  }
  if (prefix != 0) out_.push_back({prefix, true});
  for (const std::uint64_t tag : acked_) {
    if (tag < first_) continue;
    out_.push_back({tag, false});
    states_[static_cast<std::size_t>(tag - first_)] = State::kGone;
  }
  acked_.clear();
  return out_;
}

}  // namespace tidegate::rabbitmq
