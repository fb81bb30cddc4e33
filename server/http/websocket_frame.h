// WebSocket frames (RFC 6455 §5) as functions of bytes: the server side's decoder and encoders.
//
// The decoder joins fragments, checks masks, lengths, opcodes, UTF-8 and close codes, and enforces
// limits; it never writes. The caller answers pings with pongs and errors with a close frame of the
// given code. Encoded frames of a server are not masked: one frame serves all sockets.
// No extensions are negotiated, so any RSV bit is an error.
// Thread: the connection's worker. Owner: the session. Fails: Event::kError with a close code; the
// decoder then stays failed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/base/task.h"
#include "server/http/utf8_validator.h"

namespace tidegate::http {

enum class Opcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

// Close codes that this gateway sends or reads.
inline constexpr std::uint16_t kCloseNormal = 1000;
inline constexpr std::uint16_t kCloseGoingAway = 1001;
inline constexpr std::uint16_t kCloseProtocol = 1002;
inline constexpr std::uint16_t kCloseNoCode = 1005;  // never on the wire
inline constexpr std::uint16_t kCloseBadData = 1007;
inline constexpr std::uint16_t kClosePolicy = 1008;
inline constexpr std::uint16_t kCloseTooBig = 1009;
inline constexpr std::uint16_t kCloseError = 1011;
inline constexpr std::uint16_t kCloseTryLater = 1013;

struct WebSocketLimits {
  std::size_t frame_bytes = 64 * 1024;      // 1009
  std::size_t message_bytes = 256 * 1024;   // 1009
  std::uint32_t fragments = 64;             // per message; 1008
  std::uint32_t empty_fragments = 16;       // in a row; 1008
  std::uint32_t controls_per_second = 50;   // 1008
};

class WebSocketDecoder {
 public:
  enum class Event : std::uint8_t { kNeedMore, kMessage, kPing, kPong, kClose, kError };
  struct Step {
    std::size_t consumed = 0;
    Event event = Event::kNeedMore;
    Opcode opcode = Opcode::kText;   // of a message
    std::string_view payload;        // valid until the next Feed; a close's reason
    std::uint16_t close_code = 0;    // kClose: the peer's (1005: none given); kError: to be sent
  };

  explicit WebSocketDecoder(WebSocketLimits limits = WebSocketLimits()) : limits_(limits) {}

  // Deals with the front of `input`, which is unmasked in place. Returns after at most one event;
  // call again with the rest until kNeedMore, kClose or kError.
  Step Feed(std::span<char> input, TimePoint now);

 private:
  Step Fail(std::size_t consumed, std::uint16_t code, std::string_view text);
  // kNeedMore until the header is complete; then the frame's fields are set.
  bool TakeHeader(std::span<char> input, std::size_t& at);
  std::uint16_t JudgeHeader(TimePoint now);  // 0: fine
  std::uint16_t JudgeData();
  std::uint16_t JudgeControl(TimePoint now);
  Step FinishControl(std::size_t consumed);
  Step FinishData(std::size_t consumed, std::string_view direct);
  void Unmask(std::span<char> bytes);

  WebSocketLimits limits_;
  std::array<std::uint8_t, 14> header_{};
  std::uint8_t header_size_ = 0;
  bool in_payload_ = false;
  bool failed_ = false;
  bool fin_ = false;
  Opcode frame_opcode_ = Opcode::kContinuation;
  std::array<std::uint8_t, 4> mask_{};
  std::uint64_t payload_size_ = 0;
  std::uint64_t payload_done_ = 0;

  bool in_message_ = false;  // a data message has begun and not ended
  Opcode message_opcode_ = Opcode::kText;
  std::string message_;
  bool message_given_ = false;  // message_ was handed out by the last Feed
  std::uint32_t fragments_ = 0;
  std::uint32_t empty_in_a_row_ = 0;
  Utf8Validator utf8_;
  std::array<char, 125> control_{};
  TimePoint control_window_{};
  std::uint32_t controls_ = 0;
  std::string_view error_;
};

bool IsValidCloseCode(std::uint16_t code);

// Server frames: not masked.
void AppendWebSocketFrame(std::string& out, Opcode opcode, std::string_view payload,
                          bool fin = true);
// `reason` is cut to what fits, at a character's end. kCloseNoCode sends an empty payload.
void AppendWebSocketClose(std::string& out, std::uint16_t code, std::string_view reason);
// Client frames, for tests and upstreams.
void AppendMaskedWebSocketFrame(std::string& out, Opcode opcode, std::string_view payload,
                                std::uint32_t mask, bool fin = true);

}  // namespace tidegate::http
