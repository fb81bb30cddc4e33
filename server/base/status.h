// Errors as values for everything above the socket (DESIGN §8).
//
// A Status carries a code (the integers of gRPC), a text "operation + object + cause" and, for
// failures of a broker, an ErrorClass. Below the socket code works with error_code and converts in
// the file that made the call.
// Thread: values, any thread. Fails: never.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/error_class.h"

namespace tidegate {

using Status = absl::Status;
using StatusCode = absl::StatusCode;
template <typename T>
using StatusOr = absl::StatusOr<T>;

inline Status OkStatus() { return absl::OkStatus(); }

// Builders that take std::string_view: Debian's abseil has a string_view type of its own.
Status MakeStatus(StatusCode code, std::string_view text);
Status InvalidArgument(std::string_view text);
Status NotFound(std::string_view text);
Status AlreadyExists(std::string_view text);
Status FailedPrecondition(std::string_view text);
Status Aborted(std::string_view text);
Status OutOfRange(std::string_view text);
Status ResourceExhausted(std::string_view text);
Status PermissionDenied(std::string_view text);
Status Unauthenticated(std::string_view text);
Status Unavailable(std::string_view text);
Status DeadlineExceeded(std::string_view text);
Status Cancelled(std::string_view text);
Status Unimplemented(std::string_view text);
Status Internal(std::string_view text);

std::string MessageOf(const Status& status);

// A broker failure: the code follows from the class, the class travels as payload.
Status MakeError(ErrorClass error_class, std::string_view text);
// The class of a status made by MakeError; otherwise the nearest class of its code.
ErrorClass ClassOf(const Status& status);

// A machine-readable reason (UPPER_SNAKE, as in ErrorInfo or Gravitee's keys) on top of a status.
Status WithReason(Status status, std::string_view reason);
std::string ReasonOf(const Status& status);

}  // namespace tidegate

#define TG_CONCAT_(a, b) a##b
#define TG_CONCAT(a, b) TG_CONCAT_(a, b)

#define TG_RETURN_IF_ERROR(expr)                          \
  do {                                                    \
    ::tidegate::Status tg_status = (expr);                \
    if (!tg_status.ok()) return tg_status;                \
  } while (false)

#define TG_ASSIGN_OR_RETURN(lhs, expr) \
  TG_ASSIGN_OR_RETURN_(TG_CONCAT(tg_result_, __LINE__), lhs, expr)
#define TG_ASSIGN_OR_RETURN_(result, lhs, expr) \
  auto result = (expr);                         \
  if (!result.ok()) return result.status();     \
  lhs = std::move(*result)

// The same inside coroutines.
#define TG_CO_RETURN_IF_ERROR(expr)                       \
  do {                                                    \
    ::tidegate::Status tg_status = (expr);                \
    if (!tg_status.ok()) co_return tg_status;             \
  } while (false)

#define TG_CO_ASSIGN_OR_RETURN(lhs, expr) \
  TG_CO_ASSIGN_OR_RETURN_(TG_CONCAT(tg_result_, __LINE__), lhs, expr)
#define TG_CO_ASSIGN_OR_RETURN_(result, lhs, expr) \
  auto result = (expr);                            \
  if (!result.ok()) co_return result.status();     \
  lhs = std::move(*result)
