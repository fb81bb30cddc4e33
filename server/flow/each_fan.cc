#include "server/flow/each_fan.h"

#include <algorithm>
#include <utility>

#include "server/base/limits.h"
#include "server/flow/each_reader.h"
#include "server/flow/each_seat.h"

namespace tidegate::flow {

EachFan::EachFan(std::shared_ptr<EachReader> reader, net::Worker& worker)
    : reader_(std::move(reader)), worker_(worker), names_(std::make_shared<const LaneNames>()) {}
EachFan::~EachFan() = default;

EachSeat* EachFan::Find(std::uint64_t id) {
  const auto it = seats_.find(id);
  return it == seats_.end() ? nullptr : it->second;
}

void EachFan::SetNames(LaneNamesPtr names) {
  if (names && names->size() > names_->size()) names_ = std::move(names);
}

void EachFan::Add(EachSeat& seat) {
  seats_[seat.id()] = &seat;
  if (!armed()) worker_.wheel().Arm(*this, kPositionStoreEvery);
}

void EachFan::Remove(EachSeat& seat) {
  LeaveLive(seat);
  seats_.erase(seat.id());
}

void EachFan::LeaveLive(EachSeat& seat) {
  for (const WindowPtr& window : windows_) {
    const auto it = std::find(window->seats.begin(), window->seats.end(), &seat);
    if (it == window->seats.end()) continue;
    *it = nullptr;  // taken out by the next dispatch: one may be running
    return;
  }
}

void EachFan::Placed(std::uint64_t id, const Status& status, Offsets at, LaneNamesPtr names) {
  SetNames(std::move(names));
  if (EachSeat* seat = Find(id)) seat->Placed(status, std::move(at));
}

void EachFan::Deliver(std::uint64_t id, std::vector<FramePtr> frames, LaneNamesPtr names) {
  SetNames(std::move(names));
  if (EachSeat* seat = Find(id)) seat->Deliver(std::move(frames));
}

void EachFan::Gap(std::uint64_t id, std::uint64_t count) {
  if (EachSeat* seat = Find(id)) seat->Gap(count);
}

void EachFan::End(std::uint64_t id, EndReason reason, const Status& status) {
  if (EachSeat* seat = Find(id)) seat->End(reason, status);
}

void EachFan::EndAll(EndReason reason, const Status& status) {
  std::vector<std::uint64_t> ids;
  ids.reserve(seats_.size());
  for (const auto& [id, seat] : seats_) ids.push_back(id);
  for (const std::uint64_t id : ids) End(id, reason, status);
}

void EachFan::GoLive(std::uint64_t id, std::uint32_t encoding, std::uint64_t next,
                     const Offsets& at) {
  EachSeat* seat = Find(id);
  if (seat == nullptr) return;
  WindowFor(*seat, at).seats.push_back(seat);
  seat->GoLive(encoding, next);
}

EachFan::Window& EachFan::WindowFor(EachSeat& seat, const Offsets& at) {
  const auto wish = seat.subscriber().coalesce();
  const bool adaptive = !wish.has_value();
  const auto delay = std::clamp(wish.value_or(std::chrono::milliseconds(0)),
                                std::chrono::milliseconds(0),
                                std::chrono::milliseconds(kCoalesceWindowMax));
  for (const WindowPtr& window : windows_) {
    if (window->adaptive == adaptive && window->delay == delay) return *window;
  }
  auto window = std::make_shared<Window>(worker_);
  window->adaptive = adaptive;
  window->delay = delay;
  window->at = at;
  windows_.push_back(std::move(window));
  return *windows_.back();
}

void EachFan::Take(LiveBatchPtr batch, LaneNamesPtr names) {
  SetNames(std::move(names));
  rate_.Count(batch->items.size());
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    const WindowPtr window = windows_[i];
    window->pending.push_back(batch);
    window->pending_items += batch->items.size();
    std::chrono::milliseconds delay = window->delay;
    if (window->adaptive && rate_.fast()) delay = kCoalesceWindow;
    if (delay.count() == 0 || window->pending_items >= kCoalesceMessagesMax) {
      Dispatch(*window);
    } else if (!window->timer_runs) {
      DispatchLater(window, delay);
    }
  }
  std::erase_if(windows_, [](const WindowPtr& window) {
    return window->seats.empty() && window->pending.empty();
  });
}

void EachFan::DispatchLater(const WindowPtr& window, std::chrono::milliseconds delay) {
  window->timer_runs = true;
  window->timer.expires_after(delay);
  window->timer.async_wait(
      [fan = weak_from_this(), weak = std::weak_ptr<Window>(window)](const ErrorCode&) {
        const auto self = fan.lock();
        const WindowPtr live = weak.lock();
        if (!self || !live) return;
        live->timer_runs = false;
        self->Dispatch(*live);
      });
}

// Seat by seat, all its frames at once and then one write: more in cache, fewer system calls.
void EachFan::Dispatch(Window& window) {
  if (window.pending.empty()) return;
  for (std::size_t i = 0; i < window.seats.size(); ++i) {
    if (window.seats[i] != nullptr) window.seats[i]->PushLive(window.pending, window.at);
  }
  std::erase(window.seats, nullptr);
  for (const LiveBatchPtr& batch : window.pending) {
    for (const LiveBatch::Item& item : batch->items) SetAt(window.at, item.lane, item.offset);
  }
  window.pending.clear();
  window.pending_items = 0;
}

void EachFan::NotePositions() {
  if (seats_.empty()) return;  // armed again by the next seat
  for (const auto& [id, seat] : seats_) seat->NotePosition();
  worker_.wheel().Arm(*this, kPositionStoreEvery);
}

}  // namespace tidegate::flow
