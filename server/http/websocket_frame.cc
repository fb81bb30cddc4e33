#include "server/http/websocket_frame.h"

#include <algorithm>
#include <cstring>

namespace tidegate::http {

namespace {

bool IsControl(Opcode opcode) { return static_cast<std::uint8_t>(opcode) >= 8; }

bool IsKnown(std::uint8_t opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

void AppendHeader(std::string& out, Opcode opcode, std::size_t size, bool fin, bool masked) {
  out.push_back(static_cast<char>((fin ? 0x80 : 0) | static_cast<int>(opcode)));
  const int mask_bit = masked ? 0x80 : 0;
  if (size < 126) {
    out.push_back(static_cast<char>(mask_bit | static_cast<int>(size)));
    return;
  }
  const int bytes = size <= 0xFFFF ? 2 : 8;
  out.push_back(static_cast<char>(mask_bit | (bytes == 2 ? 126 : 127)));
  for (int i = bytes - 1; i >= 0; --i) {
    out.push_back(static_cast<char>((static_cast<std::uint64_t>(size) >> (8 * i)) & 0xFF));
  }
}

}  // namespace

bool IsValidCloseCode(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

WebSocketDecoder::Step WebSocketDecoder::Fail(std::size_t consumed, std::uint16_t code,
                                              std::string_view text) {
  failed_ = true;
  error_ = text;
  Step step;
  step.consumed = consumed;
  step.event = Event::kError;
  step.close_code = code;
  step.payload = text;
  return step;
}

bool WebSocketDecoder::TakeHeader(std::span<char> input, std::size_t& at) {
  for (;;) {
    std::size_t need = 2;
    if (header_size_ >= 2) {
      const int length = header_[1] & 0x7F;
      need += (length == 126 ? 2 : length == 127 ? 8 : 0) + ((header_[1] & 0x80) != 0 ? 4 : 0);
    }
    if (header_size_ >= 2 && header_size_ == need) return true;
    if (at == input.size()) return false;
    header_[header_size_++] = static_cast<std::uint8_t>(input[at++]);
  }
}

std::uint16_t WebSocketDecoder::JudgeHeader(TimePoint now) {
  error_ = "malformed frame";
  if ((header_[0] & 0x70) != 0) return kCloseProtocol;  // RSV without an extension
  const auto opcode = static_cast<std::uint8_t>(header_[0] & 0x0F);
  if (!IsKnown(opcode)) return kCloseProtocol;
  if ((header_[1] & 0x80) == 0) {
    error_ = "frame is not masked";
    return kCloseProtocol;
  }
  fin_ = (header_[0] & 0x80) != 0;
  frame_opcode_ = static_cast<Opcode>(opcode);
  const int length = header_[1] & 0x7F;
  const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  payload_size_ = static_cast<std::uint64_t>(length);
  if (extra > 0) {
    payload_size_ = 0;
    for (std::size_t i = 0; i < extra; ++i) payload_size_ = payload_size_ << 8 | header_[2 + i];
    const bool minimal = extra == 2 ? payload_size_ >= 126 : payload_size_ > 0xFFFF;
    if (!minimal || payload_size_ >> 63 != 0) return kCloseProtocol;
  }
  std::memcpy(mask_.data(), header_.data() + 2 + extra, 4);
  payload_done_ = 0;
  return IsControl(frame_opcode_) ? JudgeControl(now) : JudgeData();
}

std::uint16_t WebSocketDecoder::JudgeControl(TimePoint now) {
  if (!fin_ || payload_size_ > 125) return kCloseProtocol;
  if (now - control_window_ >= std::chrono::seconds(1)) {
    control_window_ = now;
    controls_ = 0;
  }
  error_ = "too many control frames";
  return ++controls_ > limits_.controls_per_second ? kClosePolicy : 0;
}

std::uint16_t WebSocketDecoder::JudgeData() {
  const bool continuation = frame_opcode_ == Opcode::kContinuation;
  if (continuation != in_message_) {
    error_ = "fragments out of order";
    return kCloseProtocol;
  }
  if (!continuation) {
    message_opcode_ = frame_opcode_;
    message_.clear();
    fragments_ = empty_in_a_row_ = 0;
    utf8_.Reset();
    in_message_ = true;
  }
  error_ = "message is too big";
  if (payload_size_ > limits_.frame_bytes ||
      payload_size_ + message_.size() > limits_.message_bytes) {
    return kCloseTooBig;
  }
  error_ = "too many fragments";
  empty_in_a_row_ = payload_size_ == 0 ? empty_in_a_row_ + 1 : 0;
  if (++fragments_ > limits_.fragments || empty_in_a_row_ > limits_.empty_fragments) {
    return kClosePolicy;
  }
  return 0;
}

void WebSocketDecoder::Unmask(std::span<char> bytes) {
  std::array<std::uint8_t, 8> key;
  for (std::size_t i = 0; i < 8; ++i) key[i] = mask_[(payload_done_ + i) & 3];
  std::uint64_t wide;
  std::memcpy(&wide, key.data(), 8);
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    word ^= wide;
    std::memcpy(bytes.data() + i, &word, 8);
  }
  for (; i < bytes.size(); ++i) bytes[i] = static_cast<char>(bytes[i] ^ key[i & 7]);
  payload_done_ += bytes.size();
}

WebSocketDecoder::Step WebSocketDecoder::Feed(std::span<char> input, TimePoint now) {
  if (failed_) return Fail(0, kCloseProtocol, error_);
  if (message_given_) {
    message_given_ = false;
    // One large message must not cost its memory for the rest of the connection.
    if (message_.capacity() > 4096) std::string().swap(message_);
    message_.clear();
  }
  std::size_t at = 0;
  for (;;) {
    if (!in_payload_) {
      if (!TakeHeader(input, at)) return Step{at};
      header_size_ = 0;
      const std::uint16_t code = JudgeHeader(now);
      if (code != 0) return Fail(at, code, error_);
      in_payload_ = true;
    }
    const auto take = static_cast<std::size_t>(
        std::min<std::uint64_t>(payload_size_ - payload_done_, input.size() - at));
    const bool whole = payload_done_ == 0 && take == payload_size_;
    const std::uint64_t offset = payload_done_;
    const std::span<char> piece = input.subspan(at, take);
    Unmask(piece);
    at += take;
    if (IsControl(frame_opcode_)) {
      std::copy(piece.begin(), piece.end(), control_.begin() + static_cast<std::ptrdiff_t>(offset));
      if (payload_done_ < payload_size_) return Step{at};
      in_payload_ = false;
      return FinishControl(at);
    }
    const std::string_view text(piece.data(), piece.size());
    if (message_opcode_ == Opcode::kText && !utf8_.Feed(text)) {
      return Fail(at, kCloseBadData, "text is not UTF-8");
    }
    // A message in one frame that is here completely is handed out where it lies.
    const bool direct = whole && fin_ && frame_opcode_ != Opcode::kContinuation;
    if (!direct) message_.append(text);
    if (payload_done_ < payload_size_) return Step{at};
    in_payload_ = false;
    if (fin_) return FinishData(at, direct ? text : std::string_view(message_));
  }
}

WebSocketDecoder::Step WebSocketDecoder::FinishData(std::size_t consumed,
                                                    std::string_view payload) {
  in_message_ = false;
  if (message_opcode_ == Opcode::kText && !utf8_.complete()) {
    return Fail(consumed, kCloseBadData, "text is not UTF-8");
  }
  message_given_ = true;
  Step step;
  step.consumed = consumed;
  step.event = Event::kMessage;
  step.opcode = message_opcode_;
  step.payload = payload;
  return step;
}

WebSocketDecoder::Step WebSocketDecoder::FinishControl(std::size_t consumed) {
  Step step;
  step.consumed = consumed;
  step.opcode = frame_opcode_;
  step.payload = std::string_view(control_.data(), static_cast<std::size_t>(payload_size_));
  if (frame_opcode_ != Opcode::kClose) {
    step.event = frame_opcode_ == Opcode::kPing ? Event::kPing : Event::kPong;
    return step;
  }
  step.event = Event::kClose;
  step.close_code = kCloseNoCode;
  if (payload_size_ == 0) return step;
  if (payload_size_ == 1) return Fail(consumed, kCloseProtocol, "malformed close frame");
  step.close_code = static_cast<std::uint16_t>(static_cast<std::uint8_t>(control_[0]) << 8 |
                                               static_cast<std::uint8_t>(control_[1]));
  step.payload.remove_prefix(2);
  if (!IsValidCloseCode(step.close_code)) {
    return Fail(consumed, kCloseProtocol, "close code is not allowed");
  }
  Utf8Validator reason;
  if (!reason.Feed(step.payload) || !reason.complete()) {
    return Fail(consumed, kCloseBadData, "close reason is not UTF-8");
  }
  return step;
}

void AppendWebSocketFrame(std::string& out, Opcode opcode, std::string_view payload, bool fin) {
  AppendHeader(out, opcode, payload.size(), fin, false);
  out.append(payload);
}

void AppendWebSocketClose(std::string& out, std::uint16_t code, std::string_view reason) {
  std::string payload;
  if (code != kCloseNoCode) {
    payload.push_back(static_cast<char>(code >> 8));
    payload.push_back(static_cast<char>(code & 0xFF));
    std::size_t size = std::min<std::size_t>(reason.size(), 123);
    if (size < reason.size()) {
      while (size > 0 && (static_cast<unsigned char>(reason[size]) & 0xC0) == 0x80) --size;
    }
    payload.append(reason.substr(0, size));
  }
  AppendWebSocketFrame(out, Opcode::kClose, payload);
}

void AppendMaskedWebSocketFrame(std::string& out, Opcode opcode, std::string_view payload,
                                std::uint32_t mask, bool fin) {
  AppendHeader(out, opcode, payload.size(), fin, true);
  std::array<char, 4> key;
  for (std::size_t i = 0; i < 4; ++i) key[i] = static_cast<char>(mask >> (8 * (3 - i)) & 0xFF);
  out.append(key.data(), key.size());
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out.push_back(static_cast<char>(payload[i] ^ key[i & 3]));
  }
}

}  // namespace tidegate::http
