// Messages of ours as AMQP 1.0 messages, and back.
//
//   content          one data section; also read: amqp-value (texts and binaries as they are,
//                    anything else as JSON), several data sections joined
//   headers          application properties: texts where they are UTF-8, else binaries. A name
//                    stands once in AMQP: values of repeated headers are joined by ", "
//   key              group-id
//   content-type     the header of this name is also the property
//   correlation-id   the header correlation-id or x-correlation-id, else the message's own id when
//                    an answer is expected
// Received metadata: destinationName, senderTimestamp (-1: unknown), senderId, isCached,
// isRedelivered as the reference names them; messageId, correlationId, replyTo, contentType,
// contentEncoding, subject, priority, messageExpiryInterval (s), deliveryMode, deliveryCount where
// they are set.
// Thread: the worker of the connection. Fails: Encode by MessageRejected; Decode by false.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/api/message.h"
#include "connectors/solace/connection.h"

struct pn_message_t;

namespace tidegate::solace {

// A received message outside of the engine; it lives as long as its Hold.
struct Envelope {
  Envelope() = default;
  std::string content;
  std::string topic;
  std::string key;
  bool has_key = false;
  bool has_content = true;
  bool redelivered = false;
  bool first_acquirer = false;
  std::int64_t created_ms = 0;  // 0: unknown
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<connectors::NamedText> metadata;
};

// Proton's message, used again and again.
class MessageCodec {
 public:
  MessageCodec();
  ~MessageCodec();
  MessageCodec(const MessageCodec&) = delete;
  MessageCodec& operator=(const MessageCodec&) = delete;

  // What is the same for every message of a sink.
  struct Frame {
    Frame() = default;
    bool durable = true;
    std::uint32_t ttl_ms = 0;
    std::string reply_to;  // an address; empty: none
  };
  // `out` is set to the bytes of the message, for the address `to`.
  Status Encode(const connectors::OutMessage& message, const Frame& frame, const std::string& to,
                const std::string& id, std::string& out);
  // `from`: the topic when the message does not say where it was sent to.
  bool Decode(std::string_view bytes, const Connection& connection, std::string_view from,
              Envelope& out);

 private:
  Status PutHeaders(const connectors::OutMessage& message);
  void TakeBody(Envelope& out);
  void TakeHeaders(Envelope& out);
  void TakeMetadata(const Connection& connection, Envelope& out);

  pn_message_t* const message_;
};

// Sets the slot's views to `envelope`, which the slot's Hold then owns.
void FillSlot(std::unique_ptr<Envelope> envelope, connectors::Message& slot);

}  // namespace tidegate::solace
