#include "server/http/guard.h"

#include <array>

#include "server/base/strings.h"
#include "server/base/words.h"

namespace tidegate::http {

namespace {

constexpr std::array<RuleInfo, static_cast<std::size_t>(Rule::kCount)> kRules = {{
    {"none", 200, ""},
    {"method_syntax", 400, "the method is not an upper-case token"},
    {"method_too_long", 501, "the method is not known"},
    {"method_connect", 405, "CONNECT is not offered"},
    {"method_trace", 405, "TRACE is not offered"},
    {"request_line_parts", 400, "the request line is not: method, target, version"},
    {"request_line_too_long", 414, "the request line is too long"},
    {"target_form", 400, "the target does not begin with a slash"},
    {"target_asterisk", 405, "the target * is not offered"},
    {"target_byte", 400, "the target has a byte that is not allowed there"},
    {"path_escape", 400, "the path has a malformed percent escape"},
    {"path_forbidden", 400, "the path has an encoded or ambiguous separator"},
    {"path_above_root", 400, "the path leaves its root"},
    {"version_syntax", 400, "the version is not HTTP/1.1 or HTTP/1.0"},
    {"version_unsupported", 505, "the HTTP version is not supported"},
    {"bare_lf", 400, "a line ends without CR"},
    {"bare_cr", 400, "a CR stands alone"},
    {"nul_byte", 400, "the head has a NUL byte"},
    {"head_too_large", 431, "the request head is too large"},
    {"too_many_fields", 431, "the request has too many header fields"},
    {"field_too_large", 431, "a header field is too large"},
    {"field_no_colon", 400, "a header line has no colon"},
    {"field_name", 400, "a header name is not a token"},
    {"field_underscore", 400, "a header name has an underscore"},
    {"field_space_before_colon", 400, "a header name is followed by a space"},
    {"field_folded", 400, "a header line begins with a space (folding)"},
    {"field_value_byte", 400, "a header value has a control byte"},
    {"host_missing", 400, "the Host header is missing"},
    {"host_repeated", 400, "there is more than one Host header"},
    {"host_invalid", 400, "the Host header is not a valid authority"},
    {"length_repeated", 400, "there is more than one Content-Length"},
    {"length_syntax", 400, "Content-Length is not a plain decimal number"},
    {"coding_repeated", 400, "there is more than one Transfer-Encoding"},
    {"coding_with_length", 400, "Transfer-Encoding and Content-Length exclude each other"},
    {"coding_on_old_version", 400, "Transfer-Encoding needs HTTP/1.1"},
    {"coding_syntax", 400, "Transfer-Encoding is not chunked"},
    {"coding_unknown", 501, "the transfer coding is not supported"},
    {"connection_syntax", 400, "Connection is not a list of tokens"},
    {"connection_protected", 400, "Connection names a field that must reach the API"},
    {"expect_unknown", 417, "Expect is not 100-continue"},
    {"expect_repeated", 400, "there is more than one Expect"},
    {"upgrade_syntax", 400, "Upgrade is malformed"},
    {"chunk_size", 400, "a chunk size is not a plain hexadecimal number"},
    {"chunk_extension", 400, "chunk extensions are not accepted"},
    {"chunk_line", 400, "a chunk line is too long or does not end in CR LF"},
    {"chunk_end", 400, "a chunk is not followed by CR LF"},
    {"trailer_syntax", 400, "a trailer field is malformed"},
    {"trailer_forbidden", 400, "a trailer carries a field that is not allowed there"},
    {"trailer_too_large", 431, "the trailer is too large"},
    {"head_timeout", 408, "the request head did not arrive in time"},
}};

constexpr std::array<bool, 256> MakeTokenTable() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kToken = MakeTokenTable();

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlnum(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsHexOrColonOrDot(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

bool IsPort(std::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  unsigned value = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= 65535;
}

// Eight bytes at a time: true when one of them is below 0x20 or is 0x7F.
bool HasControl(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  constexpr std::uint64_t kHighs = 0x8080808080808080ULL;
  const std::uint64_t below_space = (word - kOnes * 0x20) & ~word & kHighs;
  const std::uint64_t x = word ^ (kOnes * 0x7F);
  const std::uint64_t is_delete = (x - kOnes) & ~x & kHighs;
  return (below_space | is_delete) != 0;
}

}  // namespace

const RuleInfo& InfoOf(Rule rule) { return kRules[static_cast<std::size_t>(rule)]; }

bool IsTokenByte(unsigned char byte) { return kToken[byte]; }

bool IsToken(std::string_view text) {
  bool all = !text.empty();  // no branch per byte: what is asked here is nearly always true
  for (const char c : text) all &= kToken[static_cast<unsigned char>(c)];
  return all;
}

Rule CheckMethod(std::string_view method) {
  if (method.empty() || method.front() < 'A' || method.front() > 'Z') return Rule::kMethodSyntax;
  for (const char c : method) {
    if (!((c >= 'A' && c <= 'Z') || c == '-')) return Rule::kMethodSyntax;
  }
  if (method.size() > 20) return Rule::kMethodTooLong;
  if (method == "CONNECT") return Rule::kMethodConnect;
  if (method == "TRACE") return Rule::kMethodTrace;
  return Rule::kNone;
}

Rule CheckTarget(std::string_view method, std::string_view target) {
  if (target.empty()) return Rule::kRequestLineParts;
  if (target == "*" && method == "OPTIONS") return Rule::kTargetAsterisk;
  if (target.front() != '/') return Rule::kTargetForm;
  for (const char c : target) {
    if (c < 0x21 || c > 0x7E || c == '#') return Rule::kTargetByte;
  }
  return Rule::kNone;
}

Rule CheckVersion(std::string_view version, int& minor) {
  if (version == "HTTP/1.1") {
    minor = 1;
    return Rule::kNone;
  }
  if (version == "HTTP/1.0") {
    minor = 0;
    return Rule::kNone;
  }
  const bool shaped = version.size() == 8 && version.substr(0, 5) == "HTTP/" &&
                      IsDigit(version[5]) && version[6] == '.' && IsDigit(version[7]);
  return shaped ? Rule::kVersionUnsupported : Rule::kVersionSyntax;
}

Rule CheckFieldName(std::string_view name) {
  if (name.empty()) return Rule::kFieldName;
  if (name.back() == ' ' || name.back() == '\t') return Rule::kFieldSpaceBeforeColon;
  return IsToken(name) ? Rule::kNone : Rule::kFieldName;
}

Rule CheckFieldValue(std::string_view value) {
  std::size_t clean = 0;  // a control may be a tab: the slow loop decides
  while (value.size() - clean >= 8 && !HasControl(Load8(value.data() + clean))) clean += 8;
  if (clean == value.size()) return Rule::kNone;
  // A rest of fewer than eight bytes is looked at together with those before it.
  const bool short_rest = value.size() - clean < 8 && value.size() >= 8;
  if (short_rest && !HasControl(Load8(value.data() + value.size() - 8))) return Rule::kNone;
  for (const char byte : value.substr(clean)) {
    const auto c = static_cast<unsigned char>(byte);
    if (c == '\t' || (c >= 0x20 && c != 0x7F)) continue;
    if (c == 0) return Rule::kNulByte;
    return c == '\r' ? Rule::kBareCr : Rule::kFieldValueByte;
  }
  return Rule::kNone;
}

Rule CheckAuthority(std::string_view authority, std::string_view& host) {
  if (authority.empty() || authority.size() > 255 + 6) return Rule::kHostInvalid;
  if (authority.front() == '[') {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos || end < 3) return Rule::kHostInvalid;
    for (const char c : authority.substr(1, end - 1)) {
      if (!IsHexOrColonOrDot(c)) return Rule::kHostInvalid;
    }
    const std::string_view rest = authority.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || !IsPort(rest.substr(1)))) {
      return Rule::kHostInvalid;
    }
    host = authority.substr(0, end + 1);
    return Rule::kNone;
  }
  const std::size_t colon = authority.find(':');
  host = authority.substr(0, colon);
  if (colon != std::string_view::npos && !IsPort(authority.substr(colon + 1))) {
    return Rule::kHostInvalid;
  }
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  if (host.empty() || host.front() == '.' || host.back() == '.') return Rule::kHostInvalid;
  char previous = 0;
  for (const char c : host) {
    if (!IsAlnum(c) && c != '-' && c != '.' && c != '_') return Rule::kHostInvalid;
    if (c == '.' && previous == '.') return Rule::kHostInvalid;
    previous = c;
  }
  return Rule::kNone;
}

