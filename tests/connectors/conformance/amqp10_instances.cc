#include "tests/connectors/conformance/solace_harness.h"
#include "tests/connectors/conformance/suites.h"

namespace tidegate::connectors::conformance {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ShareContract);

namespace {

const Kind kArtemis = {"SolaceArtemis", MakeSolaceArtemisHarness};
TIDEGATE_CONFORMANCE_OF_QUEUES(SolaceArtemis, kArtemis);

const Kind kBrokerj = {"SolaceBrokerj", MakeSolaceBrokerjHarness};
TIDEGATE_CONFORMANCE_OF_QUEUES(SolaceBrokerj, kBrokerj);

}  // namespace
}  // namespace tidegate::connectors::conformance
