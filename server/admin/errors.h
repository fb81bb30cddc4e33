// The error catalogue of the admin services: every error carries a google.rpc.ErrorInfo of domain
// `tidegate.admin`, and the details that its reason asks for.
//
// Errors are ordinary Status values whose details travel as payload, so that what needs no gRPC
// (definition directories, tests) sees the same ones.
// Thread: pure functions. Fails: never.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/base/status.h"
#include "server/config/violation.h"

namespace google::rpc {
class Status;
}

namespace tidegate::admin {

inline constexpr std::string_view kErrorDomain = "tidegate.admin";
// What an error may hold: gRPC carries it in a trailer, which has a limit of 8 KiB.
inline constexpr std::size_t kViolationsMax = 40;
inline constexpr std::size_t kViolationBytesMax = 4 * 1024;

using Metadata = std::vector<std::pair<std::string, std::string>>;

// All violations at once. The code is INVALID_ARGUMENT, but where all are of one reason that has a
// code of its own (SECRET_UNRESOLVED, UNRESOLVED_REFERENCE, LISTENER_CONFLICT).
Status Refuse(const config::Violations& violations);
Status InvalidField(std::string_view path, std::string_view message,
                    std::string_view reason = config::kInvalidField);

Status ResourceMissing(std::string_view type, std::string_view name);
Status RevisionMissing(std::string_view name);
Status ResourceExists(std::string_view type, std::string_view name, std::string_view text = {});
// All conflicts as `violations`; the first is that of host and path with `other`.
Status ListenerConflict(const config::Violations& violations, std::string_view other,
                        std::string_view host, std::string_view path);
Status EtagMismatch(std::string_view name, std::string_view current);
// FAILED_PRECONDITION: HAS_CHILDREN, WRONG_STATE, UNRESOLVED_REFERENCE.
Status Precondition(std::string_view reason, std::string_view subject, std::string_view text);
Status ManagedElsewhere(std::string_view name, std::string_view owner);
Status LimitReached(std::string_view subject, std::string_view text);
Status UnavailableNow(std::string_view reason, std::string_view text);
// What the store answered, in the words of the catalogue.
Status StoreFailed(const Status& status);

// The fields or subjects that `status` names, as many as its details hold.
config::Violations ViolationsOf(const Status& status);

// Code, text and details as they go to a caller; an ErrorInfo is always there.
google::rpc::Status ToRpcStatus(const Status& status);

}  // namespace tidegate::admin
