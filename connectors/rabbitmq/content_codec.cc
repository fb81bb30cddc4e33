#include "connectors/rabbitmq/content_codec.h"

#include <amqp.h>
#include <amqp_framing.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "connectors/rabbitmq/frame.h"
#include "connectors/rabbitmq/table_scan.h"
#include "connectors/rabbitmq/table_text.h"
#include "server/base/check.h"
#include "server/base/strings.h"

namespace tidegate::rabbitmq {

using connectors::HeaderField;

namespace {

constexpr std::size_t kPoolPage = 4096;
constexpr std::size_t kContentHead = 12;  // class, weight, body size
constexpr std::size_t kFrameHead = 7;
// What is there without headers: flags, delivery mode, our id and name.
constexpr std::size_t kPropertiesRoom = 128;
constexpr std::size_t kFieldRoom = 16;                 // lengths and kinds of one header
constexpr std::uint16_t kBasicClass = 60;
constexpr std::uint8_t kPersistent = 2;
constexpr std::uint8_t kTransient = 1;

enum class Property : std::uint8_t {
  kNone, kContentType, kContentEncoding, kCorrelationId, kReplyTo, kMessageId, kExpiration,
  kPriority, kTimestamp
};

struct PropertyName {
  std::string_view name;
  Property property;
};
constexpr PropertyName kProperties[] = {
    {"content-type", Property::kContentType}, {"content-encoding", Property::kContentEncoding},
    {"correlation-id", Property::kCorrelationId}, {"reply-to", Property::kReplyTo},
    {"message-id", Property::kMessageId}, {"expiration", Property::kExpiration},
    {"priority", Property::kPriority}, {"timestamp", Property::kTimestamp},
};

// Numbers only where they are numbers: a `priority: high` stays a header.
Property PropertyOf(const HeaderField& field) {
  if (field.name.size() < 8 || field.name.size() > 16) return Property::kNone;
  for (const PropertyName& entry : kProperties) {
    if (!EqualsIgnoreCase(entry.name, field.name)) continue;
    if (entry.property == Property::kPriority || entry.property == Property::kTimestamp) {
      const auto number = ParseUint(field.value);
      if (!number) return Property::kNone;
      if (entry.property == Property::kPriority && *number > 255) return Property::kNone;
    }
    return entry.property;
  }
  return Property::kNone;
}

amqp_bytes_t Bytes(std::string_view text) {
  amqp_bytes_t bytes;
  bytes.len = text.size();
  bytes.bytes = const_cast<char*>(text.data());  // NOLINT: the library's type; only read
  return bytes;
}

std::string_view View(const amqp_bytes_t& bytes) {
  return std::string_view(static_cast<const char*>(bytes.bytes), bytes.len);
}

void Put32(char* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<char>(value >> (24 - 8 * i));
}

void PutFrameHead(char* at, FrameType type, std::uint16_t channel, std::size_t size) {
  at[0] = static_cast<char>(type);
  at[1] = static_cast<char>(channel >> 8);
  at[2] = static_cast<char>(channel);
  Put32(at + 3, static_cast<std::uint32_t>(size));
}

void SetText(amqp_basic_properties_t& out, amqp_flags_t flag, amqp_bytes_t& field,
             std::string_view value) {
  out._flags |= flag;
  field = Bytes(value);
}

// True: the header has become a property.
bool SetProperty(amqp_basic_properties_t& out, const HeaderField& field) {
  switch (PropertyOf(field)) {
    case Property::kNone: return false;
    case Property::kContentType:
      SetText(out, AMQP_BASIC_CONTENT_TYPE_FLAG, out.content_type, field.value);
      return true;
    case Property::kContentEncoding:
      SetText(out, AMQP_BASIC_CONTENT_ENCODING_FLAG, out.content_encoding, field.value);
      return true;
    case Property::kCorrelationId:
      SetText(out, AMQP_BASIC_CORRELATION_ID_FLAG, out.correlation_id, field.value);
      return true;
    case Property::kReplyTo:
      SetText(out, AMQP_BASIC_REPLY_TO_FLAG, out.reply_to, field.value);
      return true;
    case Property::kMessageId:
      SetText(out, AMQP_BASIC_MESSAGE_ID_FLAG, out.message_id, field.value);
      return true;
    case Property::kExpiration:
      SetText(out, AMQP_BASIC_EXPIRATION_FLAG, out.expiration, field.value);
      return true;
    case Property::kPriority:
      out._flags |= AMQP_BASIC_PRIORITY_FLAG;
      out.priority = static_cast<std::uint8_t>(*ParseUint(field.value));
      return true;
    case Property::kTimestamp:
      out._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
      out.timestamp = *ParseUint(field.value);
      return true;
  }
  return false;
}

amqp_field_value_t ValueOf(std::string_view bytes) {
  amqp_field_value_t value{};
  value.kind = IsValidUtf8(bytes) ? AMQP_FIELD_KIND_UTF8 : AMQP_FIELD_KIND_BYTES;
  value.value.bytes = Bytes(bytes);
  return value;
}

// The headers table: one entry per name, a list where a name repeats. Used again for each message,
// so that it costs no allocation.
class TableBuilder {
 public:
  void Clear() {
    entries_.clear();
    lists_.clear();
  }
  void Add(const HeaderField& field) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (View(entries_[i].key) == field.name) return Repeat(i, field);
    }
    amqp_table_entry_t& entry = entries_.emplace_back();
    entry.key = Bytes(field.name);
    entry.value = ValueOf(field.value);
  }
  bool empty() const { return entries_.empty(); }
  amqp_table_t Build() {
    for (List& list : lists_) {
      amqp_field_value_t& value = entries_[list.entry].value;
      value.kind = AMQP_FIELD_KIND_ARRAY;
      value.value.array.num_entries = static_cast<int>(list.values.size());
      value.value.array.entries = list.values.data();
    }
    amqp_table_t table;
    table.num_entries = static_cast<int>(entries_.size());
    table.entries = entries_.data();
    return table;
  }

