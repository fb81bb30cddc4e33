// The state of one group member on its worker (see source_group.h for what it promises).
//
// A lane is one assigned partition under one assignment: its number goes into ack tokens, its
// generation tells late acks of an older assignment.
// Thread: the worker; acks from any thread are posted to it. Owner: shared_ptr of the source, of
// its bridge, of running jobs and of acks.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "connectors/kafka/ack_window.h"
#include "connectors/kafka/event_bridge.h"
#include "connectors/kafka/fetch_nudge.h"
#include "connectors/kafka/group_handles.h"
#include "connectors/kafka/parking.h"

namespace tidegate::kafka {

// A record that may have to be delivered again: shared by the window and the message's Hold.
class Kept {
 public:
  Kept(ClientPtr client, rd_kafka_message_t* record)
      : client_(std::move(client)), record_(record) {}
  rd_kafka_message_t& record() { return *record_; }
  connectors::Hold NewHold();
  void Release();

 private:
  ~Kept();
  const ClientPtr client_;  // outlives its records
  rd_kafka_message_t* const record_;
  std::atomic<int> references_{1};
};

class GroupCore final : public EventListener,
                        public net::WheelTimer,
                        public GroupHandles::Listener,
                        public std::enable_shared_from_this<GroupCore> {
 public:
  GroupCore(SharedPtr shared, connectors::SourceSpec spec, net::Worker& worker);
  ~GroupCore() override;

  const connectors::SourceSpec& spec() const { return spec_; }
  bool abandoned() const { return abandoned_; }
  void Abandon() { abandoned_ = true; }
  Status Begin(std::shared_ptr<GroupHandles> handles);
  Task<StatusOr<std::size_t>> Next(connectors::MessageBatch& batch, std::uint32_t max);
  Task<void> Close();

  // Acks, from any thread.
  void Settle(const connectors::AckToken& token, bool again);

  bool OnEvents() override;
  void OnTimer() override;
  void OnAssigned(std::vector<GroupPartition> partitions) override;
  void OnRevoked(std::vector<GroupPartition> partitions, bool lost) override;

 private:
  class Acks;
  struct Lane {
    std::string topic;
    std::int32_t partition = 0;
    std::uint32_t number = 0;
    bool delivering = true;  // false: being revoked
    AckWindow window;
    std::unordered_map<std::int64_t, Kept*> kept;  // outstanding, at-least-once
  };
  using LanePtr = std::unique_ptr<Lane>;
  // A commit that somebody waits for.
  struct CommitWait {
    Parking parking;
    int code = 0;
    bool done = false;
  };

  bool NeedsAcks() const { return spec_.qos == connectors::Qos::kAtLeastOnce; }
  bool Commits() const { return spec_.qos != connectors::Qos::kNone; }
  bool AnyLaneFull() const;
  std::size_t Drain(connectors::MessageBatch& batch, std::size_t limit, std::size_t bytes);
  std::size_t DrainRetries(connectors::MessageBatch& batch, std::size_t limit,
                           std::size_t& bytes);
  void Deliver(Lane& lane, rd_kafka_message_t* record, connectors::MessageBatch& batch);
  void Fill(Lane& lane, Kept& kept, connectors::MessageBatch& batch);
  Lane* LaneOf(const rd_kafka_message_t& record);
  void TakeError(const rd_kafka_message_t& record);
  // Commits every dirty lane; 0 when there is none. The number finds the answer again.
  std::uint64_t Commit();
  std::vector<std::uint32_t> DirtyLanes() const;  // by number
  bool HasLanes(const std::vector<std::uint32_t>& numbers) const;
  Task<int> CommitAndWait(TimePoint deadline);
  Task<Status> CommitBeforeHandOver();
  void TakeCommits();
  Task<void> GiveUp(std::vector<GroupPartition> partitions, bool lost);
  std::vector<Lane*> LanesOf(const std::vector<GroupPartition>& partitions);
  void Drop(const std::vector<GroupPartition>& partitions);
  void ForgetKept(Lane& lane);
  // The partition's log goes on below what was delivered: nothing before counts any more.
  void Restart(Lane& lane, std::int64_t offset);
  void ShowLag();

  const SharedPtr shared_;
  const connectors::SourceSpec spec_;
  net::Worker& worker_;
  std::shared_ptr<GroupHandles> handles_;
  std::shared_ptr<EventBridge> bridge_;
  FetchNudge nudge_;
  Parking parking_;
  Acks* acks_ = nullptr;  // counted; every outstanding ack holds one more
  std::vector<LanePtr> lanes_;
  Lane* last_lane_ = nullptr;
  rd_kafka_message_t* ahead_ = nullptr;  // taken, but too much for the last batch
  std::uint32_t next_lane_ = 0;
  std::uint32_t generation_ = 0;  // of the assignment
  std::map<std::string, std::string> topics_;  // interned names: views of messages
  struct Retry {
    std::uint32_t lane = 0;
    std::int64_t offset = 0;
  };
  std::deque<Retry> retries_;
  std::map<std::uint64_t, std::shared_ptr<CommitWait>> waits_;
  std::uint64_t commits_ = 0;
  std::uint64_t commits_answered_ = 0;
  Status failed_;
  TimePoint looked_;
  int rebalancing_ = 0;
  bool started_ = false;  // kPosition and kLatest hold for the first assignment only
  bool closed_ = false;
  std::atomic<bool> abandoned_{false};
};

}  // namespace tidegate::kafka
