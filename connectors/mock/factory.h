// The one line of sidecar/builtin.cc, and a look at what was published for tests.
#pragma once

#include "connectors/api/connector.h"
#include "connectors/mock/sink.h"

namespace tidegate::mock {

connectors::ConnectorKind MockKind();

// The last messages published to a mock connector; empty for another kind.
std::vector<PublishedMessage> PublishedTo(const connectors::Connector& connector);

}  // namespace tidegate::mock
