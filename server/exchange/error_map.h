// What a consumer is told of a failure: the one table from (reason, outcome, ErrorClass) to HTTP
// status, key, text, WebSocket close code and gRPC code (DESIGN §5, "Status").
//
// The outcome decides first: of a publish that certainly did not happen the client learns 4xx, 429
// or 503; of one that may have happened 504 (no answer in time) or 502. 500 is only ever a bug.
// A reason (ReasonOf) names a row of its own; without one the ErrorClass decides.
// Thread: pure. Fails: never; an unknown reason falls back to its class.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "connectors/api/sink.h"
#include "server/base/status.h"

namespace tidegate::exchange {

// RFC 6455 §7.4.1 and DESIGN §5.
inline constexpr std::uint16_t kCloseCompleted = 1000;
inline constexpr std::uint16_t kCloseProtocol = 1002;
inline constexpr std::uint16_t kCloseBadData = 1007;
inline constexpr std::uint16_t kClosePolicy = 1008;   // credential or plan gone
inline constexpr std::uint16_t kCloseTooBig = 1009;
inline constexpr std::uint16_t kCloseError = 1011;
inline constexpr std::uint16_t kCloseTryLater = 1013;  // drain or overload

struct ReasonRow {
  std::string_view reason;
  int http = 0;
  std::string_view key;   // as clients see it; Gravitee's where it has one
  std::string_view text;  // empty: the status's own text (made by us, never echoes input)
  std::uint16_t close = kCloseError;
  int grpc = 13;
};

struct ClassRow {
  ErrorClass error_class;
  connectors::Outcome outcome;
  int http = 0;
  std::string_view key;
  std::string_view text;
  std::uint16_t close = kCloseError;
  int grpc = 13;
};

std::span<const ReasonRow> ReasonRows();
std::span<const ClassRow> ClassRows();

struct Answer {
  Answer() = default;
  int http = 500;
  std::string_view key;
  std::string text;
  std::string_view outcome;  // "no" or "unknown"
  std::uint16_t close = kCloseError;
  int grpc = 13;
  bool retry_later = false;  // Retry-After belongs to it
};

Answer AnswerOf(const Status& status, connectors::Outcome outcome = connectors::Outcome::kNo);

// A refusal by one of the table's reasons; `text` is what the log and rows without text show.
Status Refuse(std::string_view reason, std::string_view text = {});

}  // namespace tidegate::exchange
