// The standard error body (DESIGN §5): {"message","http_status_code","key","outcome","requestId"}
// as JSON when the client accepts that, else the message as text/plain.
//
// Used by the engine for what it refuses itself and by everything above for its own errors.
// Thread: pure. Fails: never.
#pragma once

#include <string>
#include <string_view>

#include "server/http/handler.h"

namespace tidegate::http {

struct ErrorAnswer {
  ErrorAnswer() = default;
  ErrorAnswer(int code, std::string_view error_key, std::string_view text,
              std::string_view outcome_name = {})
      : status(code), key(error_key), message(text), outcome(outcome_name) {}
  int status = 500;
  std::string_view key;
  std::string_view message;
  std::string_view outcome;  // "ok", "no", "unknown"; empty: left out
};

// The JSON form alone (SSE error events and tests use it too). Empty members are left out.
std::string ErrorJson(const ErrorAnswer& answer, std::string_view request_id);

// True when the Accept values allow JSON: application/json or */* is among them.
bool AcceptsJson(const RequestHead& head);

// Appends Content-Type to `head` and returns the body.
std::string ErrorBody(const ErrorAnswer& answer, std::string_view request_id, bool json,
                      ResponseHead& head);

std::string_view ReasonPhrase(int status);

}  // namespace tidegate::http
