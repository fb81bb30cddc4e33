#include "connectors/mqtt5/wire.h"

#include "server/base/check.h"
#include "server/base/strings.h"

namespace tidegate::mqtt5 {

std::string_view Reader::Take(std::size_t size) {
  if (bad_ || size > data_.size()) {
    bad_ = true;
    return {};
  }
  const std::string_view taken = data_.substr(0, size);
  data_.remove_prefix(size);
  return taken;
}

std::uint8_t Reader::U8() {
  const std::string_view bytes = Take(1);
  return bytes.empty() ? 0 : static_cast<std::uint8_t>(bytes[0]);
}

std::uint16_t Reader::U16() {
  const std::string_view bytes = Take(2);
  if (bytes.empty()) return 0;
  return static_cast<std::uint16_t>((static_cast<std::uint8_t>(bytes[0]) << 8) |
                                    static_cast<std::uint8_t>(bytes[1]));
}

std::uint32_t Reader::U32() {
  const std::uint32_t high = U16();
  const std::uint32_t low = U16();
  return bad_ ? 0 : (high << 16) | low;
}

std::uint32_t Reader::VarInt() {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const std::uint8_t byte = U8();
    if (bad_) return 0;
    value |= static_cast<std::uint32_t>(byte & 0x7FU) << (7 * i);
    if ((byte & 0x80U) != 0) continue;
    if (byte == 0 && i > 0) bad_ = true;  // not the shortest form [MQTT-1.5.5-1]
    return bad_ ? 0 : value;
  }
  bad_ = true;
  return 0;
}

std::string_view Reader::Binary() {
  const std::uint16_t size = U16();
  return Take(size);
}

std::string_view Reader::Text() {
  const std::string_view text = Binary();
  if (!bad_ && !IsMqttText(text)) bad_ = true;
  return bad_ ? std::string_view() : text;
}

bool IsMqttText(std::string_view text) {
  return text.find('\0') == std::string_view::npos && IsValidUtf8(text);
}

void PutU8(std::string& out, std::uint8_t value) { out.push_back(static_cast<char>(value)); }

void PutU16(std::string& out, std::uint16_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xFF));
}

void PutU32(std::string& out, std::uint32_t value) {
  PutU16(out, static_cast<std::uint16_t>(value >> 16));
  PutU16(out, static_cast<std::uint16_t>(value & 0xFFFF));
}

void PutVarInt(std::string& out, std::uint32_t value) {
  do {
    const auto low = static_cast<std::uint8_t>(value & 0x7FU);
    value >>= 7;
    PutU8(out, value > 0 ? low | 0x80U : low);
  } while (value > 0);
}

void PutBinary(std::string& out, std::string_view bytes) {
  TG_CHECK(bytes.size() <= 0xFFFF);
  PutU16(out, static_cast<std::uint16_t>(bytes.size()));
  out.append(bytes);
}

std::size_t VarIntSize(std::uint32_t value) {
  return value < 128 ? 1 : value < 16'384 ? 2 : value < 2'097'152 ? 3 : 4;
}

Frame NextFrame(std::string_view data, std::size_t packet_bytes_max) {
  Frame frame;
  if (data.empty()) return frame;
  frame.first = static_cast<std::uint8_t>(data[0]);
  Reader reader(data.substr(1));
  const std::uint32_t length = reader.VarInt();
  if (reader.bad()) {
    // Five bytes hold every length: what cannot be read from them will never be one.
    const bool cut = data.size() < 5 && (data.size() == 1 || (data.back() & 0x80) != 0);
    frame.state = cut ? FrameState::kNeedMore : FrameState::kMalformed;
    return frame;
  }
  frame.size = 1 + VarIntSize(length) + length;
  if (frame.size > packet_bytes_max) {
    frame.state = FrameState::kTooLarge;
    return frame;
  }
  if (reader.left() < length) return frame;
  frame.body = reader.Take(length);
  frame.state = FrameState::kWhole;
  return frame;
}

}  // namespace tidegate::mqtt5
