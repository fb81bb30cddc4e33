#pragma once

#include "tests/connectors/conformance/harness.h"

namespace tidegate::connectors::conformance {

HarnessPtr MakeEmbeddedKafkaHarness();
// The broker of the folder that TIDEGATE_TEST_KAFKA_DIR names, behind the fault proxy; without it
// every test fails and says so.
HarnessPtr MakeBrokerKafkaHarness();

}  // namespace tidegate::connectors::conformance
