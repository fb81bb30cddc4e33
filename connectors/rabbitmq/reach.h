// The connectivity test of an endpoint, stage by stage: dns, tcp, tls, auth (user and virtual
// host), metadata (its exchanges). It changes nothing at the broker.
// Thread: the worker given. Fails: by the last stage.
#pragma once

#include <vector>

#include "connectors/rabbitmq/connection.h"

namespace tidegate::rabbitmq {

Task<std::vector<connectors::TestStage>> Reach(SharedPtr shared, net::Worker& worker);

}  // namespace tidegate::rabbitmq