 private:
  struct List {
    std::size_t entry = 0;
    std::vector<amqp_field_value_t> values;
  };
  void Repeat(std::size_t entry, const HeaderField& field) {
    for (List& list : lists_) {
      if (list.entry == entry) return list.values.push_back(ValueOf(field.value));
    }
    List& list = lists_.emplace_back();
    list.entry = entry;
    list.values = {entries_[entry].value, ValueOf(field.value)};
  }

  std::vector<amqp_table_entry_t> entries_;
  std::vector<List> lists_;
};

void AddHeader(Delivery& delivery, std::string_view name, const amqp_field_value_t& value) {
  HeaderField field;
  field.name = name;
  switch (value.kind) {
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES: field.value = View(value.value.bytes); break;
    case AMQP_FIELD_KIND_ARRAY:
      if (IsListOfTexts(&value)) {
        for (int i = 0; i < value.value.array.num_entries; ++i) {
          AddHeader(delivery, name, value.value.array.entries[i]);
        }
        return;
      }
      [[fallthrough]];
    default:
      AppendFieldText(delivery.texts.emplace_back(), &value);
      field.value = delivery.texts.back();
  }
  delivery.headers.push_back(field);
}

void AddMetadata(const amqp_basic_properties_t& in, Delivery& out) {
  const auto text = [&](amqp_flags_t flag, std::string_view name, const amqp_bytes_t& value) {
    if ((in._flags & flag) != 0) out.AddMetadata(name, View(value));
  };
  const auto number = [&](amqp_flags_t flag, std::string_view name, std::uint64_t value) {
    if ((in._flags & flag) != 0) out.AddMetadata(name, std::to_string(value));
  };
  text(AMQP_BASIC_CONTENT_TYPE_FLAG, "contentType", in.content_type);
  text(AMQP_BASIC_CONTENT_ENCODING_FLAG, "contentEncoding", in.content_encoding);
  number(AMQP_BASIC_DELIVERY_MODE_FLAG, "deliveryMode", in.delivery_mode);
  number(AMQP_BASIC_PRIORITY_FLAG, "priority", in.priority);
  text(AMQP_BASIC_CORRELATION_ID_FLAG, "correlationId", in.correlation_id);
  text(AMQP_BASIC_REPLY_TO_FLAG, "replyTo", in.reply_to);
  text(AMQP_BASIC_EXPIRATION_FLAG, "expiration", in.expiration);
  text(AMQP_BASIC_MESSAGE_ID_FLAG, "messageId", in.message_id);
  number(AMQP_BASIC_TIMESTAMP_FLAG, "timestamp", in.timestamp);
  text(AMQP_BASIC_TYPE_FLAG, "type", in.type);
  text(AMQP_BASIC_USER_ID_FLAG, "userId", in.user_id);
  text(AMQP_BASIC_APP_ID_FLAG, "appId", in.app_id);
}

}  // namespace

struct ContentCodec::Pool {
  Pool() { init_amqp_pool(&pool, kPoolPage); }
  ~Pool() { empty_amqp_pool(&pool); }
  amqp_pool_t pool;
  TableBuilder table;
};

ContentCodec::ContentCodec() : pool_(std::make_unique<Pool>()) {}
ContentCodec::~ContentCodec() = default;

