// One consumer's seat at a reader of *each*.
//
//   kPlacing ──Placed─▶ kHome ──GoLive──▶ kLive ──full──▶ kAway ──OnRoom──▶ kHome …
//
// kHome: the home worker sends chunks (catch-up, ring), one at a time. kLive: the fan pushes what
// the live reader reads. kAway: full, holding its position; only under at-least-once, the others
// drop their oldest frames instead.
// Thread: the subscriber's worker. Owner: the session. Fails: never.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/flow/each_fan.h"
#include "server/flow/event.h"
#include "server/flow/subscriber.h"

namespace tidegate::flow {

class EachSeat final : public Attachment {
 public:
  EachSeat(std::shared_ptr<EachFan> fan, std::uint64_t id, const SubscribeSpec& spec,
           Subscriber& subscriber);
  ~EachSeat() override;

  std::uint64_t id() const { return id_; }
  Subscriber& subscriber() { return subscriber_; }
  // Completes when the reader has found a place, or says why there is none.
  Task<Status> WaitForPlace();

  std::string Id() const override;
  const connectors::Position& position() const override;
  void OnRoom() override;
  void OnWritten(const FramePtr& frame) override;
  bool caught_up() const override { return state_ == State::kLive; }

  // What the fan calls.
  void Placed(const Status& status, Offsets at);
  void Deliver(std::vector<FramePtr> frames);
  void GoLive(std::uint32_t encoding, std::uint64_t next);
  // `before` is the live position before `batches`.
  void PushLive(const std::vector<LiveBatchPtr>& batches, const Offsets& before);
  void Gap(std::uint64_t count);
  void End(EndReason reason, const Status& status);
  void NotePosition();

 private:
  enum class State : std::uint8_t { kPlacing, kHome, kLive, kAway, kOver };

  bool Push(const FramePtr& frame);
  void PushChunk();
  void FallBehind(const std::vector<LiveBatchPtr>& batches, const Offsets& before);

  const std::shared_ptr<EachFan> fan_;
  const std::uint64_t id_;
  Subscriber& subscriber_;
  const connectors::Qos qos_;
  const std::string broker_name_;
  State state_ = State::kPlacing;
  bool pushing_ = false;
  bool room_again_ = false;
  bool moved_ = false;
  std::uint32_t encoding_ = 0;
  std::uint64_t next_ = 0;       // kLive: the sequence number it waits for
  Offsets away_;                 // kAway: what it was given
  Offsets written_;              // what its socket has taken
  std::vector<FramePtr> chunk_;  // kHome: not taken yet, from chunk_next_ on
  std::size_t chunk_next_ = 0;
  Status placed_status_;
  Event placed_;
  mutable connectors::Position position_;
};

}  // namespace tidegate::flow
