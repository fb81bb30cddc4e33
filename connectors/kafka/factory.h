// The Kafka connector, as sidecar/builtin.cc sees it.
//
// Before the worker pool is destroyed SettleKafka() must have returned: clients that are being
// closed post to workers.
#pragma once

#include "connectors/api/connector.h"

namespace tidegate::kafka {

connectors::ConnectorFactory MakeKafkaFactory();
// Blocks until every client has been closed; false when some are not by `deadline`. Not on a
// worker.
bool SettleKafka(TimePoint deadline);

}  // namespace tidegate::kafka
