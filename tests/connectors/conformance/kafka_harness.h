#pragma once

#include "tests/connectors/conformance/harness.h"

namespace tidegate::connectors::conformance {

HarnessPtr MakeEmbeddedKafkaHarness();
// The broker that TIDEGATE_TEST_KAFKA (HOST:PORT) and TIDEGATE_TEST_KAFKA_DIR name; without them
// every test fails and says so.
HarnessPtr MakeBrokerKafkaHarness();
HarnessPtr MakeProxiedKafkaHarness();  // the real one, behind the fault proxy

}  // namespace tidegate::connectors::conformance
