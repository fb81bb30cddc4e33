#include "sidecar/builtin.h"

#include "connectors/kafka/factory.h"
#include "connectors/mock/factory.h"
#include "connectors/mqtt5/factory.h"
#include "connectors/rabbitmq/factory.h"
#include "connectors/solace/factory.h"
#include "server/entrypoints/builtin.h"

namespace tidegate::sidecar {

std::vector<connectors::ConnectorKind> BuiltinConnectors() {
  return {
      mock::MockKind(),
      {"kafka", kafka::MakeKafkaFactory()},
      {"mqtt5", mqtt5::MakeMqtt5Factory()},
      {"rabbitmq", rabbitmq::MakeRabbitmqFactory()},
      {"solace", solace::MakeSolaceFactory(mqtt5::MakeMqtt5Factory())},
  };
}

std::vector<flow::EntrypointKind> BuiltinEntrypoints() {
  return {
      {"websocket", entrypoints::MakeWebsocket},
      {"sse", entrypoints::MakeSse},
      {"http-get", entrypoints::MakeHttpGet},
      {"http-post", entrypoints::MakeHttpPost},
  };
}

}  // namespace tidegate::sidecar
