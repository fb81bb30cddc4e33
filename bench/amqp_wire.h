// AMQP 0-9-1 (specification 2.3 and 4.2) as far as a publisher with confirms and its stand-in for a
// broker need it: numbers are big-endian, a frame is type, channel, size, payload and 0xCE.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidegate::bench::amqp {

enum FrameType : unsigned { kMethod = 1, kHeader = 2, kBody = 3, kHeartbeat = 8 };

// Class and method, as they stand in front of a method's arguments.
enum MethodId : std::uint32_t {
  kStart = 0x000A000A,
  kStartOk = 0x000A000B,
  kTune = 0x000A001E,
  kTuneOk = 0x000A001F,
  kOpen = 0x000A0028,
  kOpenOk = 0x000A0029,
  kClose = 0x000A0032,
  kCloseOk = 0x000A0033,
  kChannelOpen = 0x0014000A,
  kChannelOpenOk = 0x0014000B,
  kChannelClose = 0x00140028,
  kChannelCloseOk = 0x00140029,
  kExchangeDeclare = 0x0028000A,
  kExchangeDeclareOk = 0x0028000B,
  kPublish = 0x003C0028,
  kAck = 0x003C0050,
  kNack = 0x003C0078,
  kConfirmSelect = 0x0055000A,
  kConfirmSelectOk = 0x0055000B,
};

inline constexpr std::size_t kFrameHead = 7;
inline constexpr std::string_view kGreeting("AMQP\0\0\x09\x01", 8);

inline void Put(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift);
  }
}

inline std::uint64_t Get(const char* at, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

inline void PutShort(std::string& out, std::string_view text) {
  Put(out, text.size(), 1);
  out += text;
}

inline void PutLong(std::string& out, std::string_view text) {
  Put(out, text.size(), 4);
  out += text;
}

inline void PutFrame(std::string& out, FrameType type, unsigned channel, std::string_view payload) {
  Put(out, type, 1);
  Put(out, channel, 2);
  PutLong(out, payload);
  out += '\xCE';
}

inline void PutMethod(std::string& out, unsigned channel, MethodId id,
                      std::string_view arguments = {}) {
  std::string payload;
  Put(payload, id, 4);
  payload += arguments;
  PutFrame(out, kMethod, channel, payload);
}

struct Frame {
  unsigned type = 0;
  unsigned channel = 0;
  std::string_view payload;

  std::uint32_t method() const {
    return type == kMethod && payload.size() >= 4
               ? static_cast<std::uint32_t>(Get(payload.data(), 4))
               : 0;
  }
};

// Takes a whole frame off the front of `bytes`; false when there is none yet.
inline bool TakeFrame(std::string_view& bytes, Frame& frame) {
  if (bytes.size() < kFrameHead) return false;
  const std::size_t size = Get(bytes.data() + 3, 4);
  if (bytes.size() < kFrameHead + size + 1) return false;
  frame.type = static_cast<unsigned char>(bytes[0]);
  frame.channel = static_cast<unsigned>(Get(bytes.data() + 1, 2));
  frame.payload = bytes.substr(kFrameHead, size);
  bytes.remove_prefix(kFrameHead + size + 1);
  return true;
}

}  // namespace tidegate::bench::amqp
