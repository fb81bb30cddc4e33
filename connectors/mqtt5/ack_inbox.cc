#include "connectors/mqtt5/ack_inbox.h"

#include <memory>

namespace tidegate::mqtt5 {
namespace {

struct DropRef {
  void operator()(AckInbox* inbox) const { inbox->Release(); }
};

}  // namespace

void AckInbox::Add(const connectors::AckToken& token, Settlement settlement) {
  SettledAck ack;
  ack.token = token;
  ack.settlement = settlement;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(ack);
    if (std::exchange(posted_, true)) return;
  }
  AddRef();
  worker_.Post([self = std::unique_ptr<AckInbox, DropRef>(this)] { self->Drain(); });
}

void AckInbox::Drain() {
  {
    const std::lock_guard lock(mutex_);
    taken_.clear();
    std::swap(taken_, waiting_);
    posted_ = false;
  }
  if (take_ && !taken_.empty()) take_(taken_);
}

}  // namespace tidegate::mqtt5
