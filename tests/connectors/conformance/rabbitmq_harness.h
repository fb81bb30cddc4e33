#pragma once

#include "tests/connectors/conformance/harness.h"

namespace tidegate::connectors::conformance {

// The broker that TIDEGATE_TEST_RABBITMQ (HOST:PORT) names, behind a proxy; without it every test
// fails and says so.
HarnessPtr MakeRabbitmqHarness();

}  // namespace tidegate::connectors::conformance
