#include "server/http/sse_frame.h"

namespace tidegate::http {

namespace {

// "<prefix><line>\n" for each line of `text`; an empty text is one empty line.
void AppendLines(std::string& out, std::string_view prefix, std::string_view text) {
  for (;;) {
    const std::size_t end = text.find_first_of("\r\n");
    out.append(prefix);
    if (end == std::string_view::npos) {
      out.append(text).push_back('\n');
      return;
    }
    out.append(text.substr(0, end)).push_back('\n');
    const bool pair = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
    text.remove_prefix(end + (pair ? 2 : 1));
  }
}

}  // namespace

bool IsSseLineSafe(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
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
