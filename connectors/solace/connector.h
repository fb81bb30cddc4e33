// The Solace connector over AMQP 1.0: one per distinct endpoint settings, shared by all workers.
//
// It holds nothing at rest. Each source has a connection of its own; each worker that publishes has
// one, given up a minute after the last publish.
// Thread: see connectors/api/connector.h. Owner: shared_ptr of snapshots and readers.
#pragma once

#include <memory>
#include <vector>

#include "connectors/api/connector.h"
#include "connectors/solace/shared.h"

namespace tidegate::solace {

class SinkCore;

class SolaceConnector final : public connectors::Connector {
 public:
  // Opens nothing. `tls` where the settings say so.
  static connectors::ConnectorPtr Make(SolaceConfig config, std::shared_ptr<net::TlsClient> tls,
                                       const connectors::ConnectorContext& context);
  SolaceConnector(SharedPtr shared, net::WorkerPool& workers);
  ~SolaceConnector() override;

  std::string_view kind() const override { return "solace"; }
  const connectors::Capabilities& capabilities() const override { return capabilities_; }
  Task<StatusOr<connectors::SourcePtr>> OpenSource(connectors::SourceSpec spec,
                                                   net::Worker& worker) override;
  StatusOr<connectors::Sink*> SinkFor(net::Worker& worker) override;

  // A broker without RECOVER has no ids: nothing is appended, every text is refused.
  void AppendId(const connectors::Position& position, std::string& out) const override;
  StatusOr<connectors::Position> ParseId(std::string_view id) const override;
  Status CheckDestination(std::string_view destination,
                          connectors::Direction direction) const override;

  connectors::Health health() const override { return shared_->monitor->health(); }
  Task<std::vector<connectors::TestStage>> Test(net::Worker& worker) override;
  Task<void> Drain(TimePoint deadline, net::Worker& worker) override;

 private:
  using Sinks = std::vector<std::shared_ptr<SinkCore>>;  // by worker, whose thread alone uses it

  const SharedPtr shared_;
  net::WorkerPool& workers_;
  connectors::Capabilities capabilities_;
  const std::shared_ptr<Sinks> sinks_;
};

}  // namespace tidegate::solace
