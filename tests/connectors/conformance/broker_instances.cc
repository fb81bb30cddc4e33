#include "tests/connectors/conformance/kafka_harness.h"
#include "tests/connectors/conformance/mqtt5_harness.h"
#include "tests/connectors/conformance/rabbitmq_harness.h"
#include "tests/connectors/conformance/solace_harness.h"
#include "tests/connectors/conformance/suites.h"

namespace tidegate::connectors::conformance {
namespace {

const Kind kMqtt5 = {"Mqtt5Broker", MakeMqtt5Harness};
const Kind kKafka = {"KafkaBroker", MakeBrokerKafkaHarness};
const Kind kRabbitmq = {"Rabbitmq", MakeRabbitmqHarness};
const Kind kSolace = {"SolaceRabbitmq", MakeSolaceRabbitmqHarness};

INSTANTIATE_TEST_SUITE_P(Broker, SourceContract, ::testing::Values(kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Broker, LogContract, ::testing::Values(kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Broker, PositionContract, ::testing::Values(kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Broker, ShareContract, ::testing::Values(kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Broker, SinkContract, ::testing::Values(kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Broker, LoopContract, ::testing::Values(kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Broker, GroupContract, ::testing::Values(kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Broker, FaultContract, ::testing::Values(kKafka), NameOfKind);
INSTANTIATE_TEST_SUITE_P(Broker, StepContract, ::testing::Values(kKafka), NameOfKind);

TIDEGATE_CONFORMANCE_OF_QUEUES(Rabbitmq, kRabbitmq);
INSTANTIATE_TEST_SUITE_P(Rabbitmq, ShareContract, ::testing::Values(kRabbitmq), NameOfKind);

TIDEGATE_CONFORMANCE_OF_QUEUES(Mqtt5, kMqtt5);
INSTANTIATE_TEST_SUITE_P(Mqtt5, ShareContract, ::testing::Values(kMqtt5), NameOfKind);

TIDEGATE_CONFORMANCE_OF_QUEUES(SolaceRabbitmq, kSolace);
INSTANTIATE_TEST_SUITE_P(SolaceRabbitmq, ShareContract, ::testing::Values(kSolace), NameOfKind);

}  // namespace
}  // namespace tidegate::connectors::conformance
