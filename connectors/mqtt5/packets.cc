#include "connectors/mqtt5/packets.h"

#include "server/base/check.h"

namespace tidegate::mqtt5 {
namespace {

constexpr std::uint8_t First(PacketType type, unsigned flags) {
  return static_cast<std::uint8_t>((static_cast<unsigned>(type) << 4) | flags);
}

void PutPacket(std::string& out, std::uint8_t first, std::string_view body) {
  PutU8(out, first);
  PutVarInt(out, static_cast<std::uint32_t>(body.size()));
  out.append(body);
}

void PutProperties(std::string& out, std::string_view properties) {
  PutVarInt(out, static_cast<std::uint32_t>(properties.size()));
  out.append(properties);
}

void Apply(const PropertyValue& value, Connack& out) {
  switch (value.id) {
    case Property::kSessionExpiry: out.session_expiry = value.number; break;
    case Property::kReceiveMaximum:
      out.receive_maximum = static_cast<std::uint16_t>(value.number);
      break;
    case Property::kMaximumQos: out.maximum_qos = static_cast<std::uint8_t>(value.number); break;
    case Property::kRetainAvailable: out.retain_available = value.number != 0; break;
    case Property::kMaximumPacketSize: out.packet_bytes_max = value.number; break;
    case Property::kAssignedClientId: out.assigned_client_id = std::string(value.text); break;
    case Property::kWildcardAvailable: out.wildcard_available = value.number != 0; break;
    case Property::kSubscriptionIdAvailable:
      out.subscription_id_available = value.number != 0;
      break;
    case Property::kSharedAvailable: out.shared_available = value.number != 0; break;
    case Property::kServerKeepAlive:
      out.server_keep_alive = static_cast<std::uint16_t>(value.number);
      break;
    case Property::kReasonString: out.reason_text = std::string(value.text); break;
    case Property::kServerReference: out.server_reference = std::string(value.text); break;
    default: break;
  }
}

}  // namespace

void EncodeConnect(std::string& out, const Connect& packet) {
  std::string properties;
  if (packet.session_expiry != 0) {
    PutNumber32(properties, Property::kSessionExpiry, packet.session_expiry);
  }
  if (packet.receive_maximum != 0) {
    PutNumber16(properties, Property::kReceiveMaximum, packet.receive_maximum);
  }
  if (packet.packet_bytes_max != 0) {
    PutNumber32(properties, Property::kMaximumPacketSize, packet.packet_bytes_max);
  }
  if (packet.topic_alias_maximum != 0) {
    PutNumber16(properties, Property::kTopicAliasMaximum, packet.topic_alias_maximum);
  }
  std::uint8_t flags = packet.clean_start ? 0x02 : 0;
  if (packet.username) flags |= 0x80;
  if (packet.password) flags |= 0x40;
  std::string body;
  PutBinary(body, "MQTT");
  PutU8(body, 5);
  PutU8(body, flags);
  PutU16(body, packet.keep_alive);
  PutProperties(body, properties);
  PutBinary(body, packet.client_id);
  if (packet.username) PutBinary(body, *packet.username);
  if (packet.password) PutBinary(body, *packet.password);
  PutPacket(out, First(PacketType::kConnect, 0), body);
}

std::optional<Connack> DecodeConnack(std::uint8_t first, std::string_view body) {
  if (first != First(PacketType::kConnack, 0)) return std::nullopt;
  Reader reader(body);
  Connack packet;
  const std::uint8_t flags = reader.U8();
  packet.reason = reader.U8();
  if (reader.bad() || (flags & 0xFEU) != 0) return std::nullopt;
  packet.session_present = (flags & 1U) != 0;
  // A server that speaks an older version refuses with its two bytes alone.
  if (reader.empty() && packet.reason != 0) return packet;
  const auto properties = ReadProperties(reader, PacketType::kConnack);
  if (!properties || !reader.empty()) return std::nullopt;
  PropertyReader list(*properties, true);
  PropertyValue value;
  while (list.Next(value)) Apply(value, packet);
  return packet;
}

std::optional<Publish> DecodePublish(std::uint8_t first, std::string_view body) {
  if (TypeOf(first) != PacketType::kPublish) return std::nullopt;
  Publish packet;
  packet.dup = (first & 0x08U) != 0;
  packet.retain = (first & 0x01U) != 0;
  packet.qos = (first >> 1) & 3U;
  if (packet.qos > 1 || (packet.qos == 0 && packet.dup)) return std::nullopt;
  Reader reader(body);
  packet.topic = reader.Text();
  if (packet.qos > 0) {
    packet.packet_id = reader.U16();
    if (packet.packet_id == 0) return std::nullopt;
  }
  const auto properties = ReadProperties(reader, PacketType::kPublish);
  if (!properties) return std::nullopt;
  packet.properties = *properties;
  PropertyReader list(*properties, true);
  PropertyValue value;
  while (list.Next(value)) {
    if (value.id == Property::kTopicAlias) {
      packet.topic_alias = static_cast<std::uint16_t>(value.number);
    }
  }
  if (packet.topic.empty() && packet.topic_alias == 0) return std::nullopt;
  if (packet.topic.find_first_of("+#") != std::string_view::npos) return std::nullopt;
  packet.payload = reader.Rest();
  return packet;
}

std::size_t SizeOf(const PublishOut& packet) {
  const std::size_t body = 2 + packet.topic.size() + 2 +
                           VarIntSize(static_cast<std::uint32_t>(packet.properties.size())) +
                           packet.properties.size() + packet.payload.size();
  return 1 + VarIntSize(static_cast<std::uint32_t>(body)) + body;
}

void EncodePublish(std::string& out, const PublishOut& packet) {
  TG_CHECK(packet.packet_id != 0);
  const auto properties = static_cast<std::uint32_t>(packet.properties.size());
  const std::size_t body = 2 + packet.topic.size() + 2 + VarIntSize(properties) +
                           packet.properties.size() + packet.payload.size();
  PutU8(out, First(PacketType::kPublish, packet.retain ? 0x03 : 0x02));
  PutVarInt(out, static_cast<std::uint32_t>(body));
  PutBinary(out, packet.topic);
  PutU16(out, packet.packet_id);
  PutProperties(out, packet.properties);
  out.append(packet.payload);
}

std::optional<Puback> DecodePuback(std::uint8_t first, std::string_view body) {
  if (first != First(PacketType::kPuback, 0)) return std::nullopt;
  Reader reader(body);
  Puback packet;
  packet.packet_id = reader.U16();
  if (reader.bad() || packet.packet_id == 0) return std::nullopt;
  if (reader.empty()) return packet;  // success, in its short form
  packet.reason = reader.U8();
  if (reader.empty()) return packet;
  const auto properties = ReadProperties(reader, PacketType::kPuback);
  if (!properties || !reader.empty()) return std::nullopt;
  PropertyReader list(*properties, true);
  PropertyValue value;
  while (list.Next(value)) {
    if (value.id == Property::kReasonString) packet.reason_text = value.text;
  }
  return packet;
}

void EncodePuback(std::string& out, std::uint16_t packet_id, std::uint8_t reason) {
  PutU8(out, First(PacketType::kPuback, 0));
  PutU8(out, reason == 0 ? 2 : 3);
  PutU16(out, packet_id);
  if (reason != 0) PutU8(out, reason);
}

void EncodeSubscribe(std::string& out, const Subscribe& packet) {
  std::string properties;
  if (packet.subscription_id != 0) {
    PutVarNumber(properties, Property::kSubscriptionId, packet.subscription_id);
  }
  std::string body;
  PutU16(body, packet.packet_id);
  PutProperties(body, properties);
  PutBinary(body, packet.filter);
  PutU8(body, static_cast<std::uint8_t>(packet.qos | (packet.retain_handling << 4)));
  PutPacket(out, First(PacketType::kSubscribe, 2), body);
}

void EncodeUnsubscribe(std::string& out, std::uint16_t packet_id,
                       std::span<const std::string> filters) {
  std::string body;
  PutU16(body, packet_id);
  PutProperties(body, "");
  for (const std::string& filter : filters) PutBinary(body, filter);
  PutPacket(out, First(PacketType::kUnsubscribe, 2), body);
}

std::optional<Suback> DecodeSuback(std::uint8_t first, std::string_view body) {
  const PacketType type = TypeOf(first);
  if ((first & 0x0FU) != 0 || (type != PacketType::kSuback && type != PacketType::kUnsuback)) {
    return std::nullopt;
  }
  Reader reader(body);
  Suback packet;
  packet.packet_id = reader.U16();
  const auto properties = ReadProperties(reader, type);
  if (!properties || packet.packet_id == 0 || reader.empty()) return std::nullopt;
  PropertyReader list(*properties, true);
  PropertyValue value;
  while (list.Next(value)) {
    if (value.id == Property::kReasonString) packet.reason_text = value.text;
  }
  packet.reasons = reader.Rest();
  return packet;
}

std::optional<Disconnect> DecodeDisconnect(std::uint8_t first, std::string_view body) {
  if (first != First(PacketType::kDisconnect, 0)) return std::nullopt;
  Disconnect packet;
  Reader reader(body);
  if (reader.empty()) return packet;
  packet.reason = reader.U8();
  if (reader.empty()) return packet;
  const auto properties = ReadProperties(reader, PacketType::kDisconnect);
  if (!properties || !reader.empty()) return std::nullopt;
  PropertyReader list(*properties, true);
  PropertyValue value;
  while (list.Next(value)) {
    if (value.id == Property::kReasonString) packet.reason_text = value.text;
    if (value.id == Property::kServerReference) packet.server_reference = value.text;
  }
  return packet;
}

void EncodeDisconnect(std::string& out, std::uint8_t reason) {
  PutU8(out, First(PacketType::kDisconnect, 0));
  PutU8(out, reason == 0 ? 0 : 1);
  if (reason != 0) PutU8(out, reason);
}

void EncodePingreq(std::string& out) {
  PutU8(out, First(PacketType::kPingreq, 0));
  PutU8(out, 0);
}

}  // namespace tidegate::mqtt5
