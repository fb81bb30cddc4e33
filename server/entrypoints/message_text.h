// How parts of messages are written as text by more than one entrypoint.
// Thread: pure. Fails: never; bytes that are not UTF-8 become base64 or U+FFFD as documented.
#pragma once

#include <string>
#include <string_view>

#include "connectors/api/message.h"
#include "server/http/handler.h"

namespace tidegate::entrypoints {

// Calls visit(name, value, is_number) for every metadata entry, fixed ones first: key, topic,
// partition, offset, sourceTimestamp, then the connector's own.
template <typename Visit>
void ForEachMetadata(const connectors::Message& message, Visit&& visit) {
  if (message.key) visit(std::string_view("key"), *message.key, false);
  if (!message.topic.empty()) {
    visit(std::string_view("topic"), message.topic, false);
    if (message.partition >= 0) {
      visit(std::string_view("partition"), std::string_view(std::to_string(message.partition)),
            true);
    }
    if (message.offset >= 0) {
      visit(std::string_view("offset"), std::string_view(std::to_string(message.offset)), true);
    }
  }
  if (message.timestamp_ms) {
    visit(std::string_view("sourceTimestamp"),
          std::string_view(std::to_string(*message.timestamp_ms)), true);
  }
  for (const connectors::NamedText& entry : message.metadata) {
    visit(std::string_view(entry.name), std::string_view(entry.value), false);
  }
}

// Frames what is appended to `out` during its life as one HTTP/1 chunk (or not at all). The size
// is written first with a fixed width, so nothing is moved afterwards.
class ChunkScope {
 public:
  ChunkScope(std::string& out, http::BodyFraming framing) : out_(out), framing_(framing) {
    if (framing_ != http::BodyFraming::kChunked) return;
    start_ = out_.size();
    out_.append(kPlaceholder);
  }
  ~ChunkScope() {
    if (framing_ != http::BodyFraming::kChunked) return;
    std::size_t size = out_.size() - start_ - kPlaceholder.size();
    for (std::size_t i = kDigits; i-- > 0; size >>= 4) {
      out_[start_ + i] = "0123456789abcdef"[size & 15];
    }
    out_.append("\r\n");
  }
  ChunkScope(const ChunkScope&) = delete;
  ChunkScope& operator=(const ChunkScope&) = delete;

 private:
  // Eight digits: chunks of up to 4 GiB; every receiver takes leading zeros (RFC 9112 §7.1).
  static constexpr std::size_t kDigits = 8;
  static constexpr std::string_view kPlaceholder = "00000000\r\n";
  std::string& out_;
  const http::BodyFraming framing_;
  std::size_t start_ = 0;
};

// `text` as one chunk (or as it is).
std::string Framed(std::string_view text, http::BodyFraming framing);
// The end of a streamed body.
std::string_view LastChunk(http::BodyFraming framing);

}  // namespace tidegate::entrypoints
