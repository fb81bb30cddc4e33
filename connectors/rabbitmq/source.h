// Reading from a queue: a connection with one channel, a consumer with a prefetch, manual
// acknowledgements.
//
// Each: an exclusive queue of this reader, gone with it. Group: the queue of the client identifier,
// durable, which other gateways share; for `none` one that is gone with its last consumer.
// A lost connection, channel or consumer is repaired: connect, declare, bind, consume; messages
// that were not acknowledged come again, late acks are ignored by their generation.
// Thread: the worker. Fails: see connectors/api/source.h; the first open at once, later repairs end
// the source when the broker refuses them kRefusalsMax times.
#pragma once

#include "connectors/api/source.h"
#include "connectors/rabbitmq/shared.h"
#include "server/net/worker.h"

namespace tidegate::rabbitmq {

inline constexpr int kRefusalsMax = 5;

Task<StatusOr<connectors::SourcePtr>> OpenRabbitSource(SharedPtr shared,
                                                       connectors::SourceSpec spec,
                                                       net::Worker& worker);

// The queue of a group: its broker name, apart for `none` (another kind of queue) and for
// destinations of its own (other bindings).
std::string QueueName(const connectors::SourceSpec& spec);

}  // namespace tidegate::rabbitmq
