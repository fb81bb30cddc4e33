#include "tests/connectors/conformance/kafka_harness.h"
#include "tests/connectors/conformance/mock_harness.h"
#include "tests/connectors/conformance/suites.h"

namespace tidegate::connectors::conformance {
namespace {

const Kind kMock = {"Mock", MakeMockHarness};
const Kind kKafka = {"Kafka", MakeEmbeddedKafkaHarness};

INSTANTIATE_TEST_SUITE_P(Embedded, SourceContract, ::testing::Values(kMock, kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Embedded, PositionContract, ::testing::Values(kMock, kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Embedded, LogContract, ::testing::Values(kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Embedded, ShareContract, ::testing::Values(kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Embedded, SinkContract, ::testing::Values(kMock, kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Embedded, LoopContract, ::testing::Values(kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Embedded, GroupContract, ::testing::Values(kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Embedded, FaultContract, ::testing::Values(kKafka), NameOfKind);

}  // namespace
}  // namespace tidegate::connectors::conformance
