// The one list of what this process is made of: connectors and entrypoints.
#pragma once

#include <vector>

#include "connectors/api/connector.h"
#include "server/flow/entrypoint.h"

namespace tidegate::sidecar {

std::vector<connectors::ConnectorKind> BuiltinConnectors();
// In the order in which the entrypoints of one API are tried.
std::vector<flow::EntrypointKind> BuiltinEntrypoints();

}  // namespace tidegate::sidecar
