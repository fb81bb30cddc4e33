#include "server/http/utf8_validator.h"

#include <cstddef>

#include "server/base/words.h"

namespace tidegate::http {

bool Utf8Validator::Feed(std::string_view bytes) {
  std::size_t i = 0;
  while (valid_ && i < bytes.size()) {
    if (needed_ == 0) {
      while (bytes.size() - i >= 8) {  // runs of ASCII, eight at a time
        if ((Load8(bytes.data() + i) & 0x8080808080808080ULL) != 0) break;
        i += 8;
      }
      if (i == bytes.size()) break;
    }
    const auto byte = static_cast<std::uint8_t>(bytes[i++]);
    if (needed_ > 0) {
      valid_ = byte >= low_ && byte <= high_;
      --needed_;
      low_ = 0x80;
      high_ = 0xBF;
    } else if (byte < 0x80) {
      continue;
    } else if (byte >= 0xC2 && byte <= 0xDF) {
      needed_ = 1;
    } else if (byte >= 0xE0 && byte <= 0xEF) {
      needed_ = 2;
      if (byte == 0xE0) low_ = 0xA0;   // no overlong forms
      if (byte == 0xED) high_ = 0x9F;  // no surrogates
    } else if (byte >= 0xF0 && byte <= 0xF4) {
      needed_ = 3;
      if (byte == 0xF0) low_ = 0x90;
      if (byte == 0xF4) high_ = 0x8F;  // nothing beyond U+10FFFF
    } else {
      valid_ = false;
    }
  }
  return valid_;
}

}  // namespace tidegate::http
