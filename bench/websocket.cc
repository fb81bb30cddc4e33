#include "bench/websocket.h"

#include <algorithm>

namespace tidegate::bench {

std::string HandshakeLines() {
  // The key need not be random: it guards caches between, and there are none on the loopback.
  return "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGlkZWdhdGUtYmVuY2gtMQ==\r\n";
}

std::string ClientFrame(int opcode, std::string_view payload) {
  constexpr char kMask[4] = {0x12, 0x5a, 0x33, 0x41};
  std::string frame(1, static_cast<char>(0x80 | opcode));
  const std::size_t size = payload.size();
  if (size < 126) {
    frame += static_cast<char>(0x80 | size);
  } else {
    const int bytes = size <= 0xffff ? 2 : 8;
    frame += static_cast<char>(0x80 | (bytes == 2 ? 126 : 127));
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
      frame += static_cast<char>((size >> shift) & 0xff);
    }
  }
  frame.append(kMask, sizeof kMask);
  for (std::size_t index = 0; index < size; ++index) {
    frame += static_cast<char>(payload[index] ^ kMask[index % 4]);
  }
  return frame;
}

// Takes bytes until the header is whole; true then.
bool FrameWalker::ReadHeader(std::string_view& bytes) {
  std::size_t needed = 2;
  while (true) {
    if (header_.size() >= 2) {
      const int length = header_[1] & 0x7f;
      needed = length == 126 ? 4 : length == 127 ? 10 : 2;
    }
    if (header_.size() >= needed) break;
    if (bytes.empty()) return false;
    header_ += bytes.front();
    bytes.remove_prefix(1);
  }
  left_ = static_cast<unsigned char>(header_[1]) & 0x7f;
  if (needed > 2) {
    left_ = 0;
    for (std::size_t index = 2; index < needed; ++index) {
      left_ = left_ << 8 | static_cast<unsigned char>(header_[index]);
    }
  }
  return true;
}

bool FrameWalker::Feed(std::string_view bytes, const OnControl& on_control) {
  while (!bytes.empty() || in_payload_) {
    if (!in_payload_) {
      if (!ReadHeader(bytes)) return true;
      if ((header_[1] & 0x80) != 0) return false;  // a server never masks
      opcode_ = header_[0] & 0x0f;
      if (opcode_ >= kOpcodeClose && left_ > 125) return false;
      header_.clear();
      control_.clear();
      in_payload_ = true;
    }
    const std::size_t taken = std::min<std::uint64_t>(left_, bytes.size());
    if (opcode_ >= kOpcodeClose) control_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    left_ -= taken;
    if (left_ > 0) return true;
    in_payload_ = false;
    if (opcode_ >= kOpcodeClose) on_control(opcode_, control_);
  }
  return true;
}

}  // namespace tidegate::bench
