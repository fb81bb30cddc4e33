// MQTT 5 as far as the floors need it: packets of QoS 1 without properties.
//
// Thread: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tidegate::bench::mqtt {

// Packet types with their flags (MQTT 5, 2.1).
enum PacketType : unsigned char {
  kConnect = 0x10,
  kConnack = 0x20,
  kPublish = 0x30,
  kPuback = 0x40,
  kSubscribe = 0x82,
  kSuback = 0x90,
};

inline void PutLength(std::string& out, std::size_t length) {
  do {
    out += static_cast<char>(length % 128 | (length >= 128 ? 128 : 0));
    length /= 128;
  } while (length > 0);
}

inline void PutText(std::string& out, std::string_view text) {
  out += static_cast<char>(text.size() >> 8);
  out += static_cast<char>(text.size());
  out += text;
}

struct Packet {
  unsigned char head = 0;
  std::string_view rest;
};

// Takes a whole packet off the front; false when there is none yet.
inline bool TakePacket(std::string_view& bytes, Packet& packet) {
  std::size_t length = 0;
  for (std::size_t i = 1; i < bytes.size() && i < 5; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    length |= static_cast<std::size_t>(byte & 127) << 7 * (i - 1);
    if ((byte & 128) != 0) continue;
    if (bytes.size() < i + 1 + length) return false;
    packet.head = static_cast<unsigned char>(bytes[0]);
    packet.rest = bytes.substr(i + 1, length);
    bytes.remove_prefix(i + 1 + length);
    return true;
  }
  return false;
}

// CONNECT: clean start, no keep-alive, an identifier by the broker, no properties.
inline constexpr std::string_view kHello("\x10\x0d\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x00", 15);

}  // namespace tidegate::bench::mqtt
