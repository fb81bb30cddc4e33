// Formats response heads: status line, Date, the handler's headers, framing, Connection.
//
// Headers that the engine owns (Date, Content-Length, Transfer-Encoding, Connection, Keep-Alive)
// are dropped when a handler gives them; names or values with CR, LF or NUL are dropped and
// counted as a bug, so that nothing can split a response. Thread: any. Fails: never.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/handler.h"

namespace tidegate::http {

struct ResponseFraming {
  ResponseFraming() = default;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool close = false;
  bool old_keep_alive = false;  // HTTP/1.0 client that asked to stay
  bool upgrade = false;         // adds `Connection: Upgrade`
};

void AppendResponseHead(std::string& out, const ResponseHead& head,
                        const ResponseFraming& framing);

// "Sun, 06 Nov 1994 08:49:37 GMT", formatted once a second per thread.
std::string_view HttpDate();

}  // namespace tidegate::http
