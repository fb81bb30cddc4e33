// How a connection comes to be: dial, TLS, SASL and open, each a stage of the connectivity test.
#include "connectors/solace/condition.h"
#include "connectors/solace/connection.h"
#include "connectors/solace/limits.h"
#include "server/net/dial.h"

namespace tidegate::solace {
namespace {

using connectors::TestStage;

void Note(std::vector<TestStage>* stages, const char* name, const Status& status,
          const std::string& detail) {
  if (stages == nullptr) return;
  TestStage stage;
  stage.stage = name;
  stage.ok = status.ok();
  stage.detail = status.ok() ? detail : MessageOf(status);
  stages->push_back(std::move(stage));
}

}  // namespace

Task<StatusOr<net::ByteStreamPtr>> Connection::Dial(TimePoint deadline,
                                                    std::vector<TestStage>* stages) {
  const SolaceConfig& config = shared_->config;
  auto resolved = co_await net::ResolveHost(worker_, config.host, config.port, deadline);
  Note(stages, "dns", resolved.status(), "resolved");
  if (!resolved.ok()) co_return resolved.status();
  auto stream = co_await net::DialTcp(worker_, std::move(*resolved), deadline);
  Note(stages, "tcp", stream.status(),
       "connected to " + config.host + ":" + std::to_string(config.port));
  if (!stream.ok() || shared_->tls == nullptr) co_return stream;
  auto secure = co_await shared_->tls->Connect(worker_, std::move(*stream), config.tls_host,
                                               deadline);
  Note(stages, "tls", secure.status(), "the certificate is trusted");
  co_return secure;
}

Task<StatusOr<ConnectionPtr>> Connection::Open(SharedPtr shared, net::Worker& worker,
                                               std::string container, TimePoint deadline,
                                               std::vector<TestStage>* stages) {
  shared->monitor->Connecting();
  auto connection = std::make_shared<Connection>(shared, worker, std::move(container));
  auto stream = co_await connection->Dial(deadline, stages);
  Status status = stream.status();
  if (status.ok()) {
    status = co_await connection->Handshake(std::move(*stream), deadline);
    Note(stages, "auth", status,
         shared->config.username.empty() ? "SASL ANONYMOUS" : "SASL PLAIN");
  }
  if (!status.ok()) {
    shared->monitor->Failed(status);
    co_return status;
  }
  co_return connection;
}

}  // namespace tidegate::solace
