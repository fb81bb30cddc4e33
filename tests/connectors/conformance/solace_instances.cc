#include "tests/connectors/conformance/solace_harness.h"
#include "tests/connectors/conformance/suites.h"

namespace tidegate::connectors::conformance {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ShareContract);

namespace {

const Kind kPeer = {"SolacePeer", MakeSolacePeerHarness};
TIDEGATE_CONFORMANCE_OF_QUEUES(SolacePeer, kPeer);

}  // namespace
}  // namespace tidegate::connectors::conformance
