// A reader of *each* at its home: one live source, the ring of recent messages, the consumers that
// are not live yet, and (in CatchUp) the sources that bring them there.
//
// A consumer's position is a vector (Offsets). It can go on in the live order at sequence number s
// when it has everything the live reader had read before s; what it has beyond that is skipped, and
// while it is ahead of the live position anywhere, its frames are its own (their ids name its
// vector). Once the live position covers its vector both are equal, and it shares frames.
//
// Thread: the home worker, but for the Seat… methods and what is marked. Owner: HubState while it
// is registered, seats, fans, running tasks. Fails: a failure of the live source ends all seats.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/flow/catch_up.h"
#include "server/flow/each_fan.h"
#include "server/flow/encodings.h"
#include "server/flow/endpoint_traffic.h"
#include "server/flow/event.h"
#include "server/flow/hub_state.h"
#include "server/flow/lanes.h"
#include "server/flow/ring.h"
#include "server/flow/waiter.h"

namespace tidegate::flow {

class EachReader final : public std::enable_shared_from_this<EachReader>, private net::WheelTimer {
 public:
  EachReader(HubStatePtr hub, ReaderKey key, connectors::ConnectorPtr connector,
             const SubscribeSpec& spec, std::shared_ptr<PositionKeeper> keeper, net::Worker& home,
             std::size_t workers);
  ~EachReader() override;

  // Any thread.
  net::Worker& home() { return home_; }
  connectors::Connector& connector() { return *connector_; }
  PositionKeeper& keeper() { return *keeper_; }
  const ReaderKey& key() const { return key_; }
  // False: the broker keeps no positions. Messages are numbered here, whoever comes begins with
  // what comes from then on, and who falls behind the ring has a gap.
  bool recover() const { return recover_; }
  std::shared_ptr<EachFan> FanFor(net::Worker& worker);  // that worker's thread
  void CountDropped(std::uint64_t count) { hub_->dropped += count; }
  // From seats; each is one post to the home worker.
  void Admit(AdmitRequest request);
  void SeatReady(std::uint64_t id);
  void SeatLeftLive(std::uint64_t id);
  void SeatReturns(std::uint64_t id, Offsets at, std::uint64_t next);
  void SeatGone(std::uint64_t id);
  void End(EndReason reason, Status status);
  // Opens the live source; once, by whoever made the reader, on the home worker.
  void Start();

  // Home worker, for CatchUp.
  const std::vector<std::string>& topics() const { return topics_; }
  LaneTable& lanes() { return lanes_; }
  Encodings& encodings() { return encodings_; }
  HubState& hub() { return *hub_; }
  void CountReceived(connectors::MessageBatch& batch);
  // Moves the waiter to the ring and serves it, when the ring reaches back far enough. The waiter
  // may have gone live, and be gone itself, when this returns true.
  bool JoinRing(Waiter& waiter);
  void PlaceWaiter(Waiter& waiter);
  void RefuseWaiter(Waiter& waiter, const Status& status);  // erases it
  // A remembered position is gone: the reset rule applies, and the consumer is told of a gap.
  void ResetWaiter(Waiter& waiter);
  void Deliver(Waiter& waiter, std::vector<FramePtr> frames);
  // `text` is the vector that the frame's id names.
  FramePtr Encode(const Encodings::Encoding& encoding, const connectors::Message& message,
                  Place place, const connectors::Position& text);

 private:
  // each_reader.cc: the live reader
  static Task<void> Run(std::shared_ptr<EachReader> self);
  static Task<void> CloseSource(std::shared_ptr<EachReader> self);
  Task<Status> ReadAll();
  void BeginLive();
  void Dispatch(connectors::MessageBatch& batch);
  Place PlaceOf(const connectors::Message& message);
  void EncodeLive(Ring::Item& item, LiveBatch& out);
  void Publish(std::shared_ptr<LiveBatch> out);
  bool FansBehind() const;
  void Over(EndReason reason, const Status& status);
  void OnTimer() override;  // the linger is over
  template <typename F>
  void OnHome(F&& function) {
    home_.Post([self = shared_from_this(), function = std::forward<F>(function)]() mutable {
      function(*self);
    });
  }

  // each_waiters.cc: those not live
  void DoAdmit(AdmitRequest request);
  void Begin(Waiter& waiter, const AdmitRequest& request);
  void BeginAt(Waiter& waiter, const connectors::Position& position, bool remembered);
  void BeginByRule(Waiter& waiter);
  void DoReady(std::uint64_t id);
  void DoReturn(std::uint64_t id, Offsets at, std::uint64_t next);
  void DoGone(std::uint64_t id);
  void LeftLive(std::uint64_t id);
  bool PumpRing(Waiter& waiter);
  bool Overtaken(Waiter& waiter);
  void PumpTail();
  void GoLive(Waiter& waiter);
  bool BeyondEnd(const Offsets& at);
  Waiter* Find(std::uint64_t id);

  struct KnownFan {
    std::shared_ptr<EachFan> fan;
    std::uint64_t sent = 0;
    std::shared_ptr<std::atomic<std::uint64_t>> done;
  };
  // In the order of the calls: at once on the home worker, by a post elsewhere.
  template <typename F>
  void ToFan(EachFan& fan, F&& function) {
    if (&fan.worker() == &home_) return function(fan);
    fan.worker().Post([held = fan.shared_from_this(),
                       function = std::forward<F>(function)]() mutable { function(*held); });
  }

  const HubStatePtr hub_;
  const ReaderKey key_;
  const connectors::ConnectorPtr connector_;
  const std::vector<std::string> topics_;
  const std::shared_ptr<PositionKeeper> keeper_;
  const EndpointTraffic& traffic_;
  net::Worker& home_;
  const bool recover_;

  connectors::SourcePtr source_;
  bool open_ = false;
  bool over_ = false;
  bool closing_ = false;
  Event closed_;

  LaneTable lanes_;
  LaneCache lane_cache_;
  Offsets at_;                       // the live position
  connectors::Position text_;        // the same, as ids are made from it
  Ring ring_;
  std::int64_t ring_bytes_counted_ = 0;
  Encodings encodings_;
  std::string scratch_;
  std::string id_scratch_;
  std::shared_ptr<LiveBatch> spare_;  // used again while no other worker can hold it

  struct SeatFacts {
    std::shared_ptr<EachFan> fan;
    std::uint32_t encoding = 0;
    bool live = false;
  };
  std::vector<KnownFan> fans_;
  std::vector<std::weak_ptr<EachFan>> fan_by_worker_;  // each touched by its worker only
  std::unordered_map<std::uint64_t, SeatFacts> seats_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Waiter>> waiters_;
  std::vector<std::uint64_t> tail_;  // waiters at the ring's end that are ahead of it
  std::vector<AdmitRequest> early_;  // came before the source was open
  CatchUp catch_up_;
};

}  // namespace tidegate::flow
