#include "connectors/rabbitmq/reach.h"

#include "server/net/dial.h"

namespace tidegate::rabbitmq {
namespace {

using connectors::TestStage;
using Stages = std::vector<TestStage>;

class Nobody final : public ConnectionUser {
 public:
  void OnChannelLost(const CloseReason& /*reason*/) override {}
  void OnLost(const Status& /*why*/) override {}
};

void Add(Stages& stages, std::string name, const Status& status, std::string detail) {
  TestStage& stage = stages.emplace_back();
  stage.stage = std::move(name);
  stage.ok = status.ok();
  stage.detail = status.ok() ? std::move(detail) : MessageOf(status);
}

// Whether the exchange is there, or will be made; what is said of it is in `detail`.
Task<Status> LookAt(ConnectionPtr connection, const ExchangeConfig& exchange,
                    std::string& detail) {
  if (!connection->channel_open()) {
    const Status opened = co_await connection->OpenChannel();
    if (!opened.ok()) co_return opened;
  }
  const Status found = co_await connection->CheckExchange(exchange);
  if (!detail.empty()) detail += ", ";
  detail += "exchange " + exchange.name;
  if (ClassOf(found) == ErrorClass::kDestinationMissing && exchange.declare == Declare::kActive) {
    detail += " does not exist yet and is declared at first use";
    co_return OkStatus();
  }
  if (!found.ok()) co_return found;
  if (exchange.declare == Declare::kActive) {
    // It exists, so that declaring it only compares.
    const Status same = co_await connection->DeclareExchange(exchange);
    if (!same.ok()) co_return same;
  }
  detail += " exists";
  co_return OkStatus();
}

Task<void> LookAtAll(SharedPtr shared, ConnectionPtr connection, Stages& stages) {
  std::string detail;
  Status status;
  const RabbitmqConfig& config = shared->config;
  if (config.producer.enabled) {
    status = co_await LookAt(connection, config.producer.exchange, detail);
  }
  const bool again =
      config.producer.enabled && config.producer.exchange.name == config.consumer.exchange.name;
  if (status.ok() && config.consumer.enabled && !again) {
    status = co_await LookAt(connection, config.consumer.exchange, detail);
  }
  Add(stages, "metadata", status, std::move(detail));
}

}  // namespace

Task<Stages> Reach(SharedPtr shared, net::Worker& worker) {
  Stages stages;
  const RabbitmqConfig& config = shared->config;
  const TimePoint deadline = Clock::now() + config.connect_timeout;
  auto endpoints = co_await net::ResolveHost(worker, config.host, config.port, deadline);
  Add(stages, "dns", endpoints.status(), "resolved");
  if (!endpoints.ok()) co_return stages;
  auto tcp = co_await net::DialTcp(worker, std::move(*endpoints), deadline);
  const std::string at = config.host + ":" + std::to_string(config.port);
  Add(stages, "tcp", tcp.status(), "connected to " + at);
  if (!tcp.ok()) co_return stages;
  net::ByteStreamPtr stream = std::move(*tcp);
  if (shared->tls) {
    auto secured = co_await Connection::Secure(worker, shared, std::move(stream), deadline);
    Add(stages, "tls", secured.status(), "the certificate is trusted");
    if (!secured.ok()) co_return stages;
    stream = std::move(*secured);
  }
  Nobody nobody;
  std::string name = "tidegate-test-" + shared->monitor->api();
  auto connection = co_await Connection::Login(worker, shared, std::move(stream), std::move(name),
                                               &nobody, deadline);
  Add(stages, "auth", connection.status(),
      "user " + config.username + " on virtual host " + config.vhost);
  if (!connection.ok()) co_return stages;
  co_await LookAtAll(shared, *connection, stages);
  co_await (*connection)->Close();
  co_return stages;
}

}  // namespace tidegate::rabbitmq
