// Small text helpers over std::string_view.
// Thread: pure functions. Fails: by optional or false, never otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate {

std::string_view Trim(std::string_view text);            // cuts SP, HTAB, CR, LF
std::vector<std::string_view> Split(std::string_view text, char separator);
std::string ToLower(std::string_view text);               // ASCII
bool EqualsIgnoreCase(std::string_view a, std::string_view b);  // ASCII
bool StartsWith(std::string_view text, std::string_view prefix);
std::optional<std::uint64_t> ParseUint(std::string_view text);  // digits only, no overflow
std::string Join(const std::vector<std::string>& parts, std::string_view separator);

// Appends `text` as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);
bool IsValidUtf8(std::string_view text);

// The candidate nearest to `word` by edit distance, when it is near enough to be meant.
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

// std::hash-compatible lookup by std::string_view in unordered maps with std::string keys.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

}  // namespace tidegate
