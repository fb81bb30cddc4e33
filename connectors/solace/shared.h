// What the parts of one connector share. Immutable after the connector was made, apart from what
// says otherwise.
#pragma once

#include <atomic>
#include <memory>

#include "connectors/solace/monitor.h"
#include "connectors/solace/solace_config.h"
#include "server/net/tls_client.h"

namespace tidegate::solace {

struct Shared {
  SolaceConfig config;
  std::shared_ptr<net::TlsClient> tls;  // where config.tls_on
  std::shared_ptr<Monitor> monitor;
  std::atomic<std::uint32_t> publishing{0};  // publishes that have not ended, of all workers
};
using SharedPtr = std::shared_ptr<Shared>;

}  // namespace tidegate::solace
