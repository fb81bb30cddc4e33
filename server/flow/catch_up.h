// Brings consumers that start behind the tail to the live reader: at most kCatchUpReadersMax
// sources at once, shared by consumers whose positions are near each other.
//
// A catch-up reader starts at the lowest position of its consumers, lane by lane; each drops what
// it has. A consumer leaves for the ring as soon as the ring reaches back to what it has. One
// that takes longer than kCatchUpPatience for its chunk is left behind (it queues again when it is
// ready), so the pace is that of the slowest within limits.
// While all readers are busy consumers wait for one to come by (a reader that is behind them), or,
// after kCatchUpWait, for any: a reader is started anew from a lower position if need be.
// Thread: the home worker. Owner: EachReader; running readers hold the EachReader alive.
// Fails: a source that fails ends the consumers it had, never in silence.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "connectors/api/source.h"
#include "server/flow/event.h"
#include "server/flow/lanes.h"
#include "server/flow/waiter.h"
#include "server/net/timer_wheel.h"

namespace tidegate::flow {

class CatchUp;
class EachReader;

class CatchUpReader : public std::enable_shared_from_this<CatchUpReader> {
 public:
  CatchUpReader(CatchUp& manager, std::shared_ptr<EachReader> owner);

  // Before Start: the consumers it begins with, all of one shape.
  void Add(Waiter& waiter) { waiters_.push_back(&waiter); }
  void Start();
  void Stop();

  bool stopping() const { return stopping_; }
  // This consumer lacks nothing that was read, or will have been skipped at the start.
  bool CanTake(const Waiter& waiter) const;
  void Take(Waiter& waiter);
  void Remove(Waiter& waiter);
  void Ready();
  // The source told that there is nothing between its last message and a later offset.
  void LookAtReached();

  const Offsets& at() const { return at_; }
  std::vector<Waiter*> TakeAll() { return std::exchange(waiters_, {}); }

 private:
  static Task<void> Run(std::shared_ptr<CatchUpReader> self);
  static Task<void> CloseSource(std::shared_ptr<CatchUpReader> self);
  Task<Status> Open();
  Task<Status> ReadAll();
  Task<void> WaitForRoom();
  void Begin();
  void Process(connectors::MessageBatch& batch);
  void Give(const connectors::Message& message, std::uint32_t lane, std::int64_t before);
  void LetJoin();
  void Fail(const Status& status);
  void FailOpen(const Status& status);
  std::uint32_t BatchMax() const;

  CatchUp& manager_;
  const std::shared_ptr<EachReader> owner_;
  connectors::SourcePtr source_;
  bool open_ = false;
  bool reset_ = false;  // starts where the reset rule says
  bool solo_ = false;
  bool stopping_ = false;
  bool closing_ = false;
  bool waits_for_messages_ = false;
  Event ready_;
  Event closed_;
  LaneCache lane_cache_;
  Offsets at_;                  // before it is open: where it will start
  connectors::Position text_;   // the same as a position
  std::vector<Waiter*> waiters_;
  std::size_t message_bytes_ = 0;  // average of the last batch
  struct Shared {
    std::uint32_t encoding = 0;
    FramePtr frame;
  };
  std::vector<Shared> shared_;  // frames of the message in hand
};

class CatchUp : private net::WheelTimer {
 public:
  explicit CatchUp(EachReader& owner) : owner_(owner) {}

  void Queue(Waiter& waiter);
  void Remove(Waiter& waiter);
  void Ready(Waiter& waiter);
  void StopAll();
  void Ended(CatchUpReader& reader);
  EachReader& owner() { return owner_; }

 private:
  friend class CatchUpReader;
  void ScheduleSoon();
  void Schedule();
  void OnTimer() override;
  bool ComeBy(Waiter& waiter, bool any_distance);
  void StartGroup(Waiter& seed);
  void TakeOver(Waiter& waiter);

  EachReader& owner_;
  std::vector<std::shared_ptr<CatchUpReader>> readers_;
  std::vector<Waiter*> queue_;
  bool scheduled_ = false;
  bool stopped_ = false;
};

}  // namespace tidegate::flow
