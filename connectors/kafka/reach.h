// The connectivity test by stages: dns, tcp, tls, auth, metadata; tls and auth where the
// endpoint has them. Blocks up to 10 s: control thread only.
#pragma once

#include <vector>

#include "connectors/api/connector.h"
#include "connectors/kafka/client.h"

namespace tidegate::kafka {

std::vector<connectors::TestStage> Reach(const SharedPtr& shared);

}  // namespace tidegate::kafka
