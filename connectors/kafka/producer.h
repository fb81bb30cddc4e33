// One producer per endpoint, shared by the sinks of all workers: any worker produces, the home
// worker takes the delivery reports, groups them by the worker they came from and posts once each.
//
// An opaque names worker, slot and generation, so a report for a request that has gone only frees
// its slot. The producer is made at first use, retired kClientLinger after the last publish or
// when the library calls it broken, and destroyed when the last report of its records is in.
// Thread: Producer's reports on its home worker; ProducerHub any, by a mutex that only the first
// publish of a worker and the timer take. Owner: hub by the connector; producers by their leases.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "connectors/kafka/client.h"
#include "connectors/kafka/event_bridge.h"

namespace tidegate::kafka {

class ProducerHub;
class KafkaSink;

// Worker (8 bits), generation (24), slot (32). Never zero: generations start at 1.
struct Opaque {
  std::uint32_t worker = 0;
  std::uint32_t generation = 0;
  std::uint32_t slot = 0;
  void* Pack() const {
    return reinterpret_cast<void*>(  // NOLINT: an integer in pointer bits is the library's way
        (std::uint64_t{worker} << 56) | (std::uint64_t{generation & 0xFFFFFF} << 32) | slot);
  }
  static Opaque Unpack(const void* pointer);
};

// One delivery report on its way to the worker it came from.
struct Report {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  std::int32_t code = 0;
  std::int32_t message_status = 0;
};

class Producer final : public EventListener, public std::enable_shared_from_this<Producer> {
 public:
  Producer(ClientPtr client, net::Worker& home, std::weak_ptr<ProducerHub> hub);
  ~Producer();

  rd_kafka_t* rk() const { return client_->rk(); }
  void Start();  // home worker
  void Stop();   // any worker, once; nothing of its records is outstanding
  bool OnEvents() override;

 private:
  friend class ProducerHub;
  void Take(const rd_kafka_message_t& message);
  void HandOut(ProducerHub& hub);

  ClientPtr client_;
  net::Worker& home_;
  std::weak_ptr<ProducerHub> hub_;
  rd_kafka_queue_t* queue_ = nullptr;
  std::shared_ptr<EventBridge> bridge_;
  std::vector<std::vector<Report>> reports_;  // by worker, used again
  std::uint32_t users_ = 0;                   // leases; guarded by the hub's mutex
  bool retired_ = false;                      // guarded by the hub's mutex
};
using ProducerPtr = std::shared_ptr<Producer>;

class ProducerHub : public std::enable_shared_from_this<ProducerHub> {
 public:
  ProducerHub(SharedPtr shared, net::WorkerPool& workers);
  ~ProducerHub();

  // The sink of this worker, made at first call. Worker thread.
  KafkaSink* SinkFor(net::Worker& worker);

  // The current producer with one more user, or nullptr while it is being made: the worker's sink
  // is called (KafkaSink::OnProducer) when that has ended.
  ProducerPtr Acquire(net::Worker& worker);
  void Release(const ProducerPtr& producer);
  // No new users; sinks give their leases back when nothing of theirs is outstanding.
  void Retire(const ProducerPtr& producer, const char* why);
  void RetireCurrent(const char* why);
  // The connector has gone: nobody will publish any more, by a producer that is being made either.
  void Close();

  std::uint64_t inflight() const;
  const SharedPtr& shared() const { return shared_; }
  KafkaSink* sink(std::size_t worker) const { return sinks_[worker].get(); }

 private:
  friend class Producer;
  class Linger;
  void Make();
  void Made(StatusOr<ProducerPtr> made);
  void CheckLinger();
  void Notify(std::vector<std::uint32_t> workers, const Status& status);

  const SharedPtr shared_;
  net::WorkerPool& workers_;
  mutable std::mutex mutex_;                       // outlives the sinks, which give leases back
  std::vector<std::unique_ptr<KafkaSink>> sinks_;  // each touched by its own worker alone
  std::vector<std::atomic<KafkaSink*>> published_; // the same for other threads' reading
  ProducerPtr current_;
  bool making_ = false;
  bool closed_ = false;
  std::vector<std::uint32_t> waiting_;             // workers to be told
  net::Worker* home_ = nullptr;                    // the first that published; never changes then
  std::unique_ptr<Linger> linger_;                 // touched by the home worker
};

}  // namespace tidegate::kafka
