#include "server/http/canonical_path.h"

#include "server/base/strings.h"

namespace tidegate::http {

namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsUnreserved(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// Nothing to decode, merge or resolve: the common case, one pass without writing.
bool IsCanonical(std::string_view raw) {
  char previous = 0;
  for (const char c : raw) {
    if (c == '%' || c == '\\') return false;
    // `/.well-known` goes the slow way, which is right too.
    if (previous == '/' && (c == '/' || c == '.')) return false;
    previous = c;
  }
  return true;
}

// One segment with its escapes in canonical form.
Rule AppendSegment(std::string_view raw, std::string& out) {
  static constexpr char kUpper[] = "0123456789ABCDEF";
  std::string decoded_high;  // escaped bytes of a multi-byte character, to check their UTF-8
  const auto flush = [&decoded_high] {
    const bool valid = decoded_high.empty() || IsValidUtf8(decoded_high);
    decoded_high.clear();
    return valid;
  };
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\') return Rule::kPathForbidden;
    if (raw[i] != '%') {
      if (!flush()) return Rule::kPathEscape;
      out.push_back(raw[i]);
      continue;
    }
    if (raw.size() - i < 3) return Rule::kPathEscape;
    const int high = HexDigit(raw[i + 1]);
    const int low = HexDigit(raw[i + 2]);
    if (high < 0 || low < 0) return Rule::kPathEscape;
    const auto byte = static_cast<unsigned char>(high * 16 + low);
    if (byte == '/' || byte == '\\' || byte == 0) return Rule::kPathForbidden;
    i += 2;
    if (byte < 0x80 && !flush()) return Rule::kPathEscape;
    if (IsUnreserved(byte)) {
      out.push_back(static_cast<char>(byte));
      continue;
    }
    if (byte >= 0x80) decoded_high.push_back(static_cast<char>(byte));
    out.push_back('%');
    out.push_back(kUpper[byte >> 4]);
    out.push_back(kUpper[byte & 15]);
  }
  return flush() ? Rule::kNone : Rule::kPathEscape;
}

// Some servers cut parameters before they resolve dots: `/a/..;x/b` must not mean two things.
bool IsDotWithParameters(std::string_view segment) {
  const std::size_t semicolon = segment.find(';');
  if (semicolon == std::string_view::npos) return false;
  const std::string_view name = segment.substr(0, semicolon);
  return name == "." || name == "..";
}

}  // namespace

Rule CanonicalPath(std::string_view raw, std::string& scratch, std::string_view& path) {
  if (raw.empty() || raw.front() != '/') return Rule::kTargetForm;
  if (IsCanonical(raw)) {
    path = raw;
    return Rule::kNone;
  }
  scratch.clear();
  std::string_view rest = raw.substr(1);
  bool directory = true;  // the path ends in a slash
  for (bool more = true; more;) {
    const std::size_t slash = rest.find('/');
    more = slash != std::string_view::npos;
    const std::string_view segment = rest.substr(0, slash);
    if (more) rest.remove_prefix(slash + 1);
    const std::size_t start = scratch.size();
    scratch.push_back('/');
    const Rule rule = AppendSegment(segment, scratch);
    if (rule != Rule::kNone) return rule;
    const std::string_view written = std::string_view(scratch).substr(start + 1);
    if (IsDotWithParameters(written)) return Rule::kPathForbidden;
    directory = written.empty() || written == "." || written == "..";
    if (written == "..") {
      if (start == 0) return Rule::kPathAboveRoot;
      scratch.resize(scratch.rfind('/', start - 1));
    } else if (directory) {
      scratch.resize(start);
    }
  }
  if (directory) scratch.push_back('/');
  path = scratch;
  return Rule::kNone;
}

}  // namespace tidegate::http
