// The connectivity test by stages: dns, tcp, tls (amqps), auth, metadata.
//
// The last stage attaches to everything that is configured and leaves again: nothing durable is
// made, nothing is read or written. Thread: the worker. Fails: never; a stage does.
#pragma once

#include <vector>

#include "connectors/api/connector.h"
#include "connectors/solace/shared.h"

namespace tidegate::solace {

Task<std::vector<connectors::TestStage>> Reach(SharedPtr shared, net::Worker& worker);

}  // namespace tidegate::solace
