#include "server/flow/catch_up.h"

#include <algorithm>
#include <utility>

#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/flow/each_reader.h"

namespace tidegate::flow {
namespace {

// One batch of a catch-up reader, so that large messages do not pile up 256 at a time.
constexpr std::size_t kBatchBytes = 256 * 1024;

std::int64_t Total(const Offsets& offsets) { return Distance(Offsets(), offsets); }

}  // namespace

CatchUpReader::CatchUpReader(CatchUp& manager, std::shared_ptr<EachReader> owner)
    : manager_(manager), owner_(std::move(owner)), ready_(owner_->home()),
      closed_(owner_->home()) {}

// The lowest of every lane; a lane that the consumers do not name stays unnamed (they are of one
// shape, so none of them names it).
void CatchUpReader::Start() {
  reset_ = waiters_.front()->reset;
  solo_ = waiters_.front()->solo;
  for (Waiter* waiter : waiters_) {
    waiter->state = Waiter::State::kCatchUp;
    waiter->reader = this;
    const std::size_t lanes = std::max(at_.size(), waiter->at.size());
    const bool first = waiter == waiters_.front();
    Offsets lowest(lanes);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const std::int64_t mine = At(waiter->at, lane);
      lowest[lane] = first ? mine : std::min(At(at_, lane), mine);
    }
    at_ = std::move(lowest);
  }
  owner_->hub().catch_up_readers += 1;
  owner_->home().Spawn("reader.catch_up", Run(shared_from_this()));
}

Task<void> CatchUpReader::Run(std::shared_ptr<CatchUpReader> self) {
  net::Worker& home = self->owner_->home();
  co_await asio::post(home.context(), kTask);  // not from inside the scheduler's loop
  const Status opened = co_await self->Open();
  if (!opened.ok()) {
    self->FailOpen(opened);
  } else {
    const Status status = co_await self->ReadAll();
    if (!status.ok()) self->Fail(status);
  }
  self->stopping_ = true;
  if (self->closing_) {
    co_await self->closed_.Wait();
  } else if (self->source_) {
    self->closing_ = true;
    co_await self->source_->Close();
  }
  self->source_.reset();
  self->owner_->hub().catch_up_readers -= 1;
  self->manager_.Ended(*self);
}

Task<void> CatchUpReader::CloseSource(std::shared_ptr<CatchUpReader> self) {
  net::Worker& home = self->owner_->home();
  co_await asio::post(home.context(), kTask);
  co_await self->source_->Close();
  self->closed_.Set();
}

Task<Status> CatchUpReader::Open() {
  connectors::SourceSpec spec;
  spec.share = connectors::Share::kEach;
  spec.topics = owner_->topics();
  spec.start = reset_ ? connectors::Start::kReset : connectors::Start::kPosition;
  if (!reset_) {
    // Lanes found since are partitions that came since: from their first message, not by the rule.
    if (at_.size() < owner_->lanes().size()) at_.resize(owner_->lanes().size(), kFromStart);
    spec.position = ToPosition(owner_->lanes().names(), at_);
  }
  auto opened = co_await owner_->connector().OpenSource(std::move(spec), owner_->home());
  if (!opened.ok()) co_return opened.status();
  source_ = std::move(*opened);
  Begin();
  co_return OkStatus();
}

// What a consumer left open (lanes it did not name, the reset rule) is now known.
void CatchUpReader::Begin() {
  text_ = source_->origin();
  at_ = owner_->lanes().FromSource(text_);
  for (std::int64_t& offset : at_) offset = std::max(offset, kFromStart);
  open_ = true;
  for (Waiter* waiter : waiters_) {
    if (waiter->reset) waiter->at = at_;
    waiter->reset = false;
    for (std::size_t lane = 0; lane < at_.size(); ++lane) {
      const std::int64_t mine = At(waiter->at, lane);
      if (mine == kUnnamed || (mine == kFromStart && at_[lane] > mine)) {
        SetAt(waiter->at, lane, at_[lane]);
      }
    }
    waiter->ahead = LanesAhead(waiter->at, at_);
    owner_->PlaceWaiter(*waiter);
  }
}

Task<Status> CatchUpReader::ReadAll() {
  connectors::MessageBatch batch;
  batch.Reserve(kPollBatchMax);
  for (;;) {
    LetJoin();
    co_await WaitForRoom();
    if (stopping_ || waiters_.empty()) co_return OkStatus();
    batch.Clear();
    waits_for_messages_ = true;
    auto count = co_await source_->Next(batch, BatchMax());
    owner_->CountReceived(batch);
    waits_for_messages_ = false;
    if (stopping_) co_return OkStatus();
    if (!count.ok()) co_return count.status();
    Process(batch);
    co_await asio::post(owner_->home().context(), kTask);
  }
}

// Until all have taken their last chunk; who needs too long is left behind.
Task<void> CatchUpReader::WaitForRoom() {
  const auto busy = [](const Waiter* waiter) { return waiter->busy; };
  while (!stopping_ && std::any_of(waiters_.begin(), waiters_.end(), busy)) {
    const bool signalled = co_await ready_.WaitFor(kCatchUpPatience);
    if (signalled || stopping_) continue;
    std::erase_if(waiters_, [](Waiter* waiter) {
      if (!waiter->busy) return false;
      waiter->state = Waiter::State::kParked;
      waiter->reader = nullptr;
      return true;
    });
  }
}

std::uint32_t CatchUpReader::BatchMax() const {
  if (message_bytes_ == 0) return kPollBatchMax;
  const std::size_t fit = kBatchBytes / message_bytes_;
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(fit, 1, kPollBatchMax));
}

