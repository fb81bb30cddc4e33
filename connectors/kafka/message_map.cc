#include "connectors/kafka/message_map.h"

#include <librdkafka/rdkafka.h>

#include <cstring>

namespace tidegate::kafka {
namespace {

// Magic byte 0 and a schema id of four bytes.
constexpr std::size_t kConfluentHeader = 5;

}  // namespace

void FillMessage(rd_kafka_message_t& record, std::string_view topic, bool cut_confluent_header,
                 connectors::Message& message) {
  message.has_content = record.payload != nullptr;
  message.content = std::string_view(static_cast<const char*>(record.payload), record.len);
  if (cut_confluent_header && record.len >= kConfluentHeader && message.content[0] == '\0') {
    message.content.remove_prefix(kConfluentHeader);
  }
  if (record.key != nullptr) {
    message.key = std::string_view(static_cast<const char*>(record.key), record.key_len);
  }
  message.topic = topic;
  message.partition = record.partition;
  message.offset = record.offset;
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const std::int64_t timestamp = rd_kafka_message_timestamp(&record, &type);
  if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && timestamp >= 0) message.timestamp_ms = timestamp;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&record, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    connectors::HeaderField field;
    field.name = name;
    if (value != nullptr) field.value = std::string_view(static_cast<const char*>(value), size);
    message.headers.push_back(field);
  }
}

std::size_t SizeOf(rd_kafka_message_t& record) {
  std::size_t size = record.len + record.key_len;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&record, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return size;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t bytes = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &bytes) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    size += std::strlen(name) + bytes;
  }
  return size;
}

connectors::Hold HoldOf(rd_kafka_message_t* record) {
  return connectors::Hold(record, [](void* object) {
    rd_kafka_message_destroy(static_cast<rd_kafka_message_t*>(object));
  });
}

}  // namespace tidegate::kafka
