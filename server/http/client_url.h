// The parts of an http or https URL that a client needs.
//
// Thread: pure functions. Fails: InvalidArgument naming the rule; the URL is not repeated (its
// query may hold a secret).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/base/status.h"

namespace tidegate::http {

inline constexpr std::size_t kUrlBytesMax = 2048;

struct Url {
  bool tls = false;
  std::string host;       // IPv6 without brackets
  std::uint16_t port = 0;
  std::string authority;  // as the Host field wants it: the port where it is not the scheme's
  std::string target;     // path and query, at least "/"
};

// Absolute, without user and fragment; only visible ASCII.
StatusOr<Url> ParseUrl(std::string_view text);

}  // namespace tidegate::http
