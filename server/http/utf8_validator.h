// Incremental UTF-8 validation (RFC 3629): fails at the first byte that cannot be right, across
// pieces. Thread: none shared. Fails: Feed returns false, and stays false until Reset.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidegate::http {

class Utf8Validator {
 public:
  bool Feed(std::string_view bytes);
  // True when the text may end here.
  bool complete() const { return valid_ && needed_ == 0; }
  void Reset() { *this = Utf8Validator(); }

 private:
  bool valid_ = true;
  std::uint8_t needed_ = 0;  // continuation bytes to come
  std::uint8_t low_ = 0x80;  // bounds of the next one: excludes overlong forms and surrogates
  std::uint8_t high_ = 0xBF;
};

}  // namespace tidegate::http