void CatchUpReader::Process(connectors::MessageBatch& batch) {
  std::size_t bytes = 0;
  for (connectors::Message& message : batch) {
    bytes += message.content.size();
    const std::uint32_t lane = lane_cache_.LaneOf(owner_->lanes(), message);
    const std::int64_t before = At(at_, lane);
    if (message.offset <= before) continue;  // again after a reconnect
    SetAt(at_, lane, message.offset);
    text_.Set(message.topic, message.partition, message.offset);
    Give(message, lane, before);
  }
  if (!batch.empty()) message_bytes_ = bytes / batch.size();
  for (Waiter* waiter : waiters_) {
    if (waiter->chunk.empty()) continue;
    owner_->Deliver(*waiter, std::exchange(waiter->chunk, {}));
  }
}

void CatchUpReader::Give(const connectors::Message& message, std::uint32_t lane,
                         std::int64_t before) {
  shared_.clear();
  const Place place(lane, message.partition, message.offset);
  for (Waiter* waiter : waiters_) {
    const std::int64_t mine = At(waiter->at, lane);
    if (before < mine && message.offset >= mine) --waiter->ahead;
    if (message.offset <= mine) continue;
    SetAt(waiter->at, lane, message.offset);
    const Encodings::Encoding& encoding = *owner_->encodings().Find(waiter->encoding);
    if (waiter->ahead > 0) {
      const connectors::Position own = ToPosition(owner_->lanes().names(), waiter->at);
      waiter->chunk.push_back(owner_->Encode(encoding, message, place, own));
      continue;
    }
    auto known = std::find_if(shared_.begin(), shared_.end(), [&](const Shared& shared) {
      return shared.encoding == waiter->encoding;
    });
    if (known == shared_.end()) {
      Shared added;
      added.encoding = waiter->encoding;
      added.frame = owner_->Encode(encoding, message, place, text_);
      known = shared_.insert(shared_.end(), std::move(added));
    }
    waiter->chunk.push_back(known->frame);
  }
}

void CatchUpReader::LetJoin() {
  for (std::size_t i = 0; i < waiters_.size();) {
    // Taken out first: a consumer that joins may be gone when JoinRing returns.
    Waiter* waiter = waiters_[i];
    if (owner_->JoinRing(*waiter)) {
      waiters_.erase(waiters_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
}

bool CatchUpReader::CanTake(const Waiter& waiter) const {
  if (stopping_ || solo_ || waiter.solo || !waiter.ready_to_share()) return false;
  if (!open_ && (reset_ || !IsComplete(at_))) return false;
  return CoversAll(waiter.at, at_);
}

void CatchUpReader::Take(Waiter& waiter) {
  waiter.state = Waiter::State::kCatchUp;
  waiter.reader = this;
  waiter.ahead = LanesAhead(waiter.at, at_);
  waiters_.push_back(&waiter);
  if (!open_) return;  // Begin answers its attach
  // What this source started from was accepted by the broker, and this position lies behind it.
  owner_->PlaceWaiter(waiter);
}

void CatchUpReader::Remove(Waiter& waiter) {
  std::erase(waiters_, &waiter);
  ready_.Set();
  if (waiters_.empty() && waits_for_messages_) Stop();
}

void CatchUpReader::Ready() { ready_.Set(); }

void CatchUpReader::Stop() {
  stopping_ = true;
  ready_.Set();
  if (!open_ || closing_ || !source_) return;
  closing_ = true;
  owner_->home().Spawn("reader.close", CloseSource(shared_from_this()));
}

void CatchUpReader::LookAtReached() {
  if (!open_ || stopping_ || !waits_for_messages_) return;
  const auto reached = source_->Reached();
  if (!reached) return;
  const Offsets offsets = owner_->lanes().FromSource(*reached);
  for (std::size_t lane = 0; lane < offsets.size(); ++lane) {
    if (offsets[lane] > At(at_, lane)) SetAt(at_, lane, offsets[lane]);
  }
  text_ = ToPosition(owner_->lanes().names(), at_);
  for (Waiter* waiter : waiters_) {
    for (std::size_t lane = 0; lane < at_.size(); ++lane) {
      if (at_[lane] > At(waiter->at, lane)) SetAt(waiter->at, lane, at_[lane]);
    }
    waiter->ahead = LanesAhead(waiter->at, at_);
  }
  LetJoin();
  if (waiters_.empty()) Stop();
}

void CatchUpReader::Fail(const Status& status) {
  Log(LogLevel::kWarn, "reader.catch_up_failed", {{"cause", MessageOf(status)}});
  for (Waiter* waiter : TakeAll()) {
    if (waiter->remembered && ClassOf(status) == ErrorClass::kPositionUnavailable) {
      waiter->reader = nullptr;
      owner_->ResetWaiter(*waiter);
    } else {
      owner_->RefuseWaiter(*waiter, status);
    }
  }
}

// A shared start that the broker no longer has says nothing of those who start higher: the lowest
// goes alone, the others together again.
void CatchUpReader::FailOpen(const Status& status) {
  if (waiters_.size() < 2 || ClassOf(status) != ErrorClass::kPositionUnavailable ||
      reset_) {
    return Fail(status);
  }
  std::vector<Waiter*> all = TakeAll();
  const auto lowest = std::min_element(all.begin(), all.end(), [](Waiter* a, Waiter* b) {
    return Total(a->at) < Total(b->at);
  });
  (*lowest)->solo = true;
  for (Waiter* waiter : all) manager_.Queue(*waiter);
}

}  // namespace tidegate::flow
