// Readers of *each*: a consumer handle without group, every partition started at an explicit offset
// onto one queue. No group, no ACL for one, no join; positions are the consumers'.
//
// When nobody pulls, the library reads ahead up to queued.max.messages.kbytes and stops. A lost
// connection is repaired by the library; a position that the log has dropped ends the source.
// Thread: the worker. Fails: see connectors/api/source.h.
#pragma once

#include "connectors/api/source.h"
#include "connectors/kafka/client.h"

namespace tidegate::kafka {

Task<StatusOr<connectors::SourcePtr>> OpenEach(SharedPtr shared, connectors::SourceSpec spec,
                                               net::Worker& worker);

}  // namespace tidegate::kafka
