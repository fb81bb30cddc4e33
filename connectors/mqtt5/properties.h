// The properties of MQTT 5 packets (section 2.2.2), decoded with every rule of the table: which
// packet may carry which, and what may stand there only once.
//
// Thread: pure. Owner: views into the bytes they were decoded from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/mqtt5/wire.h"

namespace tidegate::mqtt5 {

enum class Property : std::uint8_t {
  kPayloadFormat = 0x01,
  kMessageExpiry = 0x02,
  kContentType = 0x03,
  kResponseTopic = 0x08,
  kCorrelationData = 0x09,
  kSubscriptionId = 0x0B,
  kSessionExpiry = 0x11,
  kAssignedClientId = 0x12,
  kServerKeepAlive = 0x13,
  kAuthMethod = 0x15,
  kAuthData = 0x16,
  kRequestProblemInfo = 0x17,
  kWillDelay = 0x18,
  kRequestResponseInfo = 0x19,
  kResponseInfo = 0x1A,
  kServerReference = 0x1C,
  kReasonString = 0x1F,
  kReceiveMaximum = 0x21,
  kTopicAliasMaximum = 0x22,
  kTopicAlias = 0x23,
  kMaximumQos = 0x24,
  kRetainAvailable = 0x25,
  kUserProperty = 0x26,
  kMaximumPacketSize = 0x27,
  kWildcardAvailable = 0x28,
  kSubscriptionIdAvailable = 0x29,
  kSharedAvailable = 0x2A,
};

// One property as it stands: a number or a text (a user property: both texts).
struct PropertyValue {
  Property id = Property::kPayloadFormat;
  std::uint32_t number = 0;
  std::string_view text;   // also the name of a user property
  std::string_view value;  // of a user property
};

// Goes through the bytes of a property list (without its length). `checked`: they went through
// ReadProperties before, so texts are not looked at again (and may have become bytes).
class PropertyReader {
 public:
  explicit PropertyReader(std::string_view bytes, bool checked = false)
      : reader_(bytes), checked_(checked) {}
  // False at the end, or when the bytes are malformed: bad() tells.
  bool Next(PropertyValue& out);
  bool bad() const { return reader_.bad(); }
  std::size_t left() const { return reader_.left(); }

 private:
  std::string_view Text() { return checked_ ? reader_.Binary() : reader_.Text(); }
  Reader reader_;
  const bool checked_;
};

enum class PacketType : std::uint8_t {
  kConnect = 1,
  kConnack = 2,
  kPublish = 3,
  kPuback = 4,
  kPubrec = 5,
  kPubrel = 6,
  kPubcomp = 7,
  kSubscribe = 8,
  kSuback = 9,
  kUnsubscribe = 10,
  kUnsuback = 11,
  kPingreq = 12,
  kPingresp = 13,
  kDisconnect = 14,
  kAuth = 15,
};

// The bytes of the list at the head of `reader`, checked for a packet of `type`; nullopt when
// malformed, not allowed there, or given twice.
std::optional<std::string_view> ReadProperties(Reader& reader, PacketType type);

void PutNumber8(std::string& out, Property id, std::uint8_t value);
void PutNumber16(std::string& out, Property id, std::uint16_t value);
void PutNumber32(std::string& out, Property id, std::uint32_t value);
void PutVarNumber(std::string& out, Property id, std::uint32_t value);
void PutText(std::string& out, Property id, std::string_view text);
void PutUserProperty(std::string& out, std::string_view name, std::string_view value);

}  // namespace tidegate::mqtt5
