// The forms of text fields (Format in options.proto). Inside server/config only.
// Thread: pure. Fails: by a text that says what is expected; empty when the text is right.
#pragma once

#include <string>
#include <string_view>

namespace tidegate::config {

// `format` is a tidegate.config.v1.Format.
std::string CheckFormat(int format, std::string_view text);

}  // namespace tidegate::config
