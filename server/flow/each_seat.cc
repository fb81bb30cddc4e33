#include "server/flow/each_seat.h"

#include <utility>

#include "server/base/check.h"
#include "server/base/limits.h"
#include "server/flow/each_reader.h"
#include "server/flow/encodings.h"

namespace tidegate::flow {

EachSeat::EachSeat(std::shared_ptr<EachFan> fan, std::uint64_t id, const SubscribeSpec& spec,
                   Subscriber& subscriber)
    : fan_(std::move(fan)), id_(id), subscriber_(subscriber), qos_(spec.qos),
      broker_name_(spec.broker_name), placed_(fan_->worker()) {
  fan_->Add(*this);
}

EachSeat::~EachSeat() {
  NotePosition();
  fan_->Remove(*this);
  fan_->reader().SeatGone(id_);
}

Task<Status> EachSeat::WaitForPlace() {
  const bool placed = co_await placed_.WaitFor(kAttachLimit);
  if (!placed) co_return MakeError(ErrorClass::kOverloaded, "attach: no reader came free in time");
  if (placed_status_.ok()) fan_->reader().SeatReady(id_);
  co_return placed_status_;
}

void EachSeat::Placed(const Status& status, Offsets at) {
  if (state_ != State::kPlacing) return;
  placed_status_ = status;
  state_ = status.ok() ? State::kHome : State::kOver;
  written_ = std::move(at);
  moved_ = status.ok();  // where it begins is worth remembering, too
  placed_.Set();
}

std::string EachSeat::Id() const {
  std::string id;
  if (GivesIds(qos_)) fan_->reader().connector().AppendId(position(), id);
  return id;
}

const connectors::Position& EachSeat::position() const {
  position_ = ToPosition(fan_->names(), written_);
  return position_;
}

void EachSeat::OnWritten(const FramePtr& frame) {
  const Place& place = frame->place();
  SetAt(written_, place.lane, place.offset);
  moved_ = true;
}

void EachSeat::NotePosition() {
  if (!moved_ || !GivesIds(qos_)) return;
  moved_ = false;
  fan_->reader().keeper().Note(broker_name_, position(), fan_->worker());
}

void EachSeat::Deliver(std::vector<FramePtr> frames) {
  if (state_ != State::kHome) return;
  chunk_ = std::move(frames);
  chunk_next_ = 0;
  PushChunk();
}

// Flush may call OnRoom from within; that turn is taken here, not by recursion.
void EachSeat::PushChunk() {
  if (pushing_) {
    room_again_ = true;
    return;
  }
  pushing_ = true;
  do {
    room_again_ = false;
    while (chunk_next_ < chunk_.size() && subscriber_.Push(chunk_[chunk_next_])) ++chunk_next_;
    subscriber_.Flush();
  } while (room_again_ && chunk_next_ < chunk_.size() && state_ == State::kHome);
  pushing_ = false;
  if (chunk_next_ < chunk_.size() || state_ != State::kHome) return;
  chunk_.clear();
  chunk_next_ = 0;
  fan_->reader().SeatReady(id_);
}

void EachSeat::OnRoom() {
  if (state_ == State::kHome) {
    if (!chunk_.empty()) PushChunk();
  } else if (state_ == State::kAway) {
    state_ = State::kHome;
    fan_->reader().SeatReturns(id_, std::move(away_), next_);
    away_.clear();
  }
}

void EachSeat::GoLive(std::uint32_t encoding, std::uint64_t next) {
  state_ = State::kLive;
  encoding_ = encoding;
  next_ = next;
}

bool EachSeat::Push(const FramePtr& frame) {
  if (subscriber_.Push(frame)) return true;
  if (qos_ == connectors::Qos::kAtLeastOnce) return false;
  std::size_t dropped = subscriber_.MakeRoom(frame->bytes().size());
  if (!subscriber_.Push(frame)) ++dropped;
  if (dropped > 0) {
    fan_->reader().CountDropped(dropped);
    subscriber_.OnGap(dropped);
  }
  return true;
}

void EachSeat::PushLive(const std::vector<LiveBatchPtr>& batches, const Offsets& before) {
  for (const LiveBatchPtr& batch : batches) {
    if (batch->end() <= next_) continue;
    const std::size_t columns = batch->encodings.size();
    std::size_t column = 0;
    while (column < columns && batch->encodings[column] != encoding_) ++column;
    if (column == columns) {
      TG_BUG("a live batch lacks the encoding of a live seat");
      return FallBehind(batches, before);
    }
    for (std::size_t i = next_ - batch->first; i < batch->items.size(); ++i) {
      if (!Push(batch->frames[i * columns + column])) return FallBehind(batches, before);
      ++next_;
    }
  }
  subscriber_.Flush();
}

void EachSeat::FallBehind(const std::vector<LiveBatchPtr>& batches, const Offsets& before) {
  away_ = before;
  for (const LiveBatchPtr& batch : batches) {
    for (std::size_t i = 0; i < batch->items.size() && batch->first + i < next_; ++i) {
      SetAt(away_, batch->items[i].lane, batch->items[i].offset);
    }
  }
  state_ = State::kAway;
  fan_->LeaveLive(*this);
  fan_->reader().SeatLeftLive(id_);
  subscriber_.Flush();
}

void EachSeat::Gap(std::uint64_t count) {
  subscriber_.OnGap(count);
}

void EachSeat::End(EndReason reason, const Status& status) {
  if (state_ == State::kOver) return;
  if (state_ == State::kPlacing) {
    Status failed = status;
    if (failed.ok()) failed = MakeError(ErrorClass::kOverloaded, "attach: the reader has ended");
    return Placed(failed, Offsets());
  }
  state_ = State::kOver;
  fan_->LeaveLive(*this);
  chunk_.clear();
  subscriber_.OnEnd(reason, status);
}

}  // namespace tidegate::flow
