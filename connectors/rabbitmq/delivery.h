// One message as it came from the broker: content, headers and metadata, kept until its Hold is
// released. A Hold owns it alone.
//
// Thread: filled on one worker; released on any. Owner: its Hold. `raw` keeps the bytes that header
// views point into.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "connectors/api/message.h"

namespace tidegate::rabbitmq {

struct Delivery {
  std::string body;
  std::string raw;                  // the properties as they came
  std::deque<std::string> texts;    // header values that are not texts on the wire
  std::vector<connectors::HeaderField> headers;
  std::vector<connectors::NamedText> metadata;
  std::string message_id;
  std::uint64_t tag = 0;
  bool redelivered = false;
  std::optional<std::int64_t> timestamp_ms;

  // What it holds, not what it had on the wire: a header of two bytes becomes a hundred.
  std::size_t bytes() const {
    std::size_t size = sizeof(Delivery) + body.size() + raw.size() +
                       headers.size() * sizeof(connectors::HeaderField) +
                       metadata.size() * sizeof(connectors::NamedText);
    for (const std::string& text : texts) size += sizeof(std::string) + text.size();
    return size;
  }
  connectors::Hold ToHold() {
    return connectors::Hold(this, [](void* self) { delete static_cast<Delivery*>(self); });
  }
  void AddMetadata(std::string_view name, std::string_view value) {
    connectors::NamedText& entry = metadata.emplace_back();
    entry.name = name;
    entry.value = value;
  }
};

}  // namespace tidegate::rabbitmq
