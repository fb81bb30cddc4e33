// A source over AMQP: its connection with one link per topic (or one to a queue), demand as credit,
// deliveries until they are settled, and the way back after a connection was lost.
//
//   none                       temporary endpoint, pre-settled where the broker does that
//   auto, at-most-once         a group's durable endpoint; accepted before the message is handed on
//   at-least-once              the same; accepted, released or rejected as the consumer says
//
// A durable topic endpoint is named by its link and takes one consumer: who comes second waits
// until the first has gone. Acks carry the generation of their connection; older ones are ignored.
// Thread: the home worker; acks may come from any and are posted there. Owner: the source, the
// target of acks, and whoever runs on it. Fails: see connectors/api/source.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/api/source.h"
#include "connectors/solace/connection.h"
#include "connectors/solace/message_map.h"
#include "connectors/solace/receiver.h"

namespace tidegate::solace {

class Settler;

class SourceCore : public std::enable_shared_from_this<SourceCore> {
 public:
  SourceCore(SharedPtr shared, connectors::SourceSpec spec, net::Worker& worker);
  ~SourceCore();

  Task<Status> Open(TimePoint deadline);
  Task<StatusOr<std::size_t>> Next(connectors::MessageBatch& batch, std::uint32_t max);
  Task<void> Close();

  // Of receivers.
  void OnChange() { changed_.Set(); }
  void OnLinkGone(Receiver& receiver);
  void OnTaken();
  void OnDropped(const char* reason);
  void OnSettledByPeer(pn_delivery_t* delivery);
  // Of acks, on the home worker.
  void Settle(const connectors::AckToken& token, std::uint64_t outcome);
  void FlushSettled();
  net::Worker& worker() { return worker_; }

 private:
  Task<Status> Connect(TimePoint deadline);
  Task<Status> Reconnect();
  Task<void> Disconnect();
  void OpenLinks();
  Receiver::Spec SpecOf(const Receiver& receiver) const;
  Status LinkStatus() const;
  bool AllAttached() const;
  bool durable() const { return spec_.share == connectors::Share::kGroup; }
  bool manual() const { return durable() && spec_.qos == connectors::Qos::kAtLeastOnce; }

  void Demand(std::uint32_t max);
  std::size_t Pull(connectors::MessageBatch& batch, std::uint32_t max);
  bool TakeInto(Receiver& receiver, connectors::MessageBatch& batch, std::size_t& bytes);
  connectors::Ack AckFor(pn_delivery_t* delivery);
  std::uint64_t Again() const;
  void ForgetDeliveries();
  void ReleaseAll();

  const SharedPtr shared_;
  const connectors::SourceSpec spec_;
  net::Worker& worker_;
  net::Event changed_;
  Settler* settler_ = nullptr;  // counted
  ConnectionPtr connection_;
  std::vector<std::unique_ptr<Receiver>> receivers_;
  std::uint64_t generation_ = 0;
  std::vector<pn_delivery_t*> unsettled_;  // by tag; nullptr: free
  std::vector<std::uint32_t> free_tags_;
  std::size_t unsettled_count_ = 0;
  std::size_t turn_ = 0;
  int failures_ = 0;
  TimePoint connected_at_{};
  bool opened_ = false;
  bool closed_ = false;
  MessageCodec codec_;
  std::string raw_;
};

// The name of a group's endpoint on the broker: the group, and which topic of it.
std::string LinkName(const std::string& group, const std::string& topic);

}  // namespace tidegate::solace
