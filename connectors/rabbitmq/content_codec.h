// Headers and properties of messages, both ways, by rabbitmq-c's encoders and decoders.
//
// Out: the message headers content-type, content-encoding, correlation-id, reply-to, message-id,
// expiration, priority and timestamp become properties, all others entries of the headers table: a
// text, bytes where it is no UTF-8, a list where the name repeats. In: properties become metadata,
// table entries headers: texts and bytes as they are, numbers and booleans as text, lists of texts
// as repeated headers, everything nested as JSON.
// Thread: one. Owner: Protocol; holds the library's memory pool. Fails: Decode with
// ConnectionClosed when the bytes are malformed or nested deeper than kTableDepthMax.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "connectors/api/message.h"
#include "connectors/rabbitmq/delivery.h"
#include "server/base/status.h"

namespace tidegate::rabbitmq {

struct Content {
  std::string_view body;
  std::span<const connectors::HeaderField> headers;
  std::string_view message_id;  // given when the message has no `message-id` of its own
  bool persistent = true;
};

class ContentCodec {
 public:
  ContentCodec();
  ~ContentCodec();

  // Fills headers and metadata of `delivery`, whose `raw` becomes the payload; the body's size.
  StatusOr<std::uint64_t> Decode(std::string_view payload, Delivery& delivery);
  // The body's size alone; nullopt: no header of a message.
  static std::optional<std::uint64_t> BodySize(std::string_view payload);

  // The header frame and the body frames. HeaderFault must have found nothing.
  void Append(std::string& out, std::uint16_t channel, const Content& content,
              std::uint32_t frame_max);

 private:
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

// The id that the message brings itself; empty: none.
std::string_view OwnMessageId(std::span<const connectors::HeaderField> headers);
// Why the headers cannot be sent, empty when they can: a name or a property longer than 255 bytes,
// an `expiration` that is no number, more than fits in one frame.
std::string_view HeaderFault(std::span<const connectors::HeaderField> headers,
                             std::uint32_t frame_max);

}  // namespace tidegate::rabbitmq
