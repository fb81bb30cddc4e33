#include "server/http/head_parser.h"

#include <cstring>

#include "server/base/strings.h"
#include "server/http/canonical_path.h"

namespace tidegate::http {

namespace {

// What the walk over the fields has seen; judged as a whole at the end.
struct Seen {
  bool host = false;
  bool length = false;
  bool coding = false;
  bool expect = false;
  bool close = false;
  bool keep_alive = false;
  bool connection_upgrade = false;
  bool websocket = false;
};

std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `take` with each member of a comma-separated list; empty members are skipped (RFC 9110
// §5.6.1), `take` returns kNone to go on.
template <typename Take>
Rule ForEachMember(std::string_view list, Take take) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view member = TrimBlanks(list.substr(0, comma));
    if (!member.empty()) {
      const Rule rule = take(member);
      if (rule != Rule::kNone) return rule;
    }
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return Rule::kNone;
}

Rule TakeHost(std::string_view value, RequestHead& head, HeadScratch& scratch, Seen& seen) {
  if (seen.host) return Rule::kHostRepeated;
  seen.host = true;
  std::string_view host;
  const Rule rule = CheckAuthority(value, host);
  if (rule != Rule::kNone) return rule;
  for (const char c : host) {
    if (c >= 'A' && c <= 'Z') {
      scratch.host = ToLower(host);
      host = scratch.host;
      break;
    }
  }
  head.host = host;
  return Rule::kNone;
}

Rule TakeLength(std::string_view value, RequestHead& head, Seen& seen) {
  if (seen.length) return Rule::kLengthRepeated;
  seen.length = true;
  std::uint64_t length = 0;
  const Rule rule = CheckContentLength(value, length);
  if (rule == Rule::kNone) head.content_length = length;
  return rule;
}

Rule TakeCoding(std::string_view value, RequestHead& head, Seen& seen) {
  if (seen.coding) return Rule::kCodingRepeated;
  seen.coding = true;
  if (head.minor_version == 0) return Rule::kCodingOnOldVersion;
  const Rule rule = CheckTransferEncoding(value);
  if (rule == Rule::kNone) head.chunked = true;
  return rule;
}

Rule TakeConnection(std::string_view value, Seen& seen) {
  return ForEachMember(value, [&seen](std::string_view token) {
    if (!IsToken(token)) return Rule::kConnectionSyntax;
    if (EqualsIgnoreCase(token, "close")) {
      seen.close = true;
    } else if (EqualsIgnoreCase(token, "keep-alive")) {
      seen.keep_alive = true;
    } else if (EqualsIgnoreCase(token, "upgrade")) {
      seen.connection_upgrade = true;
    } else if (IsProtectedField(token)) {
      return Rule::kConnectionProtected;
    }
    return Rule::kNone;
  });
}

Rule TakeExpect(std::string_view value, RequestHead& head, Seen& seen) {
  if (seen.expect) return Rule::kExpectRepeated;
  seen.expect = true;
  if (!EqualsIgnoreCase(value, "100-continue")) return Rule::kExpectUnknown;
  head.expect_continue = head.minor_version == 1;
  return Rule::kNone;
}

Rule TakeUpgrade(std::string_view value, Seen& seen) {
  return ForEachMember(value, [&seen](std::string_view protocol) {
    const std::size_t slash = protocol.find('/');
    if (!IsToken(protocol.substr(0, slash))) return Rule::kUpgradeSyntax;
    if (slash != std::string_view::npos && !IsToken(protocol.substr(slash + 1))) {
      return Rule::kUpgradeSyntax;
    }
    if (EqualsIgnoreCase(protocol, "websocket")) seen.websocket = true;
    return Rule::kNone;
  });
}

// The few fields that the engine itself reads, told apart by length first.
Rule TakeKnown(std::string_view name, std::string_view value, RequestHead& head,
               HeadScratch& scratch, Seen& seen) {
  switch (name.size()) {
    case 4:
      if (EqualsIgnoreCase(name, "host")) return TakeHost(value, head, scratch, seen);
      break;
    case 6:
      if (EqualsIgnoreCase(name, "expect")) return TakeExpect(value, head, seen);
      break;
    case 7:
      if (EqualsIgnoreCase(name, "upgrade")) return TakeUpgrade(value, seen);
      break;
    case 10:
      if (EqualsIgnoreCase(name, "connection")) return TakeConnection(value, seen);
      break;
    case 14:
      if (EqualsIgnoreCase(name, "content-length")) return TakeLength(value, head, seen);
      break;
    case 17:
      if (EqualsIgnoreCase(name, "transfer-encoding")) return TakeCoding(value, head, seen);
      break;
    default:
      break;
  }
  return Rule::kNone;
}

Rule ParseRequestLine(std::string_view line, RequestHead& head, HeadScratch& scratch) {
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return Rule::kRequestLineParts;
  head.method = line.substr(0, first);
  Rule rule = CheckMethod(head.method);
  if (rule != Rule::kNone) return rule;
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return Rule::kRequestLineParts;
  head.target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (version.find(' ') != std::string_view::npos) return Rule::kRequestLineParts;
  rule = CheckVersion(version, head.minor_version);
  if (rule != Rule::kNone) return rule;
  rule = CheckTarget(head.method, head.target);
  if (rule != Rule::kNone) return rule;
  const std::size_t question = head.target.find('?');
  if (question != std::string_view::npos) head.query = head.target.substr(question + 1);
  return CanonicalPath(head.target.substr(0, question), scratch.path, head.path);
}

Rule ParseField(std::string_view line, const HeadLimits& limits, RequestHead& head,
                HeadScratch& scratch, Seen& seen) {
  if (line.front() == ' ' || line.front() == '\t') return Rule::kFieldFolded;
  const auto* colon = static_cast<const char*>(std::memchr(line.data(), ':', line.size()));
  if (colon == nullptr) return Rule::kFieldNoColon;
  const auto name_size = static_cast<std::size_t>(colon - line.data());
  const std::string_view name = line.substr(0, name_size);
  Rule rule = CheckFieldName(name);
  if (rule != Rule::kNone) return rule;
  const std::string_view value = TrimBlanks(line.substr(name_size + 1));
  rule = CheckFieldValue(value);
  if (rule != Rule::kNone) return rule;
  if (limits.underscores != Underscores::kAllow && name.find('_') != std::string_view::npos) {
    return limits.underscores == Underscores::kRefuse ? Rule::kFieldUnderscore : Rule::kNone;
  }
  if (head.headers.size() >= limits.fields) return Rule::kTooManyFields;
  head.headers.push_back(HeaderView{name, value});
  return TakeKnown(name, value, head, scratch, seen);
}

Rule JudgeWhole(const Seen& seen, RequestHead& head) {
  if (!seen.host && head.minor_version == 1) return Rule::kHostMissing;
  if (seen.coding && seen.length) return Rule::kCodingWithLength;
  head.keep_alive = !seen.close && (head.minor_version == 1 || seen.keep_alive);
  head.upgrade_websocket = seen.websocket && seen.connection_upgrade &&
                           head.minor_version == 1 && head.method == "GET";
  return Rule::kNone;
}

}  // namespace

void ClearHead(RequestHead& head) {
  auto headers = std::move(head.headers);  // keeps its capacity
  headers.clear();
  head = RequestHead();
  head.headers = std::move(headers);
}

HeadScanner::State HeadScanner::Scan(std::string_view bytes, const HeadLimits& limits) {
  if (scanned_ == 0 && !bytes.empty() && (bytes[0] < 'A' || bytes[0] > 'Z')) {
    return Refuse(Rule::kMethodSyntax);  // a TLS hello, a blank line, garbage: no need to wait
  }
  while (scanned_ < bytes.size()) {
    const void* found = std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_);
    const std::size_t end = found == nullptr
                                ? bytes.size()
                                : static_cast<std::size_t>(static_cast<const char*>(found) -
                                                           bytes.data()) + 1;
    const std::size_t line_size = end - line_start_;
    if (lines_ == 0 && line_size > limits.request_line_bytes) {
      return Refuse(Rule::kRequestLineTooLong);
    }
    if (lines_ > 0 && line_size > limits.field_bytes) return Refuse(Rule::kFieldTooLarge);
    if (end > limits.head_bytes) return Refuse(Rule::kHeadTooLarge);
    scanned_ = end;
    if (found == nullptr) break;
    if (line_size < 2 || bytes[end - 2] != '\r') return Refuse(Rule::kBareLf);
    line_start_ = end;
    ++lines_;
    if (line_size == 2) return State::kComplete;
    if (lines_ > limits.fields + 1) return Refuse(Rule::kTooManyFields);
  }
  return State::kNeedMore;
}

Rule ParseHead(std::string_view bytes, const HeadLimits& limits, RequestHead& head,
               HeadScratch& scratch) {
  ClearHead(head);
  Seen seen;
  head.raw = bytes;
  std::string_view rest = bytes;
  bool first = true;
  for (;;) {
    const auto* lf = static_cast<const char*>(std::memchr(rest.data(), '\n', rest.size()));
    if (lf == nullptr) return Rule::kBareLf;  // the caller gave no complete head
    const auto size = static_cast<std::size_t>(lf - rest.data()) + 1;
    if (size < 2 || rest[size - 2] != '\r') return Rule::kBareLf;
    const std::string_view line = rest.substr(0, size - 2);
    rest.remove_prefix(size);
    if (line.empty()) break;
    const Rule rule = first ? ParseRequestLine(line, head, scratch)
                            : ParseField(line, limits, head, scratch, seen);
    if (rule != Rule::kNone) return rule;
    first = false;
  }
  return first ? Rule::kRequestLineParts : JudgeWhole(seen, head);
}

}  // namespace tidegate::http
