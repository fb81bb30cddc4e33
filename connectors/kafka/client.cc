#include "connectors/kafka/client.h"

#include <librdkafka/rdkafka.h>

#include <array>

#include "connectors/kafka/error_map.h"
#include "connectors/kafka/memory_file.h"

namespace tidegate::kafka {

StatusOr<ClientPtr> Client::Make(const SharedPtr& shared, const ConfSpec& wanted,
                                 RebalanceFunction rebalance, void* rebalance_target) {
  TG_RETURN_IF_ERROR(shared->monitor->RefusalSince(Clock::now() - kRefusedPause));
  if (shared->credentials) {
    Status status = shared->credentials->Prepare(Clock::now() + kCredentialsTimeout);
    if (!status.ok()) {
      shared->monitor->CredentialsMissing(status);
      return status;
    }
  }
  auto client = std::make_shared<Client>();
  client->opaque_ = std::make_shared<ClientOpaque>();
  client->opaque_->monitor = shared->monitor.get();
  client->opaque_->rebalance = rebalance;
  client->opaque_->rebalance_target = rebalance_target;
  const MemoryFile chain(shared->config.security.chain_pem);
  ConfSpec spec = wanted;
  if (!shared->config.security.chain_pem.empty()) spec.chain_path = chain.path();
  auto conf = MakeConf(shared->config, spec, client->opaque_.get());
  if (!conf.ok()) return conf.status();
  std::array<char, 256> text{};
  const rd_kafka_type_t type =
      spec.role == Role::kProducer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  client->rk_ = rd_kafka_new(type, *conf, text.data(), text.size());
  if (client->rk_ == nullptr) {
    rd_kafka_conf_destroy(*conf);
    Status status = MakeError(ErrorClass::kConfigInvalid,
                              "create kafka client: " + Redact(text.data()));
    shared->monitor->FailedToOpen(status);
    return status;
  }
  client->shared_ = shared;
  shared->monitor->ClientMade();
  if (shared->credentials) TG_RETURN_IF_ERROR(shared->credentials->Attach(client->rk_));
  return client;
}

Client::~Client() {
  if (rk_ == nullptr) return;
  // The job keeps what callbacks of the library may still touch, for ever if it is abandoned.
  auto job = [rk = rk_, shared = shared_, opaque = opaque_] {
    if (shared->credentials) shared->credentials->Detach(rk);
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    shared->monitor->ClientGone();
  };
  shared_->threads.Post(std::move(job), kDestroyDeadline);
}

}  // namespace tidegate::kafka
