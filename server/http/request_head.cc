#include "server/http/request_head.h"

#include "server/base/strings.h"

namespace tidegate::http {

namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> DecodeComponent(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      if (text.size() - i < 3) return std::nullopt;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return out;
}

}  // namespace

std::optional<std::string_view> RequestHead::Find(std::string_view name) const {
  for (const HeaderView& header : headers) {
    if (header.name.size() == name.size() && EqualsIgnoreCase(header.name, name)) {
      return header.value;
    }
  }
  return std::nullopt;
}

std::string RequestHead::FindAll(std::string_view name) const {
  std::string all;
  bool found = false;
  for (const HeaderView& header : headers) {
    if (!EqualsIgnoreCase(header.name, name)) continue;
    if (found) all += ", ";
    all += header.value;
    found = true;
  }
  return all;
}

std::optional<std::string> RequestHead::Query(std::string_view name, bool* malformed) const {
  if (malformed != nullptr) *malformed = false;
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::size_t ampersand = rest.find('&');
    const std::string_view pair = rest.substr(0, ampersand);
    rest = ampersand == std::string_view::npos ? std::string_view() : rest.substr(ampersand + 1);
    const std::size_t equals = pair.find('=');
    const std::string_view raw_name = pair.substr(0, equals);
    if (raw_name != name) {
      // A name may be written with escapes; only then is it worth decoding.
      if (raw_name.find_first_of("%+") == std::string_view::npos) continue;
      const auto decoded = DecodeComponent(raw_name);
      if (!decoded || *decoded != name) continue;
    }
    if (equals == std::string_view::npos) return std::string();
    auto value = DecodeComponent(pair.substr(equals + 1));
    if (!value && malformed != nullptr) *malformed = true;
    return value;
  }
  return std::nullopt;
}

}  // namespace tidegate::http
