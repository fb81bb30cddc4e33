// What is recorded of one finished request or stream; the writer (JSON lines) is set by sidecar.
//
// Thread: Write on the request's worker, never blocks. Owner: the process, outlives the workers.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/exchange/context.h"

namespace tidegate::flow {

struct AccessRecord {
  const exchange::Context* context = nullptr;
  std::string_view method;
  std::string_view path;        // canonical; never the query, which may hold a key
  std::string_view entrypoint;  // empty when none was reached
  std::string_view endpoint;
  std::string_view key;         // of the error body, empty on success
  std::string_view end_reason;  // streams: why they ended
  int status = 0;               // 0: the client left before an answer
  std::chrono::nanoseconds duration{0};
  std::uint64_t messages = 0;
  std::uint64_t request_bytes = 0;   // heads, contents and frames, as they were on the wire
  std::uint64_t response_bytes = 0;
};

class AccessLog {
 public:
  virtual ~AccessLog() = default;
  virtual void Write(const AccessRecord& record) = 0;
};

}  // namespace tidegate::flow
