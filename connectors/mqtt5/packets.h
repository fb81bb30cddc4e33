// The packets of MQTT 5 as a client sends and receives them (section 3), up to QoS 1.
//
// Thread: pure. Owner: decoded packets hold views into the bytes; encoders append to `out`.
// Fails: decoders by nullopt, for anything that the specification calls malformed or that a client
// may not be sent; encoders never: callers keep their texts within 65535 bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/mqtt5/properties.h"

namespace tidegate::mqtt5 {

struct Connect {
  std::string client_id;
  bool clean_start = true;
  std::uint16_t keep_alive = 0;
  std::uint32_t session_expiry = 0;   // seconds; 0xFFFFFFFF: never
  std::uint16_t receive_maximum = 0;  // 0: not said
  std::uint32_t packet_bytes_max = 0;
  std::uint16_t topic_alias_maximum = 0;
  std::optional<std::string> username;
  std::optional<std::string> password;
};
void EncodeConnect(std::string& out, const Connect& packet);

struct Connack {
  bool session_present = false;
  std::uint8_t reason = 0;
  std::optional<std::uint32_t> session_expiry;
  std::uint16_t receive_maximum = 65535;
  std::uint8_t maximum_qos = 2;
  bool retain_available = true;
  std::uint32_t packet_bytes_max = 0;  // 0: no limit
  std::string assigned_client_id;
  bool wildcard_available = true;
  bool subscription_id_available = true;
  bool shared_available = true;
  std::optional<std::uint16_t> server_keep_alive;
  std::string reason_text;
  std::string server_reference;
};
std::optional<Connack> DecodeConnack(std::uint8_t first, std::string_view body);

// What came in. `topic` is empty where an alias stands for it.
struct Publish {
  bool dup = false;
  bool retain = false;
  std::uint8_t qos = 0;
  std::uint16_t packet_id = 0;
  std::uint16_t topic_alias = 0;
  std::string_view topic;
  std::string_view properties;  // checked
  std::string_view payload;
};
std::optional<Publish> DecodePublish(std::uint8_t first, std::string_view body);

// What goes out, at QoS 1; `properties` is encoded already.
struct PublishOut {
  std::uint16_t packet_id = 0;
  bool retain = false;
  std::string_view topic;
  std::string_view properties;
  std::string_view payload;
};
std::size_t SizeOf(const PublishOut& packet);
void EncodePublish(std::string& out, const PublishOut& packet);

// PUBACK, both ways.
struct Puback {
  std::uint16_t packet_id = 0;
  std::uint8_t reason = 0;
  std::string_view reason_text;
};
std::optional<Puback> DecodePuback(std::uint8_t first, std::string_view body);
void EncodePuback(std::string& out, std::uint16_t packet_id, std::uint8_t reason);

struct Subscribe {
  std::uint16_t packet_id = 0;
  std::uint32_t subscription_id = 0;  // 0: none
  std::uint8_t qos = 0;
  std::uint8_t retain_handling = 0;
  std::string_view filter;
};
void EncodeSubscribe(std::string& out, const Subscribe& packet);
void EncodeUnsubscribe(std::string& out, std::uint16_t packet_id,
                       std::span<const std::string> filters);

// SUBACK and UNSUBACK: the reasons in the order of the filters.
struct Suback {
  std::uint16_t packet_id = 0;
  std::string_view reasons;
  std::string_view reason_text;
};
std::optional<Suback> DecodeSuback(std::uint8_t first, std::string_view body);

struct Disconnect {
  std::uint8_t reason = 0;
  std::string_view reason_text;
  std::string_view server_reference;
};
std::optional<Disconnect> DecodeDisconnect(std::uint8_t first, std::string_view body);
void EncodeDisconnect(std::string& out, std::uint8_t reason);

void EncodePingreq(std::string& out);

inline PacketType TypeOf(std::uint8_t first) { return static_cast<PacketType>(first >> 4); }

}  // namespace tidegate::mqtt5
