// The MQTT 5 connector: one per distinct endpoint settings, shared by all workers.
//
// It holds nothing at rest: each source has a connection, each worker that publishes has one from
// its first message until kIdleLinger after its last.
// Thread: see connectors/api/connector.h. Owner: shared_ptr of snapshots and readers.
#pragma once

#include <memory>
#include <vector>

#include "connectors/api/connector.h"
#include "connectors/mqtt5/dialer.h"
#include "connectors/mqtt5/sink.h"

namespace tidegate::mqtt5 {

class Mqtt5Connector final : public connectors::Connector {
 public:
  static connectors::ConnectorPtr Make(Mqtt5Config config,
                                       const connectors::ConnectorContext& context);
  Mqtt5Connector(SharedPtr shared, net::WorkerPool& workers);
  ~Mqtt5Connector() override;

  std::string_view kind() const override { return "mqtt5"; }
  const connectors::Capabilities& capabilities() const override { return capabilities_; }
  Task<StatusOr<connectors::SourcePtr>> OpenSource(connectors::SourceSpec spec,
                                                   net::Worker& worker) override;
  StatusOr<connectors::Sink*> SinkFor(net::Worker& worker) override;
  Status CheckDestination(std::string_view destination,
                          connectors::Direction direction) const override;

  // There are no positions: nothing is appended, and no id is one.
  void AppendId(const connectors::Position& position, std::string& out) const override;
  StatusOr<connectors::Position> ParseId(std::string_view id) const override;

  connectors::Health health() const override { return shared_->monitor->health(); }
  Task<std::vector<connectors::TestStage>> Test(net::Worker& worker) override;
  Task<void> Drain(TimePoint deadline, net::Worker& worker) override;

 private:
  const SharedPtr shared_;
  net::WorkerPool& workers_;
  connectors::Capabilities capabilities_;
  // By worker; each touched by its worker alone. Shared with what is posted there: a worker that is
  // late must find them, whatever has become of the connector.
  using Sinks = std::vector<std::shared_ptr<Mqtt5Sink>>;
  const std::shared_ptr<Sinks> sinks_;
};

}  // namespace tidegate::mqtt5
