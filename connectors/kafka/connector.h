// The Kafka connector: one per distinct endpoint settings, shared by all workers.
//
// It holds nothing at rest: the producer, readers' handles and the admin handle are made at first
// use and linger kClientLinger.
// Thread: see connectors/api/connector.h. Owner: shared_ptr of snapshots and readers.
#pragma once

#include <memory>

#include "connectors/api/connector.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/positions.h"
#include "connectors/kafka/producer.h"

namespace tidegate::net {
class TlsClient;
}

namespace tidegate::kafka {

class KafkaConnector final : public connectors::Connector {
 public:
  // The settings must be accepted by the library: ConfigInvalid otherwise. Opens nothing.
  // `token_tls` is for an https token endpoint.
  static StatusOr<connectors::ConnectorPtr> Make(
      KafkaConfig config, const connectors::ConnectorContext& context,
      std::shared_ptr<net::TlsClient> token_tls = nullptr);
  KafkaConnector(SharedPtr shared, net::WorkerPool& workers);
  ~KafkaConnector() override;

  std::string_view kind() const override { return "kafka"; }
  const connectors::Capabilities& capabilities() const override { return capabilities_; }
  Task<StatusOr<connectors::SourcePtr>> OpenSource(connectors::SourceSpec spec,
                                                   net::Worker& worker) override;
  StatusOr<connectors::Sink*> SinkFor(net::Worker& worker) override;
  std::optional<connectors::Reset> reset_rule() const override;
  connectors::PositionStore* positions() override { return &positions_; }

  void AppendId(const connectors::Position& position, std::string& out) const override;
  StatusOr<connectors::Position> ParseId(std::string_view id) const override;

  Status CheckDestination(std::string_view destination,
                          connectors::Direction direction) const override;
  connectors::Health health() const override { return shared_->monitor->health(); }
  std::vector<connectors::Lag> lag() const override { return shared_->monitor->lag(); }
  Task<std::vector<connectors::TestStage>> Test(net::Worker& worker) override;
  Task<void> Drain(TimePoint deadline, net::Worker& worker) override;

 private:
  const SharedPtr shared_;
  net::WorkerPool& workers_;
  connectors::Capabilities capabilities_;
  std::shared_ptr<ProducerHub> producers_;
  Positions positions_;
};

}  // namespace tidegate::kafka
