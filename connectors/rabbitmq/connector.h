// The RabbitMQ connector: one per distinct endpoint settings, shared by all workers.
//
// It holds nothing at rest: sinks and sources connect at first use.
// Thread: see connectors/api/connector.h. Owner: shared_ptr of snapshots and readers.
#pragma once

#include <memory>
#include <vector>

#include "connectors/api/connector.h"
#include "connectors/rabbitmq/shared.h"

namespace tidegate::rabbitmq {

class RabbitSink;

class RabbitmqConnector final : public connectors::Connector {
 public:
  RabbitmqConnector(SharedPtr shared, net::WorkerPool& workers);
  ~RabbitmqConnector() override;

  std::string_view kind() const override { return "rabbitmq"; }
  const connectors::Capabilities& capabilities() const override { return capabilities_; }
  Task<StatusOr<connectors::SourcePtr>> OpenSource(connectors::SourceSpec spec,
                                                   net::Worker& worker) override;
  StatusOr<connectors::Sink*> SinkFor(net::Worker& worker) override;

  // Queues have no positions: there is no id, and none is understood.
  void AppendId(const connectors::Position& /*position*/, std::string& /*out*/) const override {}
  StatusOr<connectors::Position> ParseId(std::string_view id) const override;
  Status CheckDestination(std::string_view destination,
                          connectors::Direction direction) const override;

  connectors::Health health() const override { return shared_->monitor->health(); }
  Task<std::vector<connectors::TestStage>> Test(net::Worker& worker) override;
  Task<void> Drain(TimePoint deadline, net::Worker& worker) override;

 private:
  const SharedPtr shared_;
  net::WorkerPool& workers_;
  connectors::Capabilities capabilities_;
  // One per worker, touched only there: made at first use, gone after a drain. The last holder of
  // a connector may be destroyed after the workers, and then there must be none.
  using Sinks = std::vector<std::shared_ptr<RabbitSink>>;
  const std::shared_ptr<Sinks> sinks_;
};

}  // namespace tidegate::rabbitmq
