#include "server/base/status.h"

#include <array>
#include <cctype>

#include "absl/strings/cord.h"

namespace tidegate {
namespace {

constexpr char kClassUrl[] = "tidegate/error_class";
constexpr char kReasonUrl[] = "tidegate/reason";

struct ClassRow {
  ErrorClass error_class;
  std::string_view name;
  StatusCode code;
};

constexpr std::array kClasses{
    ClassRow{ErrorClass::kNone, "None", StatusCode::kOk},
    ClassRow{ErrorClass::kConfigInvalid, "ConfigInvalid", StatusCode::kFailedPrecondition},
    ClassRow{ErrorClass::kTlsFailed, "TlsFailed", StatusCode::kUnavailable},
    ClassRow{ErrorClass::kAuthFailed, "AuthFailed", StatusCode::kUnavailable},
    ClassRow{ErrorClass::kNotAuthorized, "NotAuthorized", StatusCode::kUnavailable},
    ClassRow{ErrorClass::kConnectFailed, "ConnectFailed", StatusCode::kUnavailable},
    ClassRow{ErrorClass::kConnectionClosed, "ConnectionClosed", StatusCode::kUnavailable},
    ClassRow{ErrorClass::kDestinationMissing, "DestinationMissing", StatusCode::kUnavailable},
    ClassRow{ErrorClass::kPositionUnavailable, "PositionUnavailable", StatusCode::kOutOfRange},
    ClassRow{ErrorClass::kMessageRejected, "MessageRejected", StatusCode::kInvalidArgument},
    ClassRow{ErrorClass::kNoRoute, "NoRoute", StatusCode::kUnavailable},
    ClassRow{ErrorClass::kOverloaded, "Overloaded", StatusCode::kResourceExhausted},
    ClassRow{ErrorClass::kTimeout, "Timeout", StatusCode::kDeadlineExceeded},
    ClassRow{ErrorClass::kFatal, "Fatal", StatusCode::kUnavailable},
    ClassRow{ErrorClass::kInternal, "Internal", StatusCode::kInternal},
};

std::string Payload(const Status& status, const char* url) {
  auto cord = status.GetPayload(url);
  return cord ? std::string(*cord) : std::string();
}

ErrorClass ClassOfCode(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return ErrorClass::kNone;
    case StatusCode::kInvalidArgument: return ErrorClass::kMessageRejected;
    case StatusCode::kFailedPrecondition: return ErrorClass::kConfigInvalid;
    case StatusCode::kNotFound: return ErrorClass::kDestinationMissing;
    case StatusCode::kOutOfRange: return ErrorClass::kPositionUnavailable;
    case StatusCode::kResourceExhausted: return ErrorClass::kOverloaded;
    case StatusCode::kDeadlineExceeded: return ErrorClass::kTimeout;
    case StatusCode::kUnauthenticated: return ErrorClass::kAuthFailed;
    case StatusCode::kPermissionDenied: return ErrorClass::kNotAuthorized;
    case StatusCode::kCancelled:  // whoever worked at it was told to stop
    case StatusCode::kUnavailable: return ErrorClass::kConnectionClosed;
    default: return ErrorClass::kInternal;
  }
}

}  // namespace

std::string_view NameOf(ErrorClass error_class) {
  return kClasses[static_cast<std::size_t>(error_class)].name;
}

ErrorClass ErrorClassFromName(std::string_view name) {
  auto fold = [](std::string_view text) {
    std::string out;
    for (unsigned char c : text) {
      if (c != '-' && c != '_') out.push_back(static_cast<char>(std::tolower(c)));
    }
    return out;
  };
  const std::string wanted = fold(name);
  for (const ClassRow& row : kClasses) {
    if (fold(row.name) == wanted) return row.error_class;
  }
  return ErrorClass::kNone;
}

Status MakeStatus(StatusCode code, std::string_view text) {
  return Status(code, absl::string_view(text.data(), text.size()));
}

Status InvalidArgument(std::string_view text) {
  return MakeStatus(StatusCode::kInvalidArgument, text);
}
Status NotFound(std::string_view text) { return MakeStatus(StatusCode::kNotFound, text); }
Status AlreadyExists(std::string_view text) { return MakeStatus(StatusCode::kAlreadyExists, text); }
Status FailedPrecondition(std::string_view text) {
  return MakeStatus(StatusCode::kFailedPrecondition, text);
}
Status Aborted(std::string_view text) { return MakeStatus(StatusCode::kAborted, text); }
Status OutOfRange(std::string_view text) { return MakeStatus(StatusCode::kOutOfRange, text); }
Status ResourceExhausted(std::string_view text) {
  return MakeStatus(StatusCode::kResourceExhausted, text);
}
Status PermissionDenied(std::string_view text) {
  return MakeStatus(StatusCode::kPermissionDenied, text);
}
Status Unauthenticated(std::string_view text) {
  return MakeStatus(StatusCode::kUnauthenticated, text);
}
Status Unavailable(std::string_view text) { return MakeStatus(StatusCode::kUnavailable, text); }
Status DeadlineExceeded(std::string_view text) {
  return MakeStatus(StatusCode::kDeadlineExceeded, text);
}
Status Cancelled(std::string_view text) { return MakeStatus(StatusCode::kCancelled, text); }
Status Unimplemented(std::string_view text) { return MakeStatus(StatusCode::kUnimplemented, text); }
Status Internal(std::string_view text) { return MakeStatus(StatusCode::kInternal, text); }

std::string MessageOf(const Status& status) { return std::string(status.message()); }

Status MakeError(ErrorClass error_class, std::string_view text) {
  Status status = MakeStatus(kClasses[static_cast<std::size_t>(error_class)].code, text);
  const std::string_view name = NameOf(error_class);
  status.SetPayload(kClassUrl, absl::Cord(absl::string_view(name.data(), name.size())));
  return status;
}

ErrorClass ClassOf(const Status& status) {
  const std::string name = Payload(status, kClassUrl);
  return name.empty() ? ClassOfCode(status.code()) : ErrorClassFromName(name);
}

Status WithReason(Status status, std::string_view reason) {
  status.SetPayload(kReasonUrl, absl::Cord(absl::string_view(reason.data(), reason.size())));
  return status;
}

std::string ReasonOf(const Status& status) { return Payload(status, kReasonUrl); }

}  // namespace tidegate
