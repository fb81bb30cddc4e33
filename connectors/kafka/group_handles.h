// What a group member holds in the library, and the calls on it that may wait.
//
// Thread: functions marked (control) run on the control thread. Owner: shared_ptr of the source
// and of running jobs.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "connectors/api/source.h"
#include "connectors/kafka/client.h"

namespace tidegate::kafka {

// A partition of a rebalance, with where to start (-1001: where the group stands, the library's
// RD_KAFKA_OFFSET_INVALID).
struct GroupPartition {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = -1001;
};

class GroupHandles {
 public:
  // Called for rebalances, from within PollMembership (worker) only.
  class Listener {
   public:
    virtual void OnAssigned(std::vector<GroupPartition> partitions) = 0;
    virtual void OnRevoked(std::vector<GroupPartition> partitions, bool lost) = 0;

   protected:
    ~Listener() = default;
  };

  // (control) Joins. `listener` must live until Leave has returned.
  static StatusOr<std::shared_ptr<GroupHandles>> Join(SharedPtr shared,
                                                      const connectors::SourceSpec& spec,
                                                      Listener& listener);
  GroupHandles(SharedPtr shared, Listener& listener);
  GroupHandles(const GroupHandles&) = delete;
  GroupHandles& operator=(const GroupHandles&) = delete;

  void Assign(const std::vector<GroupPartition>& partitions);    // (control)
  void Unassign(const std::vector<GroupPartition>& partitions);  // (control)
  // (control) Subscribes again when the pattern matches other topics now.
  void LookAgain();
  // (control) Leaves the group and frees everything but the client.
  void Leave();

  rd_kafka_t* rk() const { return client_->rk(); }
  const ClientPtr& client() const { return client_; }
  rd_kafka_queue_t* membership() const { return membership_; }  // rebalances, errors
  rd_kafka_queue_t* records() const { return records_; }
  rd_kafka_queue_t* commits() const { return commits_; }

 private:
  static void OnRebalance(rd_kafka_t* rk, int code, rd_kafka_topic_partition_list_t* list,
                          void* target);
  void Subscribe(const std::vector<std::string>& topics);

  const SharedPtr shared_;
  Listener& listener_;
  ClientPtr client_;
  rd_kafka_queue_t* membership_ = nullptr;
  rd_kafka_queue_t* records_ = nullptr;
  rd_kafka_queue_t* commits_ = nullptr;
  std::vector<std::string> requested_;
  std::vector<std::string> subscribed_;
  std::atomic<bool> leaving_{false};
};

}  // namespace tidegate::kafka
