// Opens sources over AMQP.
//
// Thread: the worker. Owner: the caller. Fails: see connectors/api/source.h.
#pragma once

#include "connectors/api/source.h"
#include "connectors/solace/shared.h"

namespace tidegate::solace {

Task<StatusOr<connectors::SourcePtr>> OpenAmqpSource(SharedPtr shared, connectors::SourceSpec spec,
                                                     net::Worker& worker);

}  // namespace tidegate::solace
