// The state of one source on its worker (see source.h for what it promises).
// Thread: the worker; acks from any thread are posted to it. Owner: shared_ptr of the source and of
// its repair loop; weak of acks.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "connectors/api/source.h"
#include "connectors/rabbitmq/ack_window.h"
#include "connectors/rabbitmq/backoff.h"
#include "connectors/rabbitmq/bindings.h"
#include "connectors/rabbitmq/connection.h"
#include "connectors/rabbitmq/names.h"

namespace tidegate::rabbitmq {

class SourceCore final : private ConnectionUser, public std::enable_shared_from_this<SourceCore> {
 public:
  SourceCore(SharedPtr shared, connectors::SourceSpec spec, net::Worker& worker);
  ~SourceCore();

  Task<Status> Begin();
  Task<StatusOr<std::size_t>> Next(connectors::MessageBatch& batch, std::uint32_t max);
  static Task<void> Close(std::shared_ptr<SourceCore> self);

  // An ack or a nack, on the worker.
  void Settle(const connectors::AckToken& token, bool ack, bool requeue);

 private:
  class Acks;
  bool grouped() const { return spec_.share == connectors::Share::kGroup; }
  bool manual() const { return spec_.qos == connectors::Qos::kAtLeastOnce; }

  static Task<void> Repair(std::shared_ptr<SourceCore> self);
  Task<Status> RepairOnce();
  Task<void> Pause();
  Task<Status> Establish();
  Task<Status> SetUp(ConnectionPtr connection);
  Task<StatusOr<std::string>> SetUpQueue(ConnectionPtr connection);
  Task<Status> Bind(ConnectionPtr connection, std::string queue);
  Task<Status> Unbind(ConnectionPtr connection, std::string queue, std::vector<Binding> gone);
  std::string BrokersNameOf(const std::string& queue) const;
  QueueSpec QueueOf() const;
  std::uint16_t Prefetch() const;

  std::vector<DeliveryPtr> Take(std::uint32_t max);
  void Fill(std::vector<DeliveryPtr> taken, connectors::MessageBatch& batch);
  Task<bool> AckFirst(const std::vector<DeliveryPtr>& taken);
  void Throttle();
  void ScheduleAcks();
  void FlushAcks();
  void Forget();

  // ConnectionUser
  void OnDelivery(DeliveryPtr delivery) override;
  void OnOversized(std::uint64_t tag) override;
  void OnChannelLost(const CloseReason& reason) override;
  void OnCancelled() override;
  void OnLost(const Status& why) override;

  const SharedPtr shared_;
  const connectors::SourceSpec spec_;
  net::Worker& worker_;
  std::vector<Destination> destinations_;
  ConnectionPtr connection_;
  Acks* acks_ = nullptr;  // counted; every outstanding ack holds one more
  std::uint64_t generation_ = 0;
  AckWindow window_;
  std::deque<DeliveryPtr> ready_;
  std::size_t ready_bytes_ = 0;
  net::Event available_;
  net::Event broken_;
  Backoff backoff_;
  TimePoint established_at_{};
  Status failed_;
  bool acks_scheduled_ = false;
  bool closed_ = false;
};

}  // namespace tidegate::rabbitmq