StatusOr<std::uint64_t> ContentCodec::Decode(std::string_view payload, Delivery& delivery) {
  const Status malformed =
      MakeError(ErrorClass::kConnectionClosed, "rabbitmq: the server sent a malformed header");
  const std::optional<std::uint64_t> size = BodySize(payload);
  if (!size) return malformed;
  delivery.raw = payload.substr(kContentHead);
  if (!AreSoundProperties(delivery.raw)) return malformed;
  recycle_amqp_pool(&pool_->pool);
  void* decoded = nullptr;
  const int code =
      amqp_decode_properties(kBasicClass, &pool_->pool, Bytes(delivery.raw), &decoded);
  if (code < 0) return malformed;
  const auto& in = *static_cast<const amqp_basic_properties_t*>(decoded);
  if ((in._flags & AMQP_BASIC_HEADERS_FLAG) != 0) {
    delivery.headers.reserve(static_cast<std::size_t>(in.headers.num_entries));
    for (int i = 0; i < in.headers.num_entries; ++i) {
      const amqp_table_entry_t& entry = in.headers.entries[i];
      AddHeader(delivery, View(entry.key), entry.value);
    }
  }
  AddMetadata(in, delivery);
  if ((in._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0) delivery.message_id = View(in.message_id);
  constexpr std::uint64_t kSecondsMax = 253'402'300'799;  // the year 9999
  if ((in._flags & AMQP_BASIC_TIMESTAMP_FLAG) != 0 && in.timestamp <= kSecondsMax) {
    delivery.timestamp_ms = static_cast<std::int64_t>(in.timestamp) * 1000;
  }
  return *size;
}

std::optional<std::uint64_t> ContentCodec::BodySize(std::string_view payload) {
  if (payload.size() < kContentHead + 2 || Read16(payload.data()) != kBasicClass) {
    return std::nullopt;
  }
  return Read64(payload.data() + 4);
}

void ContentCodec::Append(std::string& out, std::uint16_t channel, const Content& content,
                          std::uint32_t frame_max) {
  amqp_basic_properties_t properties{};
  TableBuilder& table = pool_->table;
  table.Clear();
  std::size_t room = kPropertiesRoom + content.message_id.size();
  for (const HeaderField& field : content.headers) {
    if (!SetProperty(properties, field)) table.Add(field);
    room += field.name.size() + field.value.size() + kFieldRoom;
  }
  if (!table.empty()) {
    properties._flags |= AMQP_BASIC_HEADERS_FLAG;
    properties.headers = table.Build();
  }
  properties._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_APP_ID_FLAG;
  properties.delivery_mode = content.persistent ? kPersistent : kTransient;
  properties.app_id = Bytes("tidegate");
  if ((properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) == 0 && !content.message_id.empty()) {
    SetText(properties, AMQP_BASIC_MESSAGE_ID_FLAG, properties.message_id, content.message_id);
  }

  const std::size_t begin = out.size();
  out.resize(begin + kFrameHead + kContentHead + room + 1);
  char* frame = out.data() + begin;
  char* head = frame + kFrameHead;
  head[0] = 0;
  head[1] = static_cast<char>(kBasicClass);
  head[2] = head[3] = 0;
  Put32(head + 4, static_cast<std::uint32_t>(std::uint64_t{content.body.size()} >> 32));
  Put32(head + 8, static_cast<std::uint32_t>(content.body.size()));
  amqp_bytes_t space;
  space.bytes = head + kContentHead;
  space.len = room;
  const int size = amqp_encode_properties(kBasicClass, &properties, space);
  TG_CHECK(size >= 0);  // HeaderFault has bounded every text
  const std::size_t payload = kContentHead + static_cast<std::size_t>(size);
  PutFrameHead(frame, FrameType::kHeader, channel, payload);
  head[payload] = static_cast<char>(kFrameEnd);
  out.resize(begin + kFrameHead + payload + 1);

  std::string_view left = content.body;
  while (!left.empty()) {
    const std::string_view part = left.substr(0, frame_max - kFrameOverhead);
    char body_head[kFrameHead];
    PutFrameHead(body_head, FrameType::kBody, channel, part.size());
    out.append(body_head, kFrameHead);
    out.append(part);
    out += static_cast<char>(kFrameEnd);
    left.remove_prefix(part.size());
  }
}

std::string_view OwnMessageId(std::span<const HeaderField> headers) {
  std::string_view id;
  for (const HeaderField& field : headers) {
    if (PropertyOf(field) == Property::kMessageId) id = field.value;
  }
  return id;
}

std::string_view HeaderFault(std::span<const HeaderField> headers, std::uint32_t frame_max) {
  std::size_t size = kFrameOverhead + kContentHead + kPropertiesRoom;
  for (const HeaderField& field : headers) {
    if (field.name.size() > kNameBytesMax) return "a header's name is longer than 255 bytes";
    size += field.name.size() + field.value.size() + kFieldRoom;
    const Property property = PropertyOf(field);
    if (property == Property::kNone) continue;
    if (field.value.size() > kNameBytesMax) {
      return "a header that becomes a property is longer than 255 bytes";
    }
    if (!IsValidUtf8(field.value)) return "a header that becomes a property is not UTF-8";
    if (property == Property::kExpiration) {
      const auto number = ParseUint(field.value);
      if (!number || *number > 0xFFFFFFFF) {
        return "the header expiration is not a number of milliseconds below 2^32";
      }
    }
  }
  return size > frame_max ? "its headers do not fit in one frame" : std::string_view();
}

}  // namespace tidegate::rabbitmq
