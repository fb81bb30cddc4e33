#include "connectors/rabbitmq/connector.h"

#include <algorithm>
#include <atomic>

#include "connectors/api/tls.h"
#include "connectors/rabbitmq/bindings.h"
#include "connectors/rabbitmq/factory.h"
#include "connectors/rabbitmq/limits.h"
#include "connectors/rabbitmq/names.h"
#include "connectors/rabbitmq/reach.h"
#include "connectors/rabbitmq/sink.h"
#include "connectors/rabbitmq/source.h"
#include "server/base/check.h"
#include "server/base/limits.h"
#include "server/config/secrets.h"

namespace tidegate::rabbitmq {

using connectors::Direction;
using connectors::Position;
using connectors::Qos;
using connectors::SourcePtr;
using connectors::SourceSpec;

RabbitmqConnector::RabbitmqConnector(SharedPtr shared, net::WorkerPool& workers)
    : shared_(std::move(shared)), workers_(workers),
      sinks_(std::make_shared<Sinks>(workers.size())) {
  capabilities_.publish = shared_->config.producer.enabled;
  capabilities_.subscribe = shared_->config.consumer.enabled;
  capabilities_.levels =
      connectors::QosSet::Of(Qos::kNone, Qos::kAuto, Qos::kAtMostOnce, Qos::kAtLeastOnce);
  capabilities_.auto_ack = true;
  capabilities_.manual_ack = true;
  capabilities_.recover = false;
  capabilities_.window = shared_->config.consumer.prefetch;
  capabilities_.message_bytes_max = kMessageBytesMax;
}

RabbitmqConnector::~RabbitmqConnector() {
  // Each sink ends on its own worker, after its connection.
  for (std::size_t i = 0; i < sinks_->size(); ++i) {
    if (!(*sinks_)[i]) continue;
    net::Worker& worker = workers_.at(i);
    worker.Post([sink = std::move((*sinks_)[i]), &worker]() mutable {
      worker.Spawn("rabbitmq.end", RabbitSink::Shut(std::move(sink)));
    });
  }
}

Task<StatusOr<SourcePtr>> RabbitmqConnector::OpenSource(SourceSpec spec, net::Worker& worker) {
  if (!capabilities_.subscribe) {
    co_return MakeError(ErrorClass::kConfigInvalid, "read rabbitmq: the endpoint has no consumer");
  }
  co_return co_await OpenRabbitSource(shared_, std::move(spec), worker);
}

StatusOr<connectors::Sink*> RabbitmqConnector::SinkFor(net::Worker& worker) {
  if (!capabilities_.publish) {
    return MakeError(ErrorClass::kConfigInvalid,
                     "publish to rabbitmq: the endpoint has no producer");
  }
  TG_CHECK(worker.IsCurrent() && worker.index() < sinks_->size());
  std::shared_ptr<RabbitSink>& sink = (*sinks_)[worker.index()];
  if (!sink) sink = std::make_shared<RabbitSink>(shared_, worker);
  return sink.get();
}

StatusOr<Position> RabbitmqConnector::ParseId(std::string_view /*id*/) const {
  return WithReason(InvalidArgument("position is malformed: rabbitmq queues have no positions"),
                    "CURSOR_MALFORMED");
}

Status RabbitmqConnector::CheckDestination(std::string_view destination,
                                           Direction direction) const {
  const RabbitmqConfig& config = shared_->config;
  const bool publish = direction == Direction::kPublish;
  const ExchangeConfig& exchange = publish ? config.producer.exchange : config.consumer.exchange;
  const bool other = destination.find('/') != std::string_view::npos && destination[0] != '/';
  // What kind another exchange is of is not known: its bindings may hold wildcards.
  const bool wildcards = !publish && (other || exchange.type == ExchangeType::kTopic);
  return ParseDestination(destination, exchange.name, wildcards).status();
}

Task<std::vector<connectors::TestStage>> RabbitmqConnector::Test(net::Worker& worker) {
  co_return co_await Reach(shared_, worker);
}

Task<void> RabbitmqConnector::Drain(TimePoint deadline, net::Worker& worker) {
  Monitor& monitor = *shared_->monitor;
  while (monitor.inflight() > 0 && Clock::now() < deadline) {
    co_await worker.wheel().Sleep(kWheelTick);
  }
  auto left = std::make_shared<std::atomic<std::size_t>>(sinks_->size());
  for (std::size_t i = 0; i < sinks_->size(); ++i) {
    net::Worker& home = workers_.at(i);
    home.Post([sinks = sinks_, i, left, &home] {
      if (std::shared_ptr<RabbitSink> sink = std::move((*sinks)[i])) {
        home.Spawn("rabbitmq.drain", RabbitSink::Shut(std::move(sink)));
      }
      left->fetch_sub(1, std::memory_order_acq_rel);
    });
  }
  const TimePoint until = std::min<TimePoint>(deadline, Clock::now() + kCloseDeadline);
  while ((left->load(std::memory_order_acquire) > 0 || health().clients > 0) &&
         Clock::now() < until) {
    co_await worker.wheel().Sleep(kWheelTick);
  }
}

connectors::ConnectorFactory MakeRabbitmqFactory() {
  return [](const google::protobuf::Message& settings, const connectors::ConnectorContext& context)
             -> StatusOr<connectors::ConnectorPtr> {
    TG_CHECK(context.workers != nullptr);
    const config::SecretResolver nothing{config::SecretRules()};
    const config::SecretResolver& secrets =
        context.secrets != nullptr ? *context.secrets : nothing;
    auto shared = std::make_shared<Shared>();
    TG_ASSIGN_OR_RETURN(shared->config, ReadRabbitmqConfig(settings, secrets));
    if (const google::protobuf::Message* tls = TlsOf(settings)) {
      TG_ASSIGN_OR_RETURN(shared->tls, connectors::MakeTlsClient(*tls, secrets));
    }
    shared->monitor = std::make_shared<Monitor>(context.api, context.endpoint);
    shared->generation = Bindings::OfProcess().NextGeneration();
    return std::make_shared<RabbitmqConnector>(std::move(shared), *context.workers);
  };
}

}  // namespace tidegate::rabbitmq
