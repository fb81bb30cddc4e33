// What all parts of one connector have in common.
// Thread: any; the settings never change. Owner: shared_ptr of whoever needs them.
#pragma once

#include <cstdint>
#include <memory>

#include "connectors/rabbitmq/monitor.h"
#include "connectors/rabbitmq/rabbitmq_config.h"
#include "server/net/tls_client.h"

namespace tidegate::rabbitmq {

struct Shared {
  RabbitmqConfig config;
  std::shared_ptr<net::TlsClient> tls;  // where the settings ask for it
  std::shared_ptr<Monitor> monitor;
  std::uint64_t generation = 0;  // of the settings, see bindings.h
};
using SharedPtr = std::shared_ptr<const Shared>;

}  // namespace tidegate::rabbitmq
