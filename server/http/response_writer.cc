#include "server/http/response_writer.h"

#include <cstdio>
#include <ctime>

#include "server/base/check.h"
#include "server/base/strings.h"
#include "server/http/error_body.h"
#include "server/http/guard.h"

namespace tidegate::http {

namespace {

constexpr std::size_t kUsualFieldsBytes = 240;  // ids and a content type

void AppendNumber(std::string& out, std::uint64_t value) {
  char digits[20];
  char* at = digits + sizeof(digits);
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  out.append(at, static_cast<std::size_t>(digits + sizeof(digits) - at));
}

bool IsEngineField(std::string_view name) {
  switch (name.size()) {
    case 4: return EqualsIgnoreCase(name, "date");
    case 10: return EqualsIgnoreCase(name, "connection") || EqualsIgnoreCase(name, "keep-alive");
    case 14: return EqualsIgnoreCase(name, "content-length");
    case 17: return EqualsIgnoreCase(name, "transfer-encoding");
    default: return false;
  }
}

}  // namespace

void ResponseHead::Add(std::string_view name, std::string_view value) {
  if (IsEngineField(name)) return;
  if (!IsToken(name)) {
    TG_BUG("a response header has a byte that is not allowed; it was dropped");
    return;
  }
  Append(name, value);
}

void ResponseHead::Add(FieldName name, std::string_view value) { Append(name.text(), value); }

void ResponseHead::Append(std::string_view name, std::string_view value) {
  if (CheckFieldValue(value) != Rule::kNone) {
    TG_BUG("a response header has a byte that is not allowed; it was dropped");
    return;
  }
  if (fields_.empty()) fields_.reserve(kUsualFieldsBytes);
  fields_.append(name).append(": ").append(value).append("\r\n");
}

std::optional<std::string_view> ResponseHead::Find(std::string_view name) const {
  std::string_view rest = fields_;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size() + 2);
    const std::size_t colon = line.find(':');
    if (EqualsIgnoreCase(line.substr(0, colon), name)) return line.substr(colon + 2);
  }
  return std::nullopt;
}

std::string_view HttpDate() {
  thread_local std::time_t second = 0;
  thread_local char text[32];
  thread_local std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != second || size == 0) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char format[32];  // strftime's names follow the locale; these do not
    std::snprintf(format, sizeof(format), "%s, %%d %s %%Y %%H:%%M:%%S GMT", kDays[parts.tm_wday],
                  kMonths[parts.tm_mon]);
    size = std::strftime(text, sizeof(text), format, &parts);
    second = now;
  }
  return {text, size};
}

void AppendResponseHead(std::string& out, const ResponseHead& head,
                        const ResponseFraming& framing) {
  out.append("HTTP/1.1 ");
  AppendNumber(out, static_cast<std::uint64_t>(head.status));
  out.append(" ").append(ReasonPhrase(head.status)).append("\r\nDate: ");
  out.append(HttpDate()).append("\r\n");
  out.append(head.fields());
  if (framing.upgrade) out.append("Connection: Upgrade\r\n");
  if (framing.content_length) {
    out.append("Content-Length: ");
    AppendNumber(out, *framing.content_length);
    out.append("\r\n");
  }
  if (framing.chunked) out.append("Transfer-Encoding: chunked\r\n");
  if (framing.close) {
    out.append("Connection: close\r\n");
  } else if (framing.old_keep_alive) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

}  // namespace tidegate::http
