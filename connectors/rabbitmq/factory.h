// The RabbitMQ connector, as sidecar/builtin.cc sees it.
#pragma once

#include "connectors/api/connector.h"

namespace tidegate::rabbitmq {

connectors::ConnectorFactory MakeRabbitmqFactory();

}  // namespace tidegate::rabbitmq
