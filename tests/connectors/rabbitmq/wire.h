// Bytes as a broker sends them, written by hand: an encoder of its own, so that ours is not its own
// judge.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidegate::rabbitmq::wire {

inline std::string U8(unsigned value) { return std::string(1, static_cast<char>(value)); }
inline std::string U16(unsigned value) { return U8(value >> 8) + U8(value & 255); }
inline std::string U32(std::uint32_t value) { return U16(value >> 16) + U16(value & 0xFFFF); }
inline std::string U64(std::uint64_t value) {
  return U32(static_cast<std::uint32_t>(value >> 32)) + U32(static_cast<std::uint32_t>(value));
}
inline std::string Short(std::string_view text) {
  return U8(static_cast<unsigned>(text.size())) + std::string(text);
}
inline std::string Long(std::string_view text) {
  return U32(static_cast<std::uint32_t>(text.size())) + std::string(text);
}
inline std::string Frame(unsigned type, unsigned channel, std::string_view payload) {
  return U8(type) + U16(channel) + Long(payload) + U8(206);
}
inline std::string Method(unsigned channel, std::uint32_t id, std::string_view arguments) {
  return Frame(1, channel, U32(id) + std::string(arguments));
}
// A basic.* header frame: `properties` from the flags on.
inline std::string Header(unsigned channel, std::uint64_t size, std::string_view properties) {
  return Frame(2, channel, U16(60) + U16(0) + U64(size) + std::string(properties));
}
inline std::string Body(unsigned channel, std::string_view bytes) {
  return Frame(3, channel, bytes);
}
// A value of kind S, A or F: `bytes` behind its length.
inline std::string Value(char kind, std::string_view bytes) {
  return U8(static_cast<unsigned char>(kind)) + Long(bytes);
}
// One entry of a table: `value` with its kind in front.
inline std::string Entry(std::string_view name, std::string_view value) {
  return Short(name) + std::string(value);
}
inline const std::string kNoProperties = U16(0);

// What a broker says at login.
inline std::string Start(std::string_view mechanisms = "AMQPLAIN PLAIN") {
  return Method(0, 0x000A000A, U8(0) + U8(9) + Long("") + Long(mechanisms) + Long("en_US"));
}
inline std::string Tune(unsigned channels = 2047, std::uint32_t frame = 131072,
                        unsigned heartbeat = 60) {
  return Method(0, 0x000A001E, U16(channels) + U32(frame) + U16(heartbeat));
}
inline std::string OpenOk() { return Method(0, 0x000A0029, Short("")); }
inline std::string Close(unsigned code, std::string_view text) {
  return Method(0, 0x000A0032, U16(code) + Short(text) + U16(0) + U16(0));
}
inline std::string ChannelOpenOk(unsigned channel) { return Method(channel, 0x0014000B, Long("")); }
inline std::string ChannelClose(unsigned channel, unsigned code, std::string_view text,
                                std::uint32_t cause) {
  return Method(channel, 0x00140028, U16(code) + Short(text) + U32(cause));
}
inline std::string Deliver(unsigned channel, std::uint64_t tag, bool redelivered,
                           std::string_view exchange, std::string_view key) {
  return Method(channel, 0x003C003C,
                Short("ctag") + U64(tag) + U8(redelivered ? 1 : 0) + Short(exchange) + Short(key));
}
inline std::string Ack(unsigned channel, std::uint64_t tag, bool multiple) {
  return Method(channel, 0x003C0050, U64(tag) + U8(multiple ? 1 : 0));
}

}  // namespace tidegate::rabbitmq::wire
