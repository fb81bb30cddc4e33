#include "connectors/solace/connector.h"

#include "connectors/api/tls.h"
#include "connectors/solace/factory.h"
#include "connectors/solace/limits.h"
#include "connectors/solace/reach.h"
#include "connectors/solace/sink.h"
#include "connectors/solace/source.h"
#include "connectors/solace/topics.h"
#include "server/base/check.h"
#include "server/base/limits.h"
#include "server/config/secrets.h"

namespace tidegate::solace {

using connectors::Position;
using connectors::Qos;
using connectors::SourcePtr;
using connectors::SourceSpec;

connectors::ConnectorPtr SolaceConnector::Make(SolaceConfig config,
                                               std::shared_ptr<net::TlsClient> tls,
                                               const connectors::ConnectorContext& context) {
  TG_CHECK(context.workers != nullptr);
  auto shared = std::make_shared<Shared>();
  shared->config = std::move(config);
  shared->tls = std::move(tls);
  shared->monitor = std::make_shared<Monitor>(context.api, context.endpoint);
  return std::make_shared<SolaceConnector>(std::move(shared), *context.workers);
}

SolaceConnector::SolaceConnector(SharedPtr shared, net::WorkerPool& workers)
    : shared_(std::move(shared)), workers_(workers),
      sinks_(std::make_shared<Sinks>(workers.size())) {
  const SolaceConfig& config = shared_->config;
  capabilities_.publish = config.producer.enabled;
  capabilities_.subscribe = config.consumer.enabled;
  // Who reads a queue takes messages from the others: there is no reading that promises nothing.
  capabilities_.levels =
      config.consumer.queue.empty()
          ? connectors::QosSet::Of(Qos::kNone, Qos::kAuto, Qos::kAtMostOnce, Qos::kAtLeastOnce)
          : connectors::QosSet::Of(Qos::kAuto, Qos::kAtMostOnce, Qos::kAtLeastOnce);
  capabilities_.auto_ack = true;
  capabilities_.manual_ack = true;
  capabilities_.window = kWindow;
  capabilities_.message_bytes_max = config.message_bytes_max;
}

SolaceConnector::~SolaceConnector() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    // A sink ends where it lives.
    workers_.at(i).Post([sinks = sinks_, i] {
      const std::shared_ptr<SinkCore> sink = std::move((*sinks)[i]);
      if (sink != nullptr) sink->Retire();
    });
  }
}

Task<StatusOr<SourcePtr>> SolaceConnector::OpenSource(SourceSpec spec, net::Worker& worker) {
  if (!capabilities_.subscribe) {
    co_return MakeError(ErrorClass::kConfigInvalid, "read solace: the endpoint has no consumer");
  }
  if (!capabilities_.levels.Has(spec.qos)) {
    co_return MakeError(ErrorClass::kConfigInvalid,
                        "read solace: a queue is not read with QoS none");
  }
  for (const std::string& topic : spec.topics) {
    if (const Status fine = CheckDestination(topic, connectors::Direction::kSubscribe);
        !fine.ok()) {
      co_return MakeError(ErrorClass::kConfigInvalid, "read solace: " + MessageOf(fine));
    }
  }
  co_return co_await OpenAmqpSource(shared_, std::move(spec), worker);
}

StatusOr<connectors::Sink*> SolaceConnector::SinkFor(net::Worker& worker) {
  if (!capabilities_.publish) {
    return MakeError(ErrorClass::kConfigInvalid, "publish to solace: the endpoint has no producer");
  }
  std::shared_ptr<SinkCore>& sink = (*sinks_)[worker.index()];
  if (sink == nullptr) sink = std::make_shared<SinkCore>(shared_, worker);
  return sink.get();
}

void SolaceConnector::AppendId(const Position& /*position*/, std::string& /*out*/) const {}

StatusOr<Position> SolaceConnector::ParseId(std::string_view /*id*/) const {
  return WithReason(InvalidArgument("position is malformed: a solace endpoint gives out none"),
                    "CURSOR_MALFORMED");
}

Status SolaceConnector::CheckDestination(std::string_view destination,
                                         connectors::Direction direction) const {
  const bool publish = direction == connectors::Direction::kPublish;
  std::string_view rule = publish ? PublishTopicRule(destination) : SubscriptionRule(destination);
  if (!publish && !shared_->config.consumer.queue.empty()) {
    rule = "the endpoint reads a queue, not topics";
  }
  if (rule.empty()) return OkStatus();
  return WithReason(InvalidArgument("solace destination: " + std::string(rule)),
                    "INVALID_DESTINATION");
}

Task<std::vector<connectors::TestStage>> SolaceConnector::Test(net::Worker& worker) {
  return Reach(shared_, worker);
}

Task<void> SolaceConnector::Drain(TimePoint deadline, net::Worker& worker) {
  while (shared_->publishing.load(std::memory_order_relaxed) > 0 && Clock::now() < deadline) {
    co_await worker.wheel().Sleep(kWheelTick);
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_.at(i).Post([sinks = sinks_, i] {
      if ((*sinks)[i] != nullptr) (*sinks)[i]->Retire();
    });
  }
}

connectors::ConnectorFactory MakeSolaceFactory(connectors::ConnectorFactory mqtt) {
  return [mqtt = std::move(mqtt)](const google::protobuf::Message& settings,
                                  const connectors::ConnectorContext& context)
             -> StatusOr<connectors::ConnectorPtr> {
    const config::SecretResolver none{config::SecretRules()};
    const config::SecretResolver& secrets = context.secrets != nullptr ? *context.secrets : none;
    TG_ASSIGN_OR_RETURN(SolaceConfig config, ReadSolaceConfig(settings, secrets));
    if (config.transport == Transport::kMqtt) {
      const auto translated = ToMqttSettings(settings);
      return mqtt(*translated, context);
    }
    std::shared_ptr<net::TlsClient> tls;
    if (config.tls_on) {
      TG_ASSIGN_OR_RETURN(tls, connectors::MakeTlsClient(*config.tls, secrets));
    }
    return SolaceConnector::Make(std::move(config), std::move(tls), context);
  };
}

}  // namespace tidegate::solace
