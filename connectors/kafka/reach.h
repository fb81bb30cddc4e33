// The connectivity test by stages: dns, tcp, tls, auth, metadata; tls and auth where the endpoint
// has them. At most kOpenDeadline; what blocks does so on a control thread.
// Thread: the worker given. Owner: nobody. Fails: by a stage that is not ok, the last.
#pragma once

#include <vector>

#include "connectors/api/connector.h"
#include "connectors/kafka/client.h"

namespace tidegate::kafka {

Task<std::vector<connectors::TestStage>> Reach(SharedPtr shared, net::Worker& worker);

}  // namespace tidegate::kafka
