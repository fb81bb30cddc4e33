// Which consumer gets which catch-up reader.
#include <algorithm>
#include <utility>

#include "server/base/limits.h"
#include "server/flow/catch_up.h"
#include "server/flow/each_reader.h"

namespace tidegate::flow {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(1000);

// Only consumers of one shape share a source: the lanes they leave open are the same, so what the
// source begins with there is right for all of them.
bool SameShape(const Waiter& a, const Waiter& b) {
  if (a.reset || b.reset) return a.reset && b.reset;
  const std::size_t lanes = std::max(a.at.size(), b.at.size());
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if ((At(a.at, lane) == kUnnamed) != (At(b.at, lane) == kUnnamed)) return false;
  }
  return true;
}

bool Near(const Offsets& a, const Offsets& b) {
  return std::abs(Distance(a, b)) <= kCatchUpNear;
}

}  // namespace

void CatchUp::Queue(Waiter& waiter) {
  waiter.reader = nullptr;
  waiter.state = waiter.busy ? Waiter::State::kParked : Waiter::State::kQueued;
  if (waiter.busy) return;  // queues when it is ready
  waiter.queued_since = Clock::now();
  queue_.push_back(&waiter);
  ScheduleSoon();
}

void CatchUp::Remove(Waiter& waiter) {
  if (waiter.reader != nullptr) {
    waiter.reader->Remove(waiter);
  } else {
    std::erase(queue_, &waiter);
  }
}

void CatchUp::Ready(Waiter& waiter) {
  if (waiter.reader != nullptr) waiter.reader->Ready();
}

void CatchUp::StopAll() {
  stopped_ = true;  // a look that was posted must not arm the timer of who is about to go
  Cancel();
  queue_.clear();
  for (const auto& reader : readers_) {
    reader->TakeAll();
    reader->Stop();
  }
}

void CatchUp::Ended(CatchUpReader& reader) {
  for (Waiter* waiter : reader.TakeAll()) Queue(*waiter);
  std::erase_if(readers_, [&](const auto& known) { return known.get() == &reader; });
  ScheduleSoon();
}

// Many come at once after a restart: they are looked at together, not one by one.
void CatchUp::ScheduleSoon() {
  if (scheduled_ || queue_.empty()) return;
  scheduled_ = true;
  owner_.home().Post([owner = owner_.shared_from_this(), this] {
    scheduled_ = false;
    Schedule();
  });
}

void CatchUp::Schedule() {
  if (stopped_) return;
  const TimePoint now = Clock::now();
  const std::vector<Waiter*> waiting = queue_;
  for (Waiter* waiter : waiting) {
    if (std::find(queue_.begin(), queue_.end(), waiter) == queue_.end()) continue;  // in a group
    const bool slot_free = readers_.size() < kCatchUpReadersMax;
    const bool impatient = !slot_free && now - waiter->queued_since > kCatchUpWait;
    if (waiter->ready_to_share() && ComeBy(*waiter, impatient)) continue;
    if (slot_free) {
      StartGroup(*waiter);
    } else if (impatient) {
      TakeOver(*waiter);
    }
  }
  if ((!queue_.empty() || !readers_.empty()) && !armed()) {
    owner_.home().wheel().Arm(*this, kLookEvery);
  }
}

void CatchUp::OnTimer() {
  const std::vector<std::shared_ptr<CatchUpReader>> readers = readers_;
  for (const auto& reader : readers) reader->LookAtReached();
  Schedule();
}

bool CatchUp::ComeBy(Waiter& waiter, bool any_distance) {
  CatchUpReader* best = nullptr;
  for (const auto& reader : readers_) {
    if (!reader->CanTake(waiter)) continue;
    if (!any_distance && !Near(reader->at(), waiter.at)) continue;
    if (best == nullptr || Distance(reader->at(), best->at()) < 0) best = reader.get();
  }
  if (best == nullptr) return false;
  std::erase(queue_, &waiter);
  best->Take(waiter);
  return true;
}

void CatchUp::StartGroup(Waiter& seed) {
  auto reader = std::make_shared<CatchUpReader>(*this, owner_.shared_from_this());
  std::erase_if(queue_, [&](Waiter* waiter) {
    if (waiter != &seed) {
      if (seed.solo || waiter->solo || !SameShape(seed, *waiter)) return false;
      if (!seed.reset && !Near(seed.at, waiter->at)) return false;
    }
    reader->Add(*waiter);
    return true;
  });
  readers_.push_back(reader);
  reader->Start();
}

// All readers are beyond this consumer and busy. The one that is nearest goes back for it: its own
// consumers queue with it and are served again on the way.
void CatchUp::TakeOver(Waiter& waiter) {
  CatchUpReader* nearest = nullptr;
  for (const auto& reader : readers_) {
    if (reader->stopping()) return;  // a slot is about to come free
    if (nearest == nullptr || Distance(reader->at(), nearest->at()) > 0) nearest = reader.get();
  }
  if (nearest == nullptr) return;
  waiter.queued_since = Clock::now();
  nearest->Stop();
}

}  // namespace tidegate::flow
