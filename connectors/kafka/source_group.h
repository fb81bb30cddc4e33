// A member of a consumer group: the messages are shared with the group's other members.
//
// Messages of assigned partitions are taken from a queue of their own, one at a time and only when
// they are asked for; rebalances are served whatever the demand. Offsets are committed by the
// contiguous acknowledged prefix of each partition (at-least-once), on hand-over (auto), or before
// hand-over (at-most-once). A revoked partition is given up when its messages are settled, at the
// latest after two seconds; acknowledgements of an older assignment are ignored by their
// generation. Thread: the worker. Fails: see connectors/api/source.h.
#pragma once

#include "connectors/api/source.h"
#include "connectors/kafka/client.h"

namespace tidegate::kafka {

Task<StatusOr<connectors::SourcePtr>> OpenGroup(SharedPtr shared, connectors::SourceSpec spec,
                                                net::Worker& worker);

}  // namespace tidegate::kafka
