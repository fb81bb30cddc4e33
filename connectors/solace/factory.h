// The Solace connector, as sidecar/builtin.cc sees it.
#pragma once

#include "connectors/api/connector.h"

namespace tidegate::solace {

// `mqtt` serves endpoints with mqtt(s) URLs: it gets their settings as a config.v1.Mqtt5Endpoint.
connectors::ConnectorFactory MakeSolaceFactory(connectors::ConnectorFactory mqtt);

}  // namespace tidegate::solace
