// The head of a request as offsets into the receive buffer: nothing is copied into maps.
//
// Thread: the connection's worker. Owner: the connection; views are valid until the exchange's
// response has been sent or its body reading begins to reuse the buffer (DetachHead copies them).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::http {

struct HeaderView {
  std::string_view name;   // as sent
  std::string_view value;  // trimmed
};

struct RequestHead {
  std::string_view method;      // upper-case token
  std::string_view target;      // as sent (origin-form, or "*")
  std::string_view path;        // canonical_path.h: routing, limits, logs use only this
  std::string_view query;       // after '?', raw, without it
  std::string_view host;        // lower case, no port, no trailing dot
  std::string_view raw;         // all bytes of the head, request line and blank line included
  std::vector<HeaderView> headers;
  std::optional<std::uint64_t> content_length;
  int minor_version = 1;        // HTTP/1.x
  bool chunked = false;
  bool keep_alive = true;
  bool expect_continue = false;
  bool upgrade_websocket = false;  // GET, 1.1, Connection has `upgrade`, Upgrade has `websocket`

  // First value of the field (ASCII case-insensitive).
  std::optional<std::string_view> Find(std::string_view name) const;
  // All values of the field joined by ", " (RFC 9110 §5.3).
  std::string FindAll(std::string_view name) const;
  // First value of a query parameter, percent- and plus-decoded; nullopt when absent.
  // A malformed escape makes the parameter's value nullopt with `malformed` set.
  std::optional<std::string> Query(std::string_view name, bool* malformed = nullptr) const;
};

}  // namespace tidegate::http
