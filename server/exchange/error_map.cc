#include "server/exchange/error_map.h"

#include <array>

namespace tidegate::exchange {
namespace {

using connectors::Outcome;
using enum ErrorClass;

// gRPC codes, by number, so that no gRPC header is needed here.
constexpr int kInvalid = 3;
constexpr int kDeadline = 4;
constexpr int kMissing = 5;
constexpr int kDenied = 7;
constexpr int kExhausted = 8;
constexpr int kPrecondition = 9;
constexpr int kRange = 11;
constexpr int kBug = 13;
constexpr int kUnavailable = 14;
constexpr int kUnauthenticated = 16;
constexpr int kUnknown = 2;

constexpr std::array kReasons{
    // --- routing and choice
    ReasonRow{"ROUTE_NOT_FOUND", 404, "", "No context-path matches the request URI.", kClosePolicy,
              kMissing},
    ReasonRow{"ENTRYPOINT_NOT_FOUND", 404, "", "No entrypoint matches the incoming request",
              kClosePolicy, kMissing},
    ReasonRow{"CORS_PREFLIGHT_FAILED", 400, "CORS_PREFLIGHT_FAILED", "", kClosePolicy, kInvalid},
    ReasonRow{"NO_ENDPOINT_FOUND", 503, "NO_ENDPOINT_FOUND", "No endpoint available", kCloseError,
              kUnavailable},
    // --- security
    ReasonRow{"GATEWAY_PLAN_UNRESOLVABLE", 401, "GATEWAY_PLAN_UNRESOLVABLE", "Unauthorized",
              kClosePolicy, kUnauthenticated},
    ReasonRow{"API_KEY_MISSING", 401, "API_KEY_MISSING", "Unauthorized", kClosePolicy,
              kUnauthenticated},
    ReasonRow{"API_KEY_INVALID", 401, "API_KEY_INVALID", "Unauthorized", kClosePolicy,
              kUnauthenticated},
    ReasonRow{"SUBSCRIPTION_ENDED", 401, "SUBSCRIPTION_ENDED",
              "The subscription is no longer valid", kClosePolicy, kUnauthenticated},
    ReasonRow{"PLAN_ENDED", 401, "PLAN_ENDED", "The plan is no longer available", kClosePolicy,
              kUnauthenticated},
    ReasonRow{"ORIGIN_NOT_ALLOWED", 403, "ORIGIN_NOT_ALLOWED",
              "Origin is not allowed to open a WebSocket here", kClosePolicy, kDenied},
    // --- the request itself
    ReasonRow{"BODY_TOO_LARGE", 413, "REQUEST_CONTENT_LIMIT_TOO_LARGE",
              "The request body is larger than the limit", kCloseTooBig, kExhausted},
    ReasonRow{"MESSAGE_TOO_LARGE", 413, "MESSAGE_TOO_LARGE",
              "The message is larger than the endpoint takes", kCloseTooBig, kExhausted},
    ReasonRow{"BODY_TIMEOUT", 408, "BODY_TIMEOUT", "The request body did not arrive in time",
              kCloseError, kDeadline},
    ReasonRow{"BODY_MALFORMED", 400, "BODY_MALFORMED", "The request body is malformed",
              kCloseProtocol, kInvalid},
    ReasonRow{"UNSUPPORTED_ACCEPT", 400, "UNSUPPORTED_ACCEPT", "", kCloseProtocol, kInvalid},
    ReasonRow{"INVALID_LIMIT", 400, "INVALID_LIMIT", "", kCloseProtocol, kInvalid},
    ReasonRow{"INVALID_QUERY", 400, "INVALID_QUERY", "", kCloseProtocol, kInvalid},
    ReasonRow{"CURSOR_MALFORMED", 400, "INVALID_CURSOR", "", kCloseBadData, kInvalid},
    ReasonRow{"INVALID_DESTINATION", 400, "INVALID_DESTINATION", "", kCloseProtocol, kInvalid},
    ReasonRow{"INVALID_CLIENT_IDENTIFIER", 400, "INVALID_CLIENT_IDENTIFIER", "", kCloseProtocol,
              kInvalid},
    ReasonRow{"WEBSOCKET_HANDSHAKE", 400, "WEBSOCKET_HANDSHAKE", "", kCloseProtocol, kInvalid},
    ReasonRow{"WEBSOCKET_VERSION", 426, "WEBSOCKET_VERSION",
              "Sec-WebSocket-Version must be 13", kCloseProtocol, kPrecondition},
    // --- QoS, when it is found at request time after all
    ReasonRow{"INCOMPATIBLE_QOS", 400, "INCOMPATIBLE_QOS",
              "Incompatible Qos between entrypoint and endpoint", kClosePolicy, kPrecondition},
    ReasonRow{"INCOMPATIBLE_QOS_CAPABILITIES", 400, "INCOMPATIBLE_QOS_CAPABILITIES",
              "Incompatible Qos capabilities between entrypoint requirements and endpoint supports",
              kClosePolicy, kPrecondition},
    // --- capacity and lifecycle
    ReasonRow{"DRAINING", 503, "DRAINING", "Stopping, please reconnect", kCloseTryLater,
              kUnavailable},
    ReasonRow{"OVERLOADED", 503, "OVERLOADED", "The gateway is at its limit, try again later",
              kCloseTryLater, kUnavailable},
    ReasonRow{"CONNECTION_AGED", 503, "CONNECTION_AGED",
              "The connection has reached its age, please reconnect", kCloseTryLater, kUnavailable},
    ReasonRow{"TOO_MANY_STREAMS", 429, "TOO_MANY_STREAMS",
              "Too many streams are open for this consumer", kCloseTryLater, kExhausted},
    ReasonRow{"BROKER_CLIENTS_EXHAUSTED", 503, "BROKER_CLIENTS_EXHAUSTED",
              "Too many consumer groups are open", kCloseTryLater, kExhausted},
    ReasonRow{"REQUEST_TIMEOUT", 504, "REQUEST_TIMEOUT", "Request timeout", kCloseError, kDeadline},
};

constexpr std::string_view kConfigText = "Endpoint configuration invalid";
constexpr std::string_view kConfigKey = "FAILURE_ENDPOINT_CONFIGURATION_INVALID";
constexpr std::string_view kFailedText = "Endpoint connection failed";
constexpr std::string_view kFailedKey = "FAILURE_ENDPOINT_CONNECTION_FAILED";
constexpr std::string_view kClosedText = "Endpoint connection closed";
constexpr std::string_view kClosedKey = "FAILURE_ENDPOINT_CONNECTION_CLOSED";
constexpr std::string_view kOtherText = "Endpoint unknown error";
constexpr std::string_view kOtherKey = "FAILURE_ENDPOINT_UNKNOWN_ERROR";

constexpr Outcome kNo = Outcome::kNo;
constexpr Outcome kMaybe = Outcome::kUnknown;

constexpr std::array kClasses{
    ClassRow{kConfigInvalid, kNo, 503, kConfigKey, kConfigText, kCloseError, kUnavailable},
    ClassRow{kTlsFailed, kNo, 503, kConfigKey, kConfigText, kCloseError, kUnavailable},
    ClassRow{kAuthFailed, kNo, 503, kConfigKey, kConfigText, kCloseError, kUnavailable},
    ClassRow{kNotAuthorized, kNo, 503, kConfigKey, kConfigText, kCloseError, kUnavailable},
    ClassRow{kConnectFailed, kNo, 503, kFailedKey, kFailedText, kCloseError, kUnavailable},
    ClassRow{kConnectionClosed, kNo, 503, kClosedKey, kClosedText, kCloseError, kUnavailable},
    ClassRow{kDestinationMissing, kNo, 503, "DESTINATION_UNKNOWN", kOtherText, kCloseError,
             kUnavailable},
    ClassRow{kPositionUnavailable, kNo, 410, "CURSOR_EXPIRED",
             "The position is no longer available", kCloseError, kRange},
    ClassRow{kMessageRejected, kNo, 400, "MESSAGE_REJECTED", "The endpoint refused the message",
             kCloseError, kInvalid},
    ClassRow{kNoRoute, kNo, 503, "UNROUTABLE", kOtherText, kCloseError, kUnavailable},
    ClassRow{ErrorClass::kOverloaded, kNo, 503, "ENDPOINT_OVERLOADED",
             "The endpoint is overloaded, try again later", kCloseTryLater, kUnavailable},
    ClassRow{kTimeout, kNo, 503, kFailedKey, kFailedText, kCloseError, kUnavailable},
    ClassRow{kFatal, kNo, 503, kOtherKey, kOtherText, kCloseError, kUnavailable},
    ClassRow{kInternal, kNo, 500, "INTERNAL_ERROR", "Internal error", kCloseError, kBug},
    ClassRow{kConfigInvalid, kMaybe, 502, kConfigKey, kConfigText, kCloseError, kUnknown},
    ClassRow{kTlsFailed, kMaybe, 502, kConfigKey, kConfigText, kCloseError, kUnknown},
    ClassRow{kAuthFailed, kMaybe, 502, kConfigKey, kConfigText, kCloseError, kUnknown},
    ClassRow{kNotAuthorized, kMaybe, 502, kConfigKey, kConfigText, kCloseError, kUnknown},
    ClassRow{kConnectFailed, kMaybe, 502, kFailedKey, kFailedText, kCloseError, kUnknown},
    ClassRow{kConnectionClosed, kMaybe, 502, kClosedKey, kClosedText, kCloseError, kUnknown},
    ClassRow{kDestinationMissing, kMaybe, 502, "DESTINATION_UNKNOWN", kOtherText, kCloseError,
             kUnknown},
    ClassRow{kPositionUnavailable, kMaybe, 502, kOtherKey, kOtherText, kCloseError, kUnknown},
    ClassRow{kMessageRejected, kMaybe, 502, "MESSAGE_REJECTED", kOtherText, kCloseError, kUnknown},
    ClassRow{kNoRoute, kMaybe, 502, "UNROUTABLE", kOtherText, kCloseError, kUnknown},
    ClassRow{ErrorClass::kOverloaded, kMaybe, 502, "ENDPOINT_OVERLOADED", kOtherText,
             kCloseTryLater, kUnknown},
    ClassRow{kTimeout, kMaybe, 504, "REQUEST_TIMEOUT", "Request timeout", kCloseError, kDeadline},
    ClassRow{kFatal, kMaybe, 502, kOtherKey, kOtherText, kCloseError, kUnknown},
    ClassRow{kInternal, kMaybe, 500, "INTERNAL_ERROR", "Internal error", kCloseError, kBug},
};

template <typename Row>
Answer Fill(const Row& row, const Status& status, Outcome outcome) {
  Answer answer;
  answer.http = row.http;
  answer.key = row.key;
  answer.text = row.text.empty() ? MessageOf(status) : std::string(row.text);
  answer.outcome = outcome == kMaybe ? "unknown" : "no";
  answer.close = row.close;
  answer.grpc = row.grpc;
  answer.retry_later = (row.http == 503 || row.http == 429) && row.close == kCloseTryLater;
  return answer;
}

}  // namespace

std::span<const ReasonRow> ReasonRows() { return kReasons; }
std::span<const ClassRow> ClassRows() { return kClasses; }

Answer AnswerOf(const Status& status, Outcome outcome) {
  if (outcome == Outcome::kOk) outcome = kNo;
  // A reason describes what was refused before anything was handed over: it needs a definite no.
  const std::string reason = outcome == kNo ? ReasonOf(status) : std::string();
  if (!reason.empty()) {
    for (const ReasonRow& row : kReasons) {
      if (row.reason == reason) return Fill(row, status, outcome);
    }
  }
  const ErrorClass error_class = ClassOf(status);
  for (const ClassRow& row : kClasses) {
    if (row.error_class == error_class && row.outcome == outcome) {
      return Fill(row, status, outcome);
    }
  }
  Answer bug;
  bug.key = "INTERNAL_ERROR";
  bug.text = "Internal error";
  bug.outcome = outcome == kMaybe ? "unknown" : "no";
  return bug;
}

Status Refuse(std::string_view reason, std::string_view text) {
  for (const ReasonRow& row : kReasons) {
    if (row.reason == reason) {
      const auto code = static_cast<StatusCode>(row.grpc);
      return WithReason(MakeStatus(code, text.empty() ? row.text : text), reason);
    }
  }
  return WithReason(Internal(text.empty() ? reason : text), reason);
}

}  // namespace tidegate::exchange
