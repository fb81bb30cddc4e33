// The client's side of RFC 6455, as far as a generator needs it: the handshake's request, masked
// frames out, and a walk over frames in that finds pings and closes.
//
// Thread: one. Fails: a frame that breaks the rules makes Feed return false.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tidegate::bench {

constexpr int kOpcodeText = 1;
constexpr int kOpcodeClose = 8;
constexpr int kOpcodePing = 9;
constexpr int kOpcodePong = 10;

// Header lines that make a GET request a handshake.
std::string HandshakeLines();
// One final, masked frame (§5.3: every frame of a client is masked).
std::string ClientFrame(int opcode, std::string_view payload);

// Walks a server's frames as bytes arrive, in pieces of any size.
class FrameWalker {
 public:
  using OnControl = std::function<void(int opcode, std::string_view payload)>;
  bool Feed(std::string_view bytes, const OnControl& on_control);

 private:
  bool ReadHeader(std::string_view& bytes);

  std::string header_;
  std::uint64_t left_ = 0;
  int opcode_ = 0;
  bool in_payload_ = false;
  std::string control_;
};

}  // namespace tidegate::bench
