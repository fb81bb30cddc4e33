// What a reader of *each* holds in the library, and the calls on it that may wait.
//
// Thread: every function runs on the control thread; a look-up and the shutting may meet there, the
// mutex orders them. Owner: shared_ptr of the source and of running jobs.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/kafka/client.h"
#include "connectors/kafka/topics.h"

namespace tidegate::kafka {

struct Started {
  PartitionRange range;
  std::int64_t start = 0;  // first offset that will be delivered
};

// What a look-up has found.
struct Found {
  std::vector<Started> started;       // newly
  std::vector<std::string> missing;   // topics that do not exist now
};

class EachHandles {
 public:
  EachHandles(SharedPtr shared, ClientPtr client) : shared_(std::move(shared)), client_(client) {}
  EachHandles(const EachHandles&) = delete;
  EachHandles& operator=(const EachHandles&) = delete;
  ~EachHandles();

  // `client` nullptr: a new one is made.
  static StatusOr<std::shared_ptr<EachHandles>> Open(SharedPtr shared, ClientPtr client,
                                                     const connectors::SourceSpec& spec,
                                                     Found& found);
  // Topics and partitions that came into being since are started at their beginning.
  StatusOr<Found> LookAgain(const std::vector<std::string>& requested);
  // Stops everything; the client can be used again.
  void Shut();

  rd_kafka_t* rk() const { return client_->rk(); }
  rd_kafka_queue_t* queue() const { return queue_; }
  rd_kafka_queue_t* main_queue() const { return main_queue_; }
  const ClientPtr& client() const { return client_; }

 private:
  struct Topic {
    std::string name;
    rd_kafka_topic_t* handle = nullptr;
    std::int32_t partitions = 0;  // started, from 0
  };
  StatusOr<std::vector<PartitionRange>> FindNew(const std::vector<std::string>& requested,
                                                std::vector<std::string>& missing);
  Status Start(const std::vector<Started>& parts);

  const SharedPtr shared_;
  const ClientPtr client_;
  rd_kafka_queue_t* queue_ = nullptr;
  rd_kafka_queue_t* main_queue_ = nullptr;
  std::mutex mutex_;
  std::vector<Topic> topics_;
  bool shut_ = false;
};

}  // namespace tidegate::kafka
