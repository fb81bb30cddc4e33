#pragma once

#include "tests/connectors/conformance/harness.h"

namespace tidegate::connectors::conformance {

// The Solace connector against the Solace-shaped peer of tests/support/amqp10.
HarnessPtr MakeSolacePeerHarness();
// The same against RabbitMQ's AMQP 1.0 plugin, which TIDEGATE_TEST_AMQP10 (HOST:PORT) names. It has
// no durable topic endpoints: a group reads a queue that was bound to the topic before.
HarnessPtr MakeSolaceRabbitmqHarness();
// The same against a broker that speaks Solace's addresses (Artemis), which
// TIDEGATE_TEST_ARTEMIS (HOST:PORT, user and password `admin`) names.
HarnessPtr MakeSolaceArtemisHarness();
// The same against Qpid Broker-J, which TIDEGATE_TEST_BROKERJ names; its topics are routing keys of
// an exchange.
HarnessPtr MakeSolaceBrokerjHarness();

}  // namespace tidegate::connectors::conformance
