// What one listener allows (reliability.md §5): safe defaults, every one configurable.
#pragma once

#include <chrono>
#include <cstdint>

#include "server/http/guard.h"

namespace tidegate::http {

struct HttpLimits {
  HeadLimits head;
  std::chrono::milliseconds tls_handshake_timeout{10'000};
  std::chrono::milliseconds head_timeout = kHeadTimeout;       // from its first byte; 408
  std::chrono::milliseconds keep_alive_idle = kKeepAliveIdle;  // between requests; closed
  std::chrono::milliseconds body_idle_timeout{10'000};         // between two pieces; 408
  std::chrono::milliseconds body_total_timeout{30'000};        // of bodies read as a whole; 408
  std::chrono::milliseconds body_rate_grace{5'000};
  std::uint64_t body_rate_min = 1024;                          // bytes/s after the grace; 408
  std::chrono::milliseconds write_stall_timeout{30'000};       // no progress; closed
  std::uint32_t requests_max = kKeepAliveRequestsMax;          // per connection, then closed
  // From the first byte on, 10 % more or less so that those that came together do not go together;
  // then closed after the request at hand. 0: never.
  std::chrono::milliseconds connection_age{0};
  // An unread body is read and dropped up to this, to keep the connection or to let the client see
  // the answer; beyond it the connection is closed.
  std::size_t discard_bytes = 64 * 1024;
  std::chrono::milliseconds discard_timeout{1'000};
  // A connection keeps its receive buffer this long after its last request.
  std::chrono::milliseconds buffer_linger{1'000};
};

}  // namespace tidegate::http
