// The MQTT 5 connector, as sidecar/builtin.cc sees it.
#pragma once

#include "connectors/api/connector.h"

namespace tidegate::mqtt5 {

// Settings: tidegate.config.v1.Mqtt5Endpoint.
connectors::ConnectorFactory MakeMqtt5Factory();

}  // namespace tidegate::mqtt5
