// A record of the library as our Message: views into it, no copy.
// Thread: the worker of the source. The caller sets ack and hold.
#pragma once

#include <cstddef>
#include <string_view>

#include "connectors/api/message.h"
#include "connectors/kafka/rd_types.h"

namespace tidegate::kafka {

void FillMessage(rd_kafka_message_t& record, std::string_view topic, bool cut_confluent_header,
                 connectors::Message& message);
// What `record` counts for kBatchBytesMax.
std::size_t SizeOf(rd_kafka_message_t& record);
// A Hold that frees `record` (any thread).
connectors::Hold HoldOf(rd_kafka_message_t* record);

}  // namespace tidegate::kafka
