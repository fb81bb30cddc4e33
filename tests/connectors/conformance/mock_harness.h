#pragma once

#include "tests/connectors/conformance/harness.h"

namespace tidegate::connectors::conformance {

HarnessPtr MakeMockHarness();

}  // namespace tidegate::connectors::conformance
