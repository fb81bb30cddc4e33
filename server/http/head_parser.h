// The index parser of HTTP/1 request heads: one walk, no copies, every guard rule applied.
//
// Two steps, both functions of bytes: HeadScanner finds the end of a head as bytes arrive and
// refuses at once what can never become one; ParseHead fills a RequestHead with views into those
// bytes. Thread: pure. Owner: the connection. Fails: by Rule (guard.h).
#pragma once

#include <string>
#include <string_view>

#include "server/http/guard.h"
#include "server/http/request_head.h"

namespace tidegate::http {

class HeadScanner {
 public:
  enum class State : std::uint8_t { kNeedMore, kComplete, kRefused };

  // `bytes` begins at the head and has grown since the last call. The verdict does not depend on
  // how the bytes were split over calls.
  State Scan(std::string_view bytes, const HeadLimits& limits);
  std::size_t head_size() const { return line_start_; }  // when complete: blank line included
  Rule rule() const { return rule_; }
  void Reset() { *this = HeadScanner(); }

 private:
  State Refuse(Rule rule) {
    rule_ = rule;
    return State::kRefused;
  }

  std::size_t scanned_ = 0;     // bytes looked at
  std::size_t line_start_ = 0;  // of the line that is not complete yet
  std::size_t lines_ = 0;
  Rule rule_ = Rule::kNone;
};

// Where canonical forms live that differ from the bytes received; reused between requests.
struct HeadScratch {
  std::string path;
  std::string host;
};

// `bytes` is one complete head. On kNone `head` is filled; its views point into `bytes`, `scratch`
// or literals.
Rule ParseHead(std::string_view bytes, const HeadLimits& limits, RequestHead& head,
               HeadScratch& scratch);

// Empty, but the header vector keeps its memory.
void ClearHead(RequestHead& head);

}  // namespace tidegate::http
