// Frames of AMQP 0-9-1 out of a stream of bytes: sans-I/O, bounded by the negotiated frame size.
//
// Thread: one. Owner: Protocol. Fails: ConnectionClosed when the bytes are no frames (unknown type,
// larger than agreed, no end octet) or the server speaks another protocol; then the connection is
// over.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "connectors/rabbitmq/limits.h"
#include "server/base/status.h"

namespace tidegate::rabbitmq {

enum class FrameType : std::uint8_t { kMethod = 1, kHeader = 2, kBody = 3, kHeartbeat = 8 };

inline constexpr std::size_t kFrameOverhead = 8;  // type, channel, size, end octet
inline constexpr unsigned char kFrameEnd = 206;

struct Frame {
  FrameType type = FrameType::kMethod;
  std::uint16_t channel = 0;
  std::string_view payload;  // valid until the next Append
};

class FrameReader {
 public:
  void set_frame_max(std::uint32_t bytes) { frame_max_ = bytes; }
  void Append(std::span<const char> bytes);
  // One whole frame; nullopt: more bytes are needed.
  StatusOr<std::optional<Frame>> Next();

 private:
  std::string buffer_;
  std::size_t begin_ = 0;
  std::uint32_t frame_max_ = kFrameBytes;
};

// Big-endian integers at `at`, which must be there.
std::uint16_t Read16(const char* at);
std::uint32_t Read32(const char* at);
std::uint64_t Read64(const char* at);

}  // namespace tidegate::rabbitmq
