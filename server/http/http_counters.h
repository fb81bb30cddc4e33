// What the engine counts, per listener. Thread: any (per-worker slots inside). Owner: HttpServer.
#pragma once

#include <array>
#include <string>

#include "server/http/guard.h"
#include "server/telemetry/metrics.h"

namespace tidegate::http {

enum class CloseReason : std::uint8_t {
  kClient,        // the client closed or asked to
  kIdle,
  kRefused,       // a guard rule
  kBody,          // malformed, too slow or unread body
  kWriteStall,
  kDrain,
  kHandler,       // the answer asked for it, or a stream ended
  kError,         // the handler threw or did not answer
  kTls,
  kAge,
  kCount,
};

class HttpCounters {
 public:
  HttpCounters(telemetry::Registry& registry, const std::string& listener);

  void Rejected(Rule rule) { rejected_[static_cast<std::size_t>(rule)]->Add(); }
  void Closed(CloseReason reason) { closed_[static_cast<std::size_t>(reason)]->Add(); }

  telemetry::Counter& connections;  // opened
  telemetry::Counter& requests;     // heads that passed the guard
  telemetry::Counter& handler_failures;

 private:
  std::array<telemetry::Counter*, static_cast<std::size_t>(Rule::kCount)> rejected_;
  std::array<telemetry::Counter*, static_cast<std::size_t>(CloseReason::kCount)> closed_;
};

}  // namespace tidegate::http
