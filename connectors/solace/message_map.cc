#include "connectors/solace/message_map.h"

#include <proton/codec.h>
#include <proton/message.h>

#include <algorithm>

#include "connectors/solace/limits.h"
#include "connectors/solace/section_scan.h"
#include "connectors/solace/value_text.h"
#include "server/base/check.h"
#include "server/base/strings.h"
#include "server/base/unix_time.h"

namespace tidegate::solace {
namespace {

using connectors::HeaderField;
using connectors::OutMessage;

constexpr std::size_t kSectionsBytes = 1024;  // what stands beside content and headers, at first
constexpr std::uint8_t kDefaultPriority = 4;

pn_bytes_t BytesOf(std::string_view text) {
  return pn_bytes(text.size(), text.data() != nullptr ? text.data() : "");
}

Status Rejected(std::string_view rule) {
  return MakeError(ErrorClass::kMessageRejected, "publish to solace: " + std::string(rule));
}

const HeaderField* Find(const OutMessage& message, std::string_view name) {
  for (const HeaderField& header : message.headers) {
    if (EqualsIgnoreCase(header.name, name)) return &header;
  }
  return nullptr;
}

bool IsRepeat(const OutMessage& message, std::size_t index) {
  for (std::size_t i = 0; i < index; ++i) {
    if (message.headers[i].name == message.headers[index].name) return true;
  }
  return false;
}

// The value, with those of later headers of the same name.
std::string JoinedValue(const OutMessage& message, std::size_t index) {
  std::string value(message.headers[index].value);
  for (std::size_t i = index + 1; i < message.headers.size(); ++i) {
    if (message.headers[i].name != message.headers[index].name) continue;
    value += ", ";
    value += message.headers[i].value;
  }
  return value;
}

void AddText(Envelope& out, const char* name, std::string value) {
  connectors::NamedText entry;
  entry.name = name;
  entry.value = std::move(value);
  out.metadata.push_back(std::move(entry));
}

void AddIfSet(Envelope& out, const char* name, const char* value) {
  if (value != nullptr && *value != '\0') AddText(out, name, value);
}

void AddId(Envelope& out, const char* name, pn_data_t* data) {
  if (data == nullptr) return;
  pn_data_rewind(data);
  if (!pn_data_next(data) || pn_data_type(data) == PN_NULL) return;
  std::string text;
  AppendScalar(data, text);
  AddText(out, name, std::move(text));
}

}  // namespace

MessageCodec::MessageCodec() : message_(pn_message()) {}
MessageCodec::~MessageCodec() { pn_message_free(message_); }

Status MessageCodec::Encode(const OutMessage& message, const Frame& frame, const std::string& to,
                            const std::string& id, std::string& out) {
  pn_message_clear(message_);
  pn_message_set_inferred(message_, true);  // the binary body becomes a data section
  pn_message_set_durable(message_, frame.durable);
  if (frame.ttl_ms > 0) pn_message_set_ttl(message_, frame.ttl_ms);
  pn_message_set_address(message_, to.c_str());
  pn_data_t* own_id = pn_message_id(message_);
  pn_data_clear(own_id);
  pn_data_put_string(own_id, BytesOf(id));
  pn_message_set_creation_time(message_, UnixMs());
  if (!frame.reply_to.empty()) pn_message_set_reply_to(message_, frame.reply_to.c_str());
  if (const HeaderField* type = Find(message, "content-type")) {
    if (IsValidUtf8(type->value)) {
      pn_message_set_content_type(message_, std::string(type->value).c_str());
    }
  }
  const HeaderField* correlation = Find(message, "correlation-id");
  if (correlation == nullptr) correlation = Find(message, "x-correlation-id");
  if (correlation != nullptr || !frame.reply_to.empty()) {
    const std::string_view value = correlation != nullptr ? correlation->value : id;
    pn_data_t* data = pn_message_correlation_id(message_);
    pn_data_clear(data);
    if (IsValidUtf8(value)) {
      pn_data_put_string(data, BytesOf(value));
    } else {
      pn_data_put_binary(data, BytesOf(value));
    }
  }
  if (message.key) {
    if (!IsValidUtf8(*message.key)) return Rejected("the key is not UTF-8");
    pn_message_set_group_id(message_, std::string(*message.key).c_str());
  }
  TG_RETURN_IF_ERROR(PutHeaders(message));
  pn_data_put_binary(pn_message_body(message_), BytesOf(message.content));

  std::size_t room = message.content.size() + kSectionsBytes;
  for (const HeaderField& header : message.headers) {
    room += header.name.size() + header.value.size() + 16;
  }
  for (int attempt = 0; attempt < 4; ++attempt) {
    out.resize(room);
    std::size_t size = out.size();
    const int code = pn_message_encode(message_, out.data(), &size);
    if (code == 0) {
      out.resize(size);
      return OkStatus();
    }
    if (code != PN_OVERFLOW) break;
    room *= 2;
  }
  return Rejected("the message cannot be written in AMQP 1.0");
}

Status MessageCodec::PutHeaders(const OutMessage& message) {
  if (message.headers.empty()) return OkStatus();
  pn_data_t* map = pn_message_properties(message_);
  pn_data_put_map(map);
  pn_data_enter(map);
  for (std::size_t i = 0; i < message.headers.size(); ++i) {
    const HeaderField& header = message.headers[i];
    if (!IsValidUtf8(header.name)) return Rejected("the name of a header is not UTF-8");
    if (IsRepeat(message, i)) continue;
    const std::string value = JoinedValue(message, i);
    pn_data_put_string(map, BytesOf(header.name));
    if (IsValidUtf8(value)) {
      pn_data_put_string(map, BytesOf(value));
    } else {
      pn_data_put_binary(map, BytesOf(value));
    }
  }
  pn_data_exit(map);
  return OkStatus();
}

bool MessageCodec::Decode(std::string_view bytes, const Connection& connection,
                          std::string_view from, Envelope& out) {
  if (!IsMessage(bytes)) return false;
  pn_message_clear(message_);
  if (pn_message_decode(message_, bytes.data(), bytes.size()) != 0) return false;
  const char* to = pn_message_get_address(message_);
  out.topic = std::string(to != nullptr && *to != '\0' ? connection.TopicOf(to) : from);
  if (const char* group = pn_message_get_group_id(message_)) {
    out.key = group;
    out.has_key = true;
  }
  out.created_ms = pn_message_get_creation_time(message_);
  out.redelivered = pn_message_get_delivery_count(message_) > 0;
  out.first_acquirer = pn_message_is_first_acquirer(message_);
  TakeBody(out);
  TakeHeaders(out);
  TakeMetadata(connection, out);
  return true;
}

void MessageCodec::TakeBody(Envelope& out) {
  pn_data_t* body = pn_message_body(message_);
  pn_data_rewind(body);
  if (!pn_data_next(body)) {
    out.has_content = false;
    return;
  }
  switch (pn_data_type(body)) {
    case PN_NULL: out.has_content = false; break;
    case PN_MAP:
    case PN_LIST:
    case PN_ARRAY:
    case PN_DESCRIBED: AppendJson(body, out.content); break;
    default:
      do {
        AppendScalar(body, out.content);
      } while (pn_data_next(body));
  }
}

void MessageCodec::TakeHeaders(Envelope& out) {
  pn_data_t* map = pn_message_properties(message_);
  pn_data_rewind(map);
  if (!pn_data_next(map) || pn_data_type(map) != PN_MAP) return;
  out.headers.reserve(std::min(pn_data_get_map(map) / 2, kHeadersMax));
  pn_data_enter(map);
  while (out.headers.size() < kHeadersMax && pn_data_next(map)) {
    std::string name;
    std::string value;
    AppendScalar(map, name);
    if (!pn_data_next(map)) break;
    AppendScalar(map, value);
    out.headers.emplace_back(std::move(name), std::move(value));
  }
  pn_data_exit(map);
}

void MessageCodec::TakeMetadata(const Connection& connection, Envelope& out) {
  AddText(out, "destinationName", out.topic);
  AddText(out, "senderTimestamp", out.created_ms > 0 ? std::to_string(out.created_ms) : "-1");
  const pn_bytes_t user = pn_message_get_user_id(message_);
  if (user.size > 0) AddText(out, "senderId", std::string(user.start, user.size));
  AddText(out, "isCached", "false");
  AddText(out, "isRedelivered", out.redelivered ? "true" : "false");
  AddText(out, "deliveryMode", pn_message_is_durable(message_) ? "persistent" : "direct");
  AddId(out, "messageId", pn_message_id(message_));
  AddId(out, "correlationId", pn_message_correlation_id(message_));
  const char* reply_to = pn_message_get_reply_to(message_);
  if (reply_to != nullptr && *reply_to != '\0') {
    AddText(out, "replyTo", std::string(connection.TopicOf(reply_to)));
  }
  AddIfSet(out, "contentType", pn_message_get_content_type(message_));
  AddIfSet(out, "contentEncoding", pn_message_get_content_encoding(message_));
  AddIfSet(out, "subject", pn_message_get_subject(message_));
  if (const std::uint8_t priority = pn_message_get_priority(message_);
      priority != kDefaultPriority) {
    AddText(out, "priority", std::to_string(priority));
  }
  if (const std::uint32_t ttl = pn_message_get_ttl(message_); ttl > 0) {
    AddText(out, "messageExpiryInterval", std::to_string(ttl / 1000));
  }
  if (const std::uint32_t count = pn_message_get_delivery_count(message_); count > 0) {
    AddText(out, "deliveryCount", std::to_string(count));
  }
}

void FillSlot(std::unique_ptr<Envelope> envelope, connectors::Message& slot) {
  slot.content = envelope->content;
  slot.has_content = envelope->has_content;
  slot.topic = envelope->topic;
  if (envelope->has_key) slot.key = envelope->key;
  if (envelope->created_ms > 0) slot.timestamp_ms = envelope->created_ms;
  slot.redelivered = envelope->redelivered;
  for (const auto& [name, value] : envelope->headers) {
    HeaderField field;
    field.name = name;
    field.value = value;
    slot.headers.push_back(field);
  }
  slot.metadata = envelope->metadata;
  slot.hold = connectors::Hold(envelope.release(),
                               [](void* object) { delete static_cast<Envelope*>(object); });
}

}  // namespace tidegate::solace
