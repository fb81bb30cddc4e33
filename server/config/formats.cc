#include "server/config/formats.h"

#include <arpa/inet.h>
#include <re2/re2.h>

#include <algorithm>

#include "server/base/strings.h"
#include "server/config/names.h"
#include "server/config/validate.h"
#include "tidegate/config/v1/options.pb.h"

namespace tidegate::config {
namespace {

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool AllOf(std::string_view text, bool (*holds)(char)) {
  return std::all_of(text.begin(), text.end(), holds);
}

bool IsTokenCharacter(char c) {
  return IsAlnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsHostName(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (const std::string_view label : Split(text, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
      return false;
    }
    if (!AllOf(label, [](char c) { return IsAlnum(c) || c == '-' || c == '_'; })) return false;
  }
  return true;
}

bool IsAddress(std::string_view text, int* bits) {
  unsigned char buffer[16];
  const std::string copy(text);
  *bits = 32;
  if (inet_pton(AF_INET, copy.c_str(), buffer) == 1) return true;
  *bits = 128;
  return inet_pton(AF_INET6, copy.c_str(), buffer) == 1;
}

bool IsPort(std::string_view text) {
  const auto port = ParseUint(text);
  return port && *port <= 65535 && text.size() <= 5;
}

bool IsHostPort(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !IsPort(text.substr(colon + 1))) return false;
  const std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    int bits = 0;
    return IsAddress(host.substr(1, host.size() - 2), &bits) && bits == 128;
  }
  return IsHostName(host);
}

bool IsHost(std::string_view text) {
  if (StartsWith(text, "*.")) text.remove_prefix(2);
  return IsHostName(text);
}

bool IsCidr(std::string_view text) {
  int bits = 0;
  const std::size_t slash = text.find('/');
  if (!IsAddress(text.substr(0, slash), &bits)) return false;
  if (slash == std::string_view::npos) return true;
  const auto length = ParseUint(text.substr(slash + 1));
  return length && *length <= static_cast<std::uint64_t>(bits);
}

// scheme://host[:port], and whether anything follows.
bool SplitOrigin(std::string_view text, std::string_view* rest) {
  if (StartsWith(text, "https://")) {
    text.remove_prefix(8);
  } else if (StartsWith(text, "http://")) {
    text.remove_prefix(7);
  } else {
    return false;
  }
  const std::size_t end = text.find_first_of("/?#");
  const std::string_view authority = text.substr(0, end);
  *rest = end == std::string_view::npos ? std::string_view() : text.substr(end);
  return IsHostName(authority) || IsHostPort(authority);
}

bool IsUrl(std::string_view text) {
  std::string_view rest;
  return SplitOrigin(text, &rest) && AllOf(rest, [](char c) { return c > 0x20 && c < 0x7F; });
}

bool IsOrigin(std::string_view text) {
  std::string_view rest;
  return text == "*" || (SplitOrigin(text, &rest) && rest.empty());
}

bool IsRegex(std::string_view text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  return re2::RE2(re2::StringPiece(text.data(), text.size()), options).ok();
}

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

bool IsHeaderValue(std::string_view text) {
  if (text != Trim(text)) return false;
  return AllOf(text, [](char c) { return c == '\t' || !IsControl(c); });
}

bool IsSha256(std::string_view text) {
  return text.size() == 64 && AllOf(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

bool IsTopic(std::string_view text) {
  if (text.empty() || text.size() > 249 || text == "." || text == "..") return false;
  return AllOf(text, [](char c) { return IsAlnum(c) || c == '.' || c == '_' || c == '-'; });
}

struct Rule {
  int format;
  bool (*holds)(std::string_view);
  const char* text;
};

const Rule kRules[] = {
    {v1::FORMAT_HOST_PORT, IsHostPort,
     "must be HOST:PORT with a port of at most 65535, an IPv6 host in brackets"},
    {v1::FORMAT_PATH, IsCanonicalPath,
     "must be a canonical path: start with /, without empty, . or .. segments, escapes or a "
     "trailing slash"},
    {v1::FORMAT_HOST, IsHost, "must be a host name, or *. and a host name, without a port"},
    {v1::FORMAT_URL, IsUrl, "must be an http or https URL"},
    {v1::FORMAT_CIDR, IsCidr, "must be an address or a block such as 10.0.0.0/8"},
    {v1::FORMAT_TOKEN, [](std::string_view text) { return AllOf(text, IsTokenCharacter); },
     "must consist of the characters of a token (RFC 9110): letters, digits and !#$%&'*+-.^_`|~"},
    {v1::FORMAT_ORIGIN, IsOrigin, "must be * or an origin such as https://shop.example.com"},
    {v1::FORMAT_REGEX, IsRegex, "must be a regular expression in RE2 syntax"},
    {v1::FORMAT_SHA256, IsSha256, "must be 64 hexadecimal digits"},
    {v1::FORMAT_LOCAL_NAME, IsLocalName,
     "must be 1 to 63 characters of a-z, 0-9 and -, starting with a letter or digit"},
    {v1::FORMAT_KAFKA_TOPIC, IsTopic,
     "must be a topic name: 1 to 249 characters of letters, digits, . _ and -"},
    {v1::FORMAT_HEADER_VALUE, IsHeaderValue,
     "must be a header value: no control characters, no space at its ends"},
    {v1::FORMAT_RESOURCE_NAME,
     [](std::string_view text) { return IsLocalName(text) || ParseName(text).has_value(); },
     "must be a resource name such as apis/orders, or its last part"},
    {v1::FORMAT_LINE,
     [](std::string_view text) { return std::none_of(text.begin(), text.end(), IsControl); },
     "must be one line without control characters"},
};

}  // namespace

bool IsCanonicalPath(std::string_view path) {
  if (path.empty() || path.front() != '/') return false;
  if (path == "/") return true;
  for (const std::string_view segment : Split(path.substr(1), '/')) {
    if (segment.empty() || segment == "." || segment == "..") return false;
    for (const char c : segment) {
      if (!IsAlnum(c) && std::string_view("-._~!$&'()*+,;=:@").find(c) == std::string_view::npos) {
        return false;
      }
    }
  }
  return true;
}

std::string CheckFormat(int format, std::string_view text) {
  for (const Rule& rule : kRules) {
    if (rule.format == format) return rule.holds(text) ? "" : rule.text;
  }
  return "";
}

}  // namespace tidegate::config
