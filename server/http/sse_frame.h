// Server-Sent Events as bytes (WHATWG HTML §9.2), and chunk framing around them.
//
// Data is split at CR LF, CR and LF, one `data:` line each, so that no payload can end an event or
// begin a field. Ids and event names with CR, LF or NUL are refused (nothing is written for them).
// Thread: pure. Fails: AppendSseEvent returns false when id or name were refused and left out.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace tidegate::http {

struct SseEvent {
  SseEvent() = default;
  std::string_view id;       // empty: no id line
  std::string_view name;     // empty: no event line
  std::string_view data;
  std::string_view comment;  // behind the data, one comment per line ("key: value\nkey: value")
  bool has_data = true;      // an empty payload is still an event
};

bool AppendSseEvent(std::string& out, const SseEvent& event);
// ": text" lines (the heartbeat is an empty comment) and the blank line.
void AppendSseComment(std::string& out, std::string_view text);
void AppendSseRetry(std::string& out, std::chrono::milliseconds delay);
bool IsSseLineSafe(std::string_view text);  // no CR, LF, NUL

}  // namespace tidegate::http
