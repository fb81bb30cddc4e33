#include "connectors/rabbitmq/frame.h"

namespace tidegate::rabbitmq {
namespace {

constexpr std::size_t kHeadBytes = 7;

Status Broken(std::string_view cause) {
  return MakeError(ErrorClass::kConnectionClosed,
                   "rabbitmq: the server sent no AMQP frame: " + std::string(cause));
}

bool IsFrameType(std::uint8_t type) {
  return (type >= 1 && type <= 3) || type == static_cast<std::uint8_t>(FrameType::kHeartbeat);
}

}  // namespace

std::uint16_t Read16(const char* at) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(at);
  return static_cast<std::uint16_t>((bytes[0] << 8) | bytes[1]);
}

std::uint32_t Read32(const char* at) {
  return (std::uint32_t{Read16(at)} << 16) | Read16(at + 2);
}

std::uint64_t Read64(const char* at) {
  return (std::uint64_t{Read32(at)} << 32) | Read32(at + 4);
}

void FrameReader::Append(std::span<const char> bytes) {
  if (begin_ == buffer_.size()) {
    buffer_.clear();
    begin_ = 0;
  } else if (begin_ > 0) {
    buffer_.erase(0, begin_);  // at most one frame is left over
    begin_ = 0;
  }
  buffer_.append(bytes.data(), bytes.size());
}

StatusOr<std::optional<Frame>> FrameReader::Next() {
  const std::size_t left = buffer_.size() - begin_;
  const char* at = buffer_.data() + begin_;
  if (left == 0) return std::optional<Frame>();
  const auto type = static_cast<std::uint8_t>(at[0]);
  if (!IsFrameType(type)) {
    // A server that does not speak 0-9-1 answers with the header of what it speaks.
    if (at[0] == 'A') return Broken("it speaks another version of the protocol");
    return Broken("unknown type");
  }
  if (left < kHeadBytes) return std::optional<Frame>();
  const std::uint32_t size = Read32(at + 3);
  if (size > frame_max_ - kFrameOverhead) return Broken("larger than agreed");
  if (left < size + kFrameOverhead) return std::optional<Frame>();
  if (static_cast<unsigned char>(at[kHeadBytes + size]) != kFrameEnd) {
    return Broken("its end is missing");
  }
  Frame frame;
  frame.type = static_cast<FrameType>(type);
  frame.channel = Read16(at + 1);
  frame.payload = std::string_view(at + kHeadBytes, size);
  begin_ += size + kFrameOverhead;
  return std::optional<Frame>(frame);
}

}  // namespace tidegate::rabbitmq
