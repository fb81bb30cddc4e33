#pragma once

#include "tests/connectors/conformance/harness.h"

namespace tidegate::connectors::conformance {

// The broker that TIDEGATE_TEST_MQTT (HOST:PORT) names, behind a proxy; TIDEGATE_TEST_MQTT_AUTH is
// its listener that asks for a password. Without them every test fails and says so.
HarnessPtr MakeMqtt5Harness();

}  // namespace tidegate::connectors::conformance
