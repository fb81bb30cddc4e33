#include "connectors/mqtt5/properties.h"

namespace tidegate::mqtt5 {
namespace {

enum class Form : std::uint8_t { kNone, kU8, kU16, kU32, kVar, kText, kBinary, kPair };

Form FormOf(Property id) {
  switch (id) {
    case Property::kPayloadFormat:
    case Property::kRequestProblemInfo:
    case Property::kRequestResponseInfo:
    case Property::kMaximumQos:
    case Property::kRetainAvailable:
    case Property::kWildcardAvailable:
    case Property::kSubscriptionIdAvailable:
    case Property::kSharedAvailable: return Form::kU8;
    case Property::kServerKeepAlive:
    case Property::kReceiveMaximum:
    case Property::kTopicAliasMaximum:
    case Property::kTopicAlias: return Form::kU16;
    case Property::kMessageExpiry:
    case Property::kSessionExpiry:
    case Property::kWillDelay:
    case Property::kMaximumPacketSize: return Form::kU32;
    case Property::kSubscriptionId: return Form::kVar;
    case Property::kContentType:
    case Property::kResponseTopic:
    case Property::kAssignedClientId:
    case Property::kAuthMethod:
    case Property::kResponseInfo:
    case Property::kServerReference:
    case Property::kReasonString: return Form::kText;
    case Property::kCorrelationData:
    case Property::kAuthData: return Form::kBinary;
    case Property::kUserProperty: return Form::kPair;
  }
  return Form::kNone;
}

constexpr std::uint64_t Bit(Property id) { return 1ULL << static_cast<unsigned>(id); }

template <typename... Ids>
constexpr std::uint64_t Bits(Ids... ids) {
  return (Bit(ids) | ...);
}

// Table 2-4, for the packets that a client is sent.
std::uint64_t AllowedIn(PacketType type) {
  using enum Property;
  constexpr std::uint64_t kAlways = Bits(kUserProperty, kReasonString);
  switch (type) {
    case PacketType::kConnack:
      return kAlways | Bits(kSessionExpiry, kAssignedClientId, kServerKeepAlive, kAuthMethod,
                            kAuthData, kResponseInfo, kServerReference, kReceiveMaximum,
                            kTopicAliasMaximum, kMaximumQos, kRetainAvailable, kMaximumPacketSize,
                            kWildcardAvailable, kSubscriptionIdAvailable, kSharedAvailable);
    case PacketType::kPublish:
      return Bits(kUserProperty, kPayloadFormat, kMessageExpiry, kContentType, kResponseTopic,
                  kCorrelationData, kSubscriptionId, kTopicAlias);
    case PacketType::kPuback:
    case PacketType::kSuback:
    case PacketType::kUnsuback: return kAlways;
    case PacketType::kDisconnect: return kAlways | Bits(kSessionExpiry, kServerReference);
    default: return 0;
  }
}

// What the table of values says beyond the form.
bool IsAllowedValue(const PropertyValue& value) {
  switch (value.id) {
    case Property::kPayloadFormat:
    case Property::kMaximumQos:
    case Property::kRetainAvailable:
    case Property::kWildcardAvailable:
    case Property::kSubscriptionIdAvailable:
    case Property::kSharedAvailable: return value.number <= 1;
    case Property::kReceiveMaximum:
    case Property::kTopicAlias:
    case Property::kSubscriptionId:
    case Property::kMaximumPacketSize: return value.number != 0;
    default: return true;
  }
}

}  // namespace

bool PropertyReader::Next(PropertyValue& out) {
  if (reader_.bad() || reader_.empty()) return false;
  const std::uint32_t id = reader_.VarInt();
  if (reader_.bad() || id > 0x2A) {
    reader_.Spoil();
    return false;
  }
  out = PropertyValue();
  out.id = static_cast<Property>(id);
  switch (FormOf(out.id)) {
    case Form::kU8: out.number = reader_.U8(); break;
    case Form::kU16: out.number = reader_.U16(); break;
    case Form::kU32: out.number = reader_.U32(); break;
    case Form::kVar: out.number = reader_.VarInt(); break;
    case Form::kText: out.text = Text(); break;
    case Form::kBinary: out.text = reader_.Binary(); break;
    case Form::kPair:
      out.text = Text();
      out.value = Text();
      break;
    case Form::kNone: reader_.Spoil(); break;
  }
  return !reader_.bad();
}

std::optional<std::string_view> ReadProperties(Reader& reader, PacketType type) {
  const std::uint32_t size = reader.VarInt();
  const std::string_view bytes = reader.Take(size);
  if (reader.bad()) return std::nullopt;
  const std::uint64_t allowed = AllowedIn(type);
  std::uint64_t seen = 0;
  PropertyReader properties(bytes);
  PropertyValue value;
  while (properties.Next(value)) {
    const std::uint64_t bit = Bit(value.id);
    if ((allowed & bit) == 0 || !IsAllowedValue(value)) return std::nullopt;
    // Only these two may come again, as often as the packet has room: whoever publishes chooses.
    const bool again = value.id == Property::kUserProperty || value.id == Property::kSubscriptionId;
    if (!again && (seen & bit) != 0) return std::nullopt;
    seen |= bit;
  }
  if (properties.bad()) return std::nullopt;
  return bytes;
}

void PutNumber8(std::string& out, Property id, std::uint8_t value) {
  PutU8(out, static_cast<std::uint8_t>(id));
  PutU8(out, value);
}

void PutNumber16(std::string& out, Property id, std::uint16_t value) {
  PutU8(out, static_cast<std::uint8_t>(id));
  PutU16(out, value);
}

void PutNumber32(std::string& out, Property id, std::uint32_t value) {
  PutU8(out, static_cast<std::uint8_t>(id));
  PutU32(out, value);
}

void PutVarNumber(std::string& out, Property id, std::uint32_t value) {
  PutU8(out, static_cast<std::uint8_t>(id));
  PutVarInt(out, value);
}

void PutText(std::string& out, Property id, std::string_view text) {
  PutU8(out, static_cast<std::uint8_t>(id));
  PutBinary(out, text);
}

void PutUserProperty(std::string& out, std::string_view name, std::string_view value) {
  PutU8(out, static_cast<std::uint8_t>(Property::kUserProperty));
  PutBinary(out, name);
  PutBinary(out, value);
}

}  // namespace tidegate::mqtt5
