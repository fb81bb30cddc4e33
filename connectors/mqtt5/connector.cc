#include "connectors/mqtt5/connector.h"

#include "connectors/mqtt5/client_id.h"
#include "connectors/mqtt5/factory.h"
#include "connectors/mqtt5/limits.h"
#include "connectors/mqtt5/source.h"
#include "connectors/mqtt5/topic.h"
#include <boost/asio/co_spawn.hpp>

#include "server/base/check.h"
#include "server/base/limits.h"
#include "server/base/log.h"

namespace tidegate::mqtt5 {

using connectors::Qos;

connectors::ConnectorPtr Mqtt5Connector::Make(Mqtt5Config config,
                                              const connectors::ConnectorContext& context) {
  TG_CHECK(context.workers != nullptr);
  if (config.password && config.tls == nullptr) {
    Log(LogLevel::kWarn, "mqtt5.password_without_tls",
        {{"api", context.api}, {"endpoint", context.endpoint}});
  }
  auto monitor = std::make_shared<Monitor>(context.api, context.endpoint);
  auto shared = std::make_shared<Shared>(std::move(config), std::move(monitor));
  return std::make_shared<Mqtt5Connector>(std::move(shared), *context.workers);
}

Mqtt5Connector::Mqtt5Connector(SharedPtr shared, net::WorkerPool& workers)
    : shared_(std::move(shared)), workers_(workers),
      sinks_(std::make_shared<Sinks>(workers.size())) {
  capabilities_.publish = shared_->config.producer.enabled;
  capabilities_.subscribe = shared_->config.consumer.enabled;
  capabilities_.levels =
      connectors::QosSet::Of(Qos::kNone, Qos::kAuto, Qos::kAtMostOnce, Qos::kAtLeastOnce);
  capabilities_.auto_ack = true;
  capabilities_.manual_ack = true;
  capabilities_.recover = false;
  capabilities_.message_bytes_max = kMessageBytesMax;
  capabilities_.window = kReceiveMaximum;
}

// A sink goes on its own worker. After a drain it holds nothing there, and may go when the workers
// have gone.
Mqtt5Connector::~Mqtt5Connector() {
  for (std::size_t i = 0; i < sinks_->size(); ++i) {
    if (!(*sinks_)[i] || (*sinks_)[i]->quiet()) continue;
    net::Worker& worker = workers_.at(i);
    worker.Post([&worker, sink = std::move((*sinks_)[i])]() mutable {
      worker.Spawn("mqtt5.retire", Mqtt5Sink::Retire(std::move(sink), Clock::now() + kFarewell));
    });
  }
}

Task<StatusOr<connectors::SourcePtr>> Mqtt5Connector::OpenSource(connectors::SourceSpec spec,
                                                                 net::Worker& worker) {
  if (!capabilities_.subscribe) {
    co_return MakeError(ErrorClass::kConfigInvalid, "read mqtt5: the endpoint has no consumer");
  }
  co_return co_await OpenMqtt5Source(shared_, std::move(spec), worker);
}

StatusOr<connectors::Sink*> Mqtt5Connector::SinkFor(net::Worker& worker) {
  if (!capabilities_.publish) {
    return MakeError(ErrorClass::kConfigInvalid, "publish to mqtt5: the endpoint has no producer");
  }
  if (worker.index() >= sinks_->size()) return Internal("publish to mqtt5: not one of our workers");
  std::shared_ptr<Mqtt5Sink>& sink = (*sinks_)[worker.index()];
  if (!sink) sink = std::make_shared<Mqtt5Sink>(shared_, worker);
  return sink.get();
}

Status Mqtt5Connector::CheckDestination(std::string_view destination,
                                        connectors::Direction direction) const {
  const std::string_view rule = direction == connectors::Direction::kPublish
                                    ? TopicNameRule(destination)
                                    : TopicFilterRule(destination);
  if (rule.empty()) return OkStatus();
  return WithReason(InvalidArgument("the topic " + std::string(rule)), "INVALID_DESTINATION");
}

void Mqtt5Connector::AppendId(const connectors::Position& /*position*/,
                              std::string& /*out*/) const {}

StatusOr<connectors::Position> Mqtt5Connector::ParseId(std::string_view /*id*/) const {
  return WithReason(InvalidArgument("position is malformed: mqtt5 keeps no positions"),
                    "CURSOR_MALFORMED");
}

Task<std::vector<connectors::TestStage>> Mqtt5Connector::Test(net::Worker& worker) {
  Connect connect = MakeConnect(shared_->config, RandomId(shared_->monitor->api()));
  std::vector<std::string> filters;
  if (capabilities_.subscribe) filters = shared_->config.consumer.topics;
  const SharedPtr shared = shared_;
  co_return co_await shared->dialer.Test(worker, std::move(connect), std::move(filters));
}

Task<void> Mqtt5Connector::Drain(TimePoint deadline, net::Worker& worker) {
  // Each worker ends its own sink; this one waits until all have.
  auto left = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    net::Worker& other = workers_.at(i);
    other.Post([sinks = sinks_, &other, deadline, left] {
      const std::shared_ptr<Mqtt5Sink> sink = (*sinks)[other.index()];
      if (sink == nullptr) {
        left->fetch_sub(1);
        return;
      }
      asio::co_spawn(other.executor(), Mqtt5Sink::Retire(sink, deadline),
                     [left](std::exception_ptr) { left->fetch_sub(1); });
    });
  }
  while (left->load() > 0 && Clock::now() < deadline + kFarewell) {
    co_await worker.wheel().Sleep(kWheelTick);
  }
}

connectors::ConnectorFactory MakeMqtt5Factory() {
  return [](const google::protobuf::Message& settings, const connectors::ConnectorContext& context)
             -> StatusOr<connectors::ConnectorPtr> {
    TG_ASSIGN_OR_RETURN(Mqtt5Config config, ReadMqtt5Config(settings, context.secrets));
    return Mqtt5Connector::Make(std::move(config), context);
  };
}

}  // namespace tidegate::mqtt5