Rule CheckContentLength(std::string_view value, std::uint64_t& length) {
  if (value.empty() || value.size() > 19) return Rule::kLengthSyntax;
  if (value.size() > 1 && value.front() == '0') return Rule::kLengthSyntax;
  length = 0;
  for (const char c : value) {
    if (!IsDigit(c)) return Rule::kLengthSyntax;
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return Rule::kNone;
}

Rule CheckTransferEncoding(std::string_view value) {
  if (EqualsIgnoreCase(value, "chunked")) return Rule::kNone;
  // A well-formed list of codings that we do not know is 501; anything that could be read as
  // `chunked` by a lenient party is 400.
  for (std::string_view item : Split(value, ',')) {
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!IsToken(item) || EqualsIgnoreCase(item, "chunked")) return Rule::kCodingSyntax;
  }
  return Rule::kCodingUnknown;
}

bool IsProtectedField(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "host",          "content-length",      "transfer-encoding", "authorization",
      "cookie",        "content-type",        "content-encoding",  "forwarded",
      "x-api-key",     "proxy-authorization", "set-cookie",        "content-range",
      "last-event-id", "expect",              "cache-control",     "origin",
      "trailer",
  };
  for (const std::string_view entry : kNames) {
    if (EqualsIgnoreCase(name, entry)) return true;
  }
  const auto begins = [name](std::string_view prefix) {
    return name.size() >= prefix.size() &&
           EqualsIgnoreCase(name.substr(0, prefix.size()), prefix);
  };
  return begins("x-gravitee") || begins("x-forwarded") || begins("sec-websocket");
}

}  // namespace tidegate::http
