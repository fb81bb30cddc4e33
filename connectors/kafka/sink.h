// Publishing from one worker. A publish takes a slot, hands the record to the library, and waits
// for the slot's last delivery report or the caller's deadline. Slots, timers and topic handles are
// used again: beyond the library's own there is no allocation per record.
//
// Thread: its worker. Owner: ProducerHub. Fails: see connectors/api/sink.h; queue full is
// Overloaded/no, too large is MessageRejected/no before anything is sent.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "connectors/api/sink.h"
#include "connectors/kafka/parking.h"
#include "connectors/kafka/producer.h"

namespace tidegate::telemetry {
class Counter;
class Histogram;
}

namespace tidegate::kafka {

// per worker: what 16 MiB of 1 KiB is
inline constexpr std::uint32_t kPublishesInFlightMax = 16384;
inline constexpr std::size_t kTopicHandlesMax = 256;           // per producer and worker

class KafkaSink final : public connectors::Sink {
 public:
  KafkaSink(ProducerHub& hub, net::Worker& worker, std::size_t bytes_max);
  ~KafkaSink() override;

  Task<connectors::PublishResult> Publish(const connectors::OutMessage& message,
                                          TimePoint deadline) override;

  // This worker's reports.
  void OnReports(const std::vector<Report>& reports);
  // The producer that Acquire promised is there, or cannot be made.
  void OnProducer(const Status& status);
  void OnRetired(const Producer* producer);

  // Any thread.
  std::uint32_t inflight() const { return inflight_.load(std::memory_order_relaxed); }
  std::int64_t last_used_ns() const { return last_used_ns_.load(std::memory_order_relaxed); }

 private:
  // A producer in use here; gone when it is retired and nothing is outstanding.
  struct Lease;
  struct Slot {
    Parking parking;
    Lease* lease = nullptr;
    std::uint32_t generation = 1;
    std::uint32_t outstanding = 0;  // reports still to come
    std::uint16_t ok = 0;
    std::uint16_t no = 0;
    std::uint16_t unknown = 0;
    std::int32_t code = 0;  // of the first failure
    bool gone = false;      // nobody waits any more
  };

  Task<Status> Connect(TimePoint deadline);
  rd_kafka_topic_t* TopicOf(Lease& lease, const std::string& name);
  const std::vector<rd_kafka_topic_t*>& ConfiguredTopics(Lease& lease);
  void Hand(Lease& lease, rd_kafka_topic_t* topic, const connectors::OutMessage& message,
            Slot& slot, void* opaque);
  int Send(Lease& lease, rd_kafka_topic_t* topic, const connectors::OutMessage& message,
           void* opaque);
  Slot* Take(std::uint32_t& index);
  void Free(std::uint32_t index);
  void Count(Slot& slot, int message_status, int code);
  connectors::PublishResult ResultOf(const Slot& slot) const;
  void DropLeases();

  ProducerHub& hub_;
  net::Worker& worker_;
  const std::size_t bytes_max_;
  std::vector<std::unique_ptr<Lease>> leases_;  // the last is the current one
  Lease* current_ = nullptr;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<Parking*> connecting_;
  TimePoint reports_at_;  // when the last batch of reports came
  Status connect_status_;
  std::atomic<std::uint32_t> inflight_{0};
  std::atomic<std::int64_t> last_used_ns_{0};
  telemetry::Counter* outcomes_[3] = {};
  telemetry::Histogram* ack_seconds_ = nullptr;
};

}  // namespace tidegate::kafka
