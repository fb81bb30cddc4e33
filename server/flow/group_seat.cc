#include <algorithm>
#include <utility>

#include "server/base/limits.h"
#include "server/flow/group_reader.h"

namespace tidegate::flow {
namespace {

constexpr std::size_t kWindow = 256;  // credit at home: more would only queue messages here

}  // namespace

GroupSeat::GroupSeat(std::shared_ptr<GroupReader> reader, std::uint64_t id, connectors::Qos qos,
                     Subscriber& subscriber, net::Worker& worker)
    : reader_(std::move(reader)), id_(id),
      ack_when_written_(qos == connectors::Qos::kAtLeastOnce), subscriber_(subscriber),
      link_(std::make_shared<GroupLink>(worker)), window_(worker, ack_when_written_),
      placed_(worker) {
  link_->seat = this;
}

GroupSeat::~GroupSeat() {
  link_->seat = nullptr;
  reader_->hub_->subscribers -= 1;
  bool unused = false;
  {
    const std::lock_guard lock(reader_->hub_->mutex);
    const auto it = reader_->hub_->groups.find(reader_->key_);
    if (it != reader_->hub_->groups.end() && it->second.reader == reader_) {
      unused = --it->second.users == 0;
    }
  }
  reader_->OnHome([id = id_, unused](GroupReader& self) { self.Leave(id, unused); });
}

Task<Status> GroupSeat::WaitForPlace() {
  if (!is_placed_) co_await placed_.WaitFor(kAttachLimit);
  if (!is_placed_) co_return MakeError(ErrorClass::kTimeout, "attach: the group took too long");
  co_return placed_status_;
}

void GroupSeat::Placed(const Status& status) {
  if (is_placed_) return;
  is_placed_ = true;
  placed_status_ = status;
  placed_.Set();
  if (status.ok()) GrantMore();
}

// In steps of a quarter of the window, so that a post carries several messages' worth of credit.
void GroupSeat::GrantMore() {
  if (over_) return;
  const std::size_t demand = std::min(subscriber_.Demand(), kWindow);
  const std::size_t taken = pending_.size() + granted_;
  if (demand <= taken) return;
  const std::size_t more = demand - taken;
  if (granted_ > 0 && more < kWindow / 4) return;
  granted_ += more;
  reader_->OnHome([id = id_, more](GroupReader& self) { self.Grant(id, more); });
}

void GroupSeat::Take(std::vector<GroupItem> items) {
  if (over_) return;
  granted_ -= std::min(granted_, items.size());
  for (GroupItem& item : items) pending_.push_back(std::move(item));
  PushPending();
  GrantMore();
}

void GroupSeat::PushPending() {
  if (pushing_) return;
  pushing_ = true;
  int refused = 0;  // rounds in a row
  do {
    room_ = false;
    const std::size_t before = pending_.size();
    while (!pending_.empty() && subscriber_.Push(pending_.front().frame)) {
      link_->bytes -= pending_.front().frame->bytes().size();
      CountedAck ack = std::move(pending_.front().ack);
      pending_.pop_front();
      if (ack_when_written_) {
        unwritten_.push_back(std::move(ack));
      } else {
        ack.Done();
      }
    }
    refused = pending_.size() == before ? refused + 1 : 0;
    // The socket may take all at once and say so from within: nobody says it again.
    window_.Pushed(subscriber_, before - pending_.size(), !pending_.empty());
  } while (room_ && !pending_.empty() && refused < 2);
  pushing_ = false;
  if (!link_->full() && link_->awaited.exchange(false)) {
    reader_->OnHome([id = id_](GroupReader& self) { self.Grant(id, 0); });
  }
}

void GroupSeat::OnRoom() {
  if (over_) return;
  room_ = true;
  if (!pushing_) PushPending();
  GrantMore();
}

void GroupSeat::OnWritten(const FramePtr&) {
  if (ack_when_written_ && !unwritten_.empty()) {
    unwritten_.front().Done();
    unwritten_.pop_front();
  }
  GrantMore();
}

void GroupSeat::End(EndReason reason, const Status& status) {
  if (over_) return;
  if (!is_placed_) {
    Status failed = status;
    if (failed.ok()) failed = MakeError(ErrorClass::kOverloaded, "attach: the reader has ended");
    return Placed(failed);
  }
  over_ = true;
  pending_.clear();
  subscriber_.OnEnd(reason, status);
}

}  // namespace tidegate::flow
