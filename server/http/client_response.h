// Reads one HTTP/1 response out of the bytes of a connection, without I/O.
//
// Strict where a peer could be misread: lines end with CR LF, names are tokens, a field may not be
// folded, a length and chunks cannot stand together. Interim answers (1xx) are passed over.
// Thread: one reader. Owner: the caller. Fails: by failed() with a text that names the rule, never
// what was received; it then stays failed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/body_decoder.h"

namespace tidegate::http {

struct ClientResponse {
  ClientResponse() {}
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // in order, as received
  std::string body;

  // The first value of a field, any case; nullptr when there is none.
  const std::string* Find(std::string_view name) const;
};

struct ResponseLimits {
  ResponseLimits() {}
  std::size_t head_bytes = 16 * 1024;
  std::size_t fields = 100;
  std::size_t body_bytes = 1024 * 1024;
};

class ResponseReader {
 public:
  // `head_only`: the answer to HEAD, which has no body whatever it says.
  explicit ResponseReader(const ResponseLimits& limits, bool head_only = false)
      : limits_(limits), head_only_(head_only) {}

  // Takes all of `bytes`; what follows a complete response is an error.
  void Feed(std::string_view bytes);
  // The other side has closed.
  void End();

  bool done() const { return state_ == State::kDone; }
  bool failed() const { return error_ != nullptr; }
  const char* error() const { return error_; }  // nullptr: none
  ClientResponse& response() { return response_; }

 private:
  enum class State : std::uint8_t { kHead, kBody, kUntilClose, kDone };

  void Fail(const char* why) {
    if (error_ == nullptr) error_ = why;
  }
  bool TakeHead();
  bool TakeStatusLine(std::string_view line);
  bool TakeField(std::string_view line);
  bool BeginBody();
  void TakeBody(std::string_view bytes);
  void Append(std::string_view data);

  const ResponseLimits limits_;
  const bool head_only_;
  State state_ = State::kHead;
  const char* error_ = nullptr;
  std::string head_;
  BodyDecoder decoder_;
  ClientResponse response_;
};

}  // namespace tidegate::http
