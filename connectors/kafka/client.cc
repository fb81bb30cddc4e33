#include "connectors/kafka/client.h"

#include <librdkafka/rdkafka.h>

#include <array>

namespace tidegate::kafka {

StatusOr<ClientPtr> Client::Make(const SharedPtr& shared, const ConfSpec& spec,
                                 RebalanceFunction rebalance, void* rebalance_target) {
  auto client = std::make_shared<Client>();
  client->opaque_ = std::make_shared<ClientOpaque>();
  client->opaque_->monitor = shared->monitor.get();
  client->opaque_->rebalance = rebalance;
  client->opaque_->rebalance_target = rebalance_target;
  auto conf = MakeConf(shared->config, spec, client->opaque_.get());
  if (!conf.ok()) return conf.status();
  std::array<char, 256> text{};
  const rd_kafka_type_t type =
      spec.role == Role::kProducer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  client->rk_ = rd_kafka_new(type, *conf, text.data(), text.size());
  if (client->rk_ == nullptr) {
    rd_kafka_conf_destroy(*conf);
    Status status = MakeError(ErrorClass::kConfigInvalid, "create kafka client: refused");
    shared->monitor->FailedToOpen(status);
    return status;
  }
  client->shared_ = shared;
  shared->monitor->ClientMade();
  return client;
}

Client::~Client() {
  if (rk_ == nullptr) return;
  // The job keeps what callbacks of the library may still touch, for ever if it is abandoned.
  auto job = [rk = rk_, shared = shared_, opaque = opaque_] {
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    shared->monitor->ClientGone();
  };
  shared_->threads.Post(std::move(job), kDestroyDeadline);
}

}  // namespace tidegate::kafka
