#include "server/http/sse_frame.h"

#include <algorithm>

namespace tidegate::http {

namespace {

// "<prefix><line>\n" for each line of `text`; an empty text is one empty line. Both ends of lines
// are looked for by find, not by find_first_of: that one asks for each byte whether it is one of
// the two, which was a third of all that a consumed message cost.
void AppendLines(std::string& out, std::string_view prefix, std::string_view text) {
  std::size_t begin = 0;
  std::size_t lf = text.find('\n');
  std::size_t cr = text.find('\r');
  for (;;) {
    const std::size_t end = std::min(lf, cr);
    out.append(prefix).append(text.substr(begin, end - begin)).push_back('\n');
    if (end == std::string_view::npos) return;
    const bool pair = end == cr && lf == cr + 1;  // is one end
    begin = end + (pair ? 2 : 1);
    if (lf < begin) lf = text.find('\n', begin);
    if (cr < begin) cr = text.find('\r', begin);
  }
}

}  // namespace

bool IsSseLineSafe(std::string_view text) {
  bool safe = true;  // no branch per byte: ids are short and nearly always safe
  for (const char c : text) safe &= c != '\r' && c != '\n' && c != '\0';
  return safe;
}

bool AppendSseEvent(std::string& out, const SseEvent& event) {
  bool whole = true;
  if (!event.id.empty()) {
    if (IsSseLineSafe(event.id)) {
      out.append("id: ").append(event.id).push_back('\n');
    } else {
      whole = false;
    }
  }
  if (!event.name.empty()) {
    if (IsSseLineSafe(event.name)) {
      out.append("event: ").append(event.name).push_back('\n');
    } else {
      whole = false;
    }
  }
  if (event.has_data) AppendLines(out, "data: ", event.data);
  if (!event.comment.empty()) AppendLines(out, ":", event.comment);
  out.push_back('\n');
  return whole;
}

void AppendSseComment(std::string& out, std::string_view text) {
  AppendLines(out, ":", text);
  out.push_back('\n');
}

void AppendSseRetry(std::string& out, std::chrono::milliseconds delay) {
  out.append("retry: ").append(std::to_string(delay.count())).append("\n\n");
}

}  // namespace tidegate::http
