// What the reason codes of MQTT 5 (section 2.4) mean to us.
// Thread: pure. Fails: never.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/base/status.h"

namespace tidegate::mqtt5 {

inline constexpr std::uint8_t kNoSubscribers = 0x10;
inline constexpr std::uint8_t kUnspecified = 0x80;
inline constexpr std::uint8_t kMalformedPacket = 0x81;
inline constexpr std::uint8_t kProtocolError = 0x82;
inline constexpr std::uint8_t kNotAuthorizedReason = 0x87;
inline constexpr std::uint8_t kSessionTakenOver = 0x8E;
inline constexpr std::uint8_t kPacketTooLarge = 0x95;
inline constexpr std::uint8_t kUseAnotherServer = 0x9C;
inline constexpr std::uint8_t kServerMoved = 0x9D;
inline constexpr std::uint8_t kSharedNotSupported = 0x9E;

std::string_view NameOfReason(std::uint8_t reason);
ErrorClass ClassOfReason(std::uint8_t reason);
// `operation`: the broker's reason (its name, code and, cut and cleaned, its own words). A reason
// that is no failure, said where it ends something, is a ConnectionClosed.
Status ReasonError(std::string_view operation, std::uint8_t reason, std::string_view broker_words);

// Where a server sends its clients: the first address of its reference, `host` or `host:port`.
struct ServerAddress {
  std::string host;
  std::uint16_t port = 0;  // 0: not said
};
ServerAddress FirstReference(std::string_view reference);

}  // namespace tidegate::mqtt5
