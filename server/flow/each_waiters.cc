// Consumers of *each* on their way to the live reader: where they begin, and the ring.
#include <algorithm>
#include <utility>

#include "server/base/check.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/flow/each_reader.h"

namespace tidegate::flow {

void EachReader::Admit(AdmitRequest request) {
  OnHome([request = std::move(request)](EachReader& self) mutable {
    self.DoAdmit(std::move(request));
  });
}
void EachReader::SeatReady(std::uint64_t id) {
  OnHome([id](EachReader& self) { self.DoReady(id); });
}
void EachReader::SeatLeftLive(std::uint64_t id) {
  OnHome([id](EachReader& self) { self.LeftLive(id); });
}
void EachReader::SeatReturns(std::uint64_t id, Offsets at, std::uint64_t next) {
  OnHome([id, at = std::move(at), next](EachReader& self) mutable {
    self.DoReturn(id, std::move(at), next);
  });
}

void EachReader::SeatGone(std::uint64_t id) {
  hub_->subscribers -= 1;
  bool unused = false;
  {
    const std::lock_guard lock(hub_->mutex);
    const auto it = hub_->each.find(key_);
    if (it != hub_->each.end() && it->second.reader.get() == this) {
      unused = --it->second.users == 0;
    }
  }
  OnHome([id, unused](EachReader& self) {
    self.DoGone(id);
    if (unused && !self.over_) self.home_.wheel().Arm(self, kReaderLinger);
  });
}

Waiter* EachReader::Find(std::uint64_t id) {
  const auto it = waiters_.find(id);
  return it == waiters_.end() ? nullptr : it->second.get();
}

void EachReader::DoAdmit(AdmitRequest request) {
  if (over_) {
    const Status status = MakeError(ErrorClass::kOverloaded, "attach: the reader has ended");
    ToFan(*request.fan, [id = request.id, status](EachFan& fan) {
      fan.Placed(id, status, Offsets(), nullptr);
    });
    return;
  }
  if (!open_) {
    early_.push_back(std::move(request));
    return;
  }
  const bool known = std::any_of(fans_.begin(), fans_.end(), [&](const KnownFan& have) {
    return have.fan == request.fan;
  });
  if (!known) {
    KnownFan added;
    added.fan = request.fan;
    added.done = std::make_shared<std::atomic<std::uint64_t>>(0);
    fans_.push_back(std::move(added));
  }
  auto waiter = std::make_unique<Waiter>();
  waiter->id = request.id;
  waiter->fan = request.fan;
  waiter->encoding = encodings_.Acquire(request.encoder, request.qos);
  SeatFacts facts;
  facts.fan = request.fan;
  facts.encoding = waiter->encoding;
  seats_[request.id] = facts;
  Waiter& added = *waiter;
  waiters_[request.id] = std::move(waiter);
  Begin(added, request);
}

void EachReader::Begin(Waiter& waiter, const AdmitRequest& request) {
  if (recover_ && request.position && !request.position->empty()) {
    BeginAt(waiter, *request.position, request.remembered);
  } else {
    BeginByRule(waiter);
  }
}

void EachReader::BeginAt(Waiter& waiter, const connectors::Position& position, bool remembered) {
  waiter.remembered = remembered;
  std::size_t unknown = 0;
  waiter.at = lanes_.FromPosition(position, unknown);
  if (unknown > 0) {
    // A topic may have grown; what the source knows now decides.
    lanes_.FromSource(source_->origin());
    waiter.at = lanes_.FromPosition(position, unknown);
  }
  if (unknown > 0 && !remembered) {
    return RefuseWaiter(waiter, WithReason(InvalidArgument("position names a partition that "
                                                           "this destination does not have"),
                                           "CURSOR_MALFORMED"));
  }
  const bool nothing_known = std::all_of(waiter.at.begin(), waiter.at.end(),
                                         [](std::int64_t offset) { return offset == kUnnamed; });
  if (nothing_known) return BeginByRule(waiter);
  // Beyond the end as far as we know: only the broker can say whether that is a position at all.
  if (IsComplete(waiter.at) && !BeyondEnd(waiter.at) && JoinRing(waiter)) return;
  catch_up_.Queue(waiter);
}

bool EachReader::BeyondEnd(const Offsets& at) {
  Offsets end = at_;
  if (const auto known = source_->HighWatermark()) {
    const Offsets high = lanes_.FromSource(*known);
    for (std::size_t lane = 0; lane < high.size(); ++lane) {
      if (high[lane] > At(end, lane)) SetAt(end, lane, high[lane]);
    }
  }
  return !CoversAll(end, at);
}

void EachReader::BeginByRule(Waiter& waiter) {
  waiter.remembered = false;
  const auto rule = recover_ ? connector_->reset_rule() : connectors::Reset::kLatest;
  if (rule == connectors::Reset::kNone) {
    return RefuseWaiter(waiter, MakeError(ErrorClass::kPositionUnavailable,
                                          "attach: no position, and the endpoint's rule is none"));
  }
  if (rule == connectors::Reset::kLatest) {
    waiter.at = at_;
    const auto high = recover_ ? source_->HighWatermark() : std::nullopt;
    const auto reached = recover_ ? source_->Reached() : std::nullopt;
    // Where the source says that it has read to the end, the end is where it stands, even when the
    // last record there is no message.
    if (high && !(reached && reached->Covers(*high))) {
      const Offsets end = lanes_.FromSource(*high);
      for (std::size_t lane = 0; lane < end.size(); ++lane) {
        if (end[lane] > At(waiter.at, lane)) SetAt(waiter.at, lane, end[lane]);
      }
    }
    if (JoinRing(waiter)) return;
    TG_BUG("the end of the log lies before the ring");
  }
  waiter.reset = true;
  catch_up_.Queue(waiter);
}

void EachReader::PlaceWaiter(Waiter& waiter) {
  if (waiter.placed) return;
  waiter.placed = true;
  waiter.busy = true;  // nothing is pushed before Attach has returned: its seat says when
  ToFan(*waiter.fan, [id = waiter.id, at = waiter.at, names = lanes_.shared()](EachFan& fan) {
    fan.Placed(id, OkStatus(), at, names);
  });
}

void EachReader::RefuseWaiter(Waiter& waiter, const Status& status) {
  const bool placed = waiter.placed;
  const std::shared_ptr<EachFan> fan = waiter.fan;
  const std::uint64_t id = waiter.id;
  waiters_.erase(id);
  ToFan(*fan, [id, placed, status](EachFan& target) {
    if (placed) {
      target.End(id, EndReason::kFailed, status);
    } else {
      target.Placed(id, status, Offsets(), nullptr);
    }
  });
}

void EachReader::ResetWaiter(Waiter& waiter) {
  Log(LogLevel::kWarn, "reader.position_lost", {{"connector", connector_->kind()}});
  ToFan(*waiter.fan, [id = waiter.id](EachFan& fan) { fan.Gap(id, 0); });
  BeginByRule(waiter);
}

void EachReader::Deliver(Waiter& waiter, std::vector<FramePtr> frames) {
  waiter.busy = true;
  ToFan(*waiter.fan, [id = waiter.id, frames = std::move(frames),
                      names = lanes_.shared()](EachFan& fan) mutable {
    fan.Deliver(id, std::move(frames), std::move(names));
  });
}

bool EachReader::JoinRing(Waiter& waiter) {
  if (!CoversAll(waiter.at, ring_.base())) return false;
  waiter.state = Waiter::State::kRing;
  waiter.reader = nullptr;
  waiter.next = ring_.Seek(waiter.at, waiter.follows);
  waiter.ahead = LanesAhead(waiter.at, waiter.follows);
  PlaceWaiter(waiter);
  if (!waiter.busy) PumpRing(waiter);
  return true;
}

// The next chunk out of the ring. False: the waiter is not in the ring any more.
bool EachReader::PumpRing(Waiter& waiter) {
  std::vector<FramePtr> frames;
  std::size_t bytes = 0;
  const Encodings::Encoding* encoding = encodings_.Find(waiter.encoding);
  if (waiter.next < ring_.first() && !Overtaken(waiter)) return false;
  std::optional<connectors::Position> text;
  for (; waiter.next < ring_.end(); ++waiter.next) {
    if (frames.size() >= kCatchUpChunkFrames || bytes >= kCatchUpChunkBytes) break;
    Ring::Item& item = ring_.at(waiter.next);
    const std::int64_t mine = At(waiter.at, item.lane);
    if (waiter.ahead > 0) {
      if (At(waiter.follows, item.lane) < mine && item.offset >= mine) --waiter.ahead;
      SetAt(waiter.follows, item.lane, item.offset);
    }
    if (item.offset <= mine) continue;
    SetAt(waiter.at, item.lane, item.offset);
    const FramePtr* cached = waiter.ahead == 0 ? item.Find(waiter.encoding) : nullptr;
    FramePtr frame;
    if (cached != nullptr) {
      frame = *cached;
    } else {
      const Place place(item.lane, item.message.partition, item.offset);
      frame = Encode(*encoding, item.message, place, ToPosition(lanes_.names(), waiter.at));
      if (waiter.ahead == 0) item.Remember(waiter.encoding, frame);
    }
    bytes += frame->bytes().size();
    frames.push_back(std::move(frame));
  }
  if (!frames.empty()) {
    Deliver(waiter, std::move(frames));
    return true;
  }
  if (waiter.ahead > 0) {
    tail_.push_back(waiter.id);
    return true;
  }
  GoLive(waiter);
  return false;
}

// The ring has moved past it. False: a reader of its own brings it back; else it goes on behind the
// gap.
bool EachReader::Overtaken(Waiter& waiter) {
  if (recover_) {
    catch_up_.Queue(waiter);
    return false;
  }
  const std::uint64_t lost = ring_.first() - waiter.next;
  hub_->dropped += lost;
  ToFan(*waiter.fan, [id = waiter.id, lost](EachFan& fan) { fan.Gap(id, lost); });
  waiter.next = ring_.first();
  waiter.at = ring_.base();
  return true;
}

void EachReader::PumpTail() {
  if (tail_.empty()) return;
  for (const std::uint64_t id : std::exchange(tail_, {})) {
    Waiter* waiter = Find(id);
    if (waiter == nullptr || waiter->state != Waiter::State::kRing || waiter->busy) continue;
    PumpRing(*waiter);
  }
}

void EachReader::GoLive(Waiter& waiter) {
  SeatFacts& facts = seats_[waiter.id];
  facts.live = true;
  ++encodings_.Find(waiter.encoding)->live;
  ToFan(*waiter.fan, [id = waiter.id, encoding = waiter.encoding, next = ring_.end(),
                      at = at_](EachFan& fan) { fan.GoLive(id, encoding, next, at); });
  waiters_.erase(waiter.id);
}

void EachReader::DoReady(std::uint64_t id) {
  Waiter* waiter = Find(id);
  if (waiter == nullptr || !waiter->busy) return;
  waiter->busy = false;
  switch (waiter->state) {
    case Waiter::State::kRing: PumpRing(*waiter); break;
    case Waiter::State::kCatchUp: catch_up_.Ready(*waiter); break;
    case Waiter::State::kParked:
      if (!JoinRing(*waiter)) catch_up_.Queue(*waiter);
      break;
    case Waiter::State::kQueued: break;
  }
}

void EachReader::LeftLive(std::uint64_t id) {
  const auto it = seats_.find(id);
  if (it == seats_.end() || !it->second.live) return;
  it->second.live = false;
  if (auto* encoding = encodings_.Find(it->second.encoding)) --encoding->live;
}

void EachReader::DoReturn(std::uint64_t id, Offsets at, std::uint64_t next) {
  const auto it = seats_.find(id);
  if (it == seats_.end() || over_) return;
  auto waiter = std::make_unique<Waiter>();
  waiter->id = id;
  waiter->fan = it->second.fan;
  waiter->encoding = it->second.encoding;
  waiter->placed = true;
  waiter->at = std::move(at);
  Waiter& added = *waiter;
  waiters_[id] = std::move(waiter);
  if (next >= ring_.first() || !recover_) {
    // It left the live order at `next`, so it is level with the live reader there.
    added.state = Waiter::State::kRing;
    added.next = next;
    PumpRing(added);
  } else {
    catch_up_.Queue(added);
  }
}

void EachReader::DoGone(std::uint64_t id) {
  std::erase_if(early_, [id](const AdmitRequest& request) { return request.id == id; });
  const auto it = seats_.find(id);
  if (it == seats_.end()) return;
  LeftLive(id);
  encodings_.Release(it->second.encoding);
  seats_.erase(it);
  if (Waiter* waiter = Find(id)) {
    catch_up_.Remove(*waiter);
    waiters_.erase(id);
  }
}

}  // namespace tidegate::flow
