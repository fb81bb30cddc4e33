// The primitives of MQTT 5 (section 1.5): a bounded reader over bytes and appending writers.
//
// Thread: pure. Fails: a Reader that was asked for more than is there, or for malformed data, is
// bad() from then on and returns empty values; nothing is read beyond its end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidegate::mqtt5 {

class Reader {
 public:
  explicit Reader(std::string_view data) : data_(data) {}

  bool bad() const { return bad_; }
  bool empty() const { return data_.empty(); }
  std::size_t left() const { return data_.size(); }
  void Spoil() { bad_ = true; }

  std::uint8_t U8();
  std::uint16_t U16();
  std::uint32_t U32();
  std::uint32_t VarInt();            // at most four bytes, shortest form
  std::string_view Binary();         // two bytes of length
  std::string_view Text();           // the same, well-formed UTF-8 without U+0000
  std::string_view Take(std::size_t size);
  std::string_view Rest() { return Take(data_.size()); }

 private:
  std::string_view data_;
  bool bad_ = false;
};

// UTF-8 as section 1.5.4 wants it: well-formed, no U+0000.
bool IsMqttText(std::string_view text);

void PutU8(std::string& out, std::uint8_t value);
void PutU16(std::string& out, std::uint16_t value);
void PutU32(std::string& out, std::uint32_t value);
void PutVarInt(std::string& out, std::uint32_t value);
void PutBinary(std::string& out, std::string_view bytes);  // at most 65535 bytes
std::size_t VarIntSize(std::uint32_t value);

// A whole packet at the head of `data`.
enum class FrameState : std::uint8_t { kNeedMore, kWhole, kMalformed, kTooLarge };
struct Frame {
  FrameState state = FrameState::kNeedMore;
  std::uint8_t first = 0;      // type and flags
  std::string_view body;       // after the fixed header
  std::size_t size = 0;        // of the whole packet, once its length is known
};
Frame NextFrame(std::string_view data, std::size_t packet_bytes_max);

}  // namespace tidegate::mqtt5
