#include "tests/connectors/conformance/solace_harness.h"
#include "tests/connectors/conformance/suites.h"

namespace tidegate::connectors::conformance {
namespace {

const Kind kArtemis = {"SolaceArtemis", MakeSolaceArtemisHarness};
TIDEGATE_CONFORMANCE_OF_QUEUES(SolaceArtemis, kArtemis);

}  // namespace
}  // namespace tidegate::connectors::conformance
