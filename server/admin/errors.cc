#include "server/admin/errors.h"

#include <algorithm>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace tidegate::admin {
namespace {

constexpr char kDetailsPayload[] = "tidegate.admin/details";
constexpr std::size_t kTextBytesMax = 1024;

std::string Text(std::string_view text) { return std::string(text); }

google::rpc::ErrorInfo Info(std::string_view reason, const Metadata& metadata) {
  google::rpc::ErrorInfo info;
  info.set_reason(Text(reason));
  info.set_domain(Text(kErrorDomain));
  for (const auto& [key, value] : metadata) {
    (*info.mutable_metadata())[key] = value.substr(0, 256);
  }
  return info;
}

Status Make(StatusCode code, std::string_view text, std::string_view reason,
            const Metadata& metadata, const google::protobuf::Message* detail) {
  google::rpc::Status details;
  details.add_details()->PackFrom(Info(reason, metadata));
  if (detail != nullptr) details.add_details()->PackFrom(*detail);
  Status status = WithReason(MakeStatus(code, text.substr(0, kTextBytesMax)), reason);
  status.SetPayload(kDetailsPayload, absl::Cord(details.SerializeAsString()));
  return status;
}

// The code of a reason that is more than a wrong field; kInvalidArgument otherwise.
StatusCode CodeOfReason(const std::string& reason) {
  if (reason == config::kSecretUnresolved || reason == config::kUnresolved) {
    return StatusCode::kFailedPrecondition;
  }
  if (reason == "LISTENER_CONFLICT") return StatusCode::kAlreadyExists;
  return StatusCode::kInvalidArgument;
}

std::string FieldOf(const config::Violation& violation) {
  if (violation.file.empty()) return violation.path;
  std::string text = violation.file;
  if (violation.line > 0) text += ":" + std::to_string(violation.line);
  return text + " " + violation.path;
}

google::rpc::BadRequest Capped(const config::Violations& violations) {
  google::rpc::BadRequest bad;
  std::size_t bytes = 0;
  for (const config::Violation& violation : violations) {
    if (static_cast<std::size_t>(bad.field_violations_size()) == kViolationsMax) break;
    google::rpc::BadRequest::FieldViolation one;
    one.set_field(FieldOf(violation).substr(0, 512));
    one.set_description(violation.message.substr(0, 512));
    one.set_reason(violation.reason.substr(0, 63));
    bytes += one.ByteSizeLong() + 4;
    if (bytes > kViolationBytesMax) break;
    *bad.add_field_violations() = std::move(one);
  }
  return bad;
}

std::string_view ReasonOfCode(StatusCode code) {
  switch (code) {
    case StatusCode::kInvalidArgument:
      return "INVALID_FIELD";
    case StatusCode::kNotFound:
      return "RESOURCE_NOT_FOUND";
    case StatusCode::kAlreadyExists:
      return "RESOURCE_EXISTS";
    case StatusCode::kAborted:
      return "ETAG_MISMATCH";
    case StatusCode::kFailedPrecondition:
      return "WRONG_STATE";
    case StatusCode::kResourceExhausted:
      return "LIMIT_REACHED";
    case StatusCode::kUnavailable:
      return "STATE_BACKEND_DOWN";
    case StatusCode::kDeadlineExceeded:
      return "DEADLINE_EXCEEDED";
    case StatusCode::kCancelled:
      return "CANCELLED";
    case StatusCode::kUnimplemented:
      return "FEATURE_DISABLED";
    default:
      return "INTERNAL";
  }
}

}  // namespace

Status Refuse(const config::Violations& violations) {
  if (violations.empty()) return Internal("admin: refused without a violation");
  const std::string& first = violations.front().reason;
  const bool same = std::all_of(violations.begin(), violations.end(),
                                [&](const config::Violation& v) { return v.reason == first; });
  const std::string reason = same && !first.empty() ? first : "INVALID_FIELD";
  const StatusCode code = same ? CodeOfReason(reason) : StatusCode::kInvalidArgument;
  const google::rpc::BadRequest bad = Capped(violations);
  const std::size_t kept = static_cast<std::size_t>(bad.field_violations_size());
  Metadata metadata = {{"violation_count", std::to_string(violations.size())}};
  if (kept < violations.size()) metadata.emplace_back("truncated", "true");
  std::string text = FieldOf(violations.front()) + ": " + violations.front().message;
  if (violations.size() > 1) {
    text += " (and " + std::to_string(violations.size() - 1) + " more)";
  }
  if (code != StatusCode::kFailedPrecondition) return Make(code, text, reason, metadata, &bad);
  google::rpc::PreconditionFailure failure;
  for (const auto& violation : bad.field_violations()) {
    auto* one = failure.add_violations();
    one->set_type(violation.reason());
    one->set_subject(violation.field());
    one->set_description(violation.description());
  }
  return Make(code, text, reason, metadata, &failure);
}

Status InvalidField(std::string_view path, std::string_view message, std::string_view reason) {
  return Refuse({config::FieldViolation(path, reason, message)});
}

Status ResourceMissing(std::string_view type, std::string_view name) {
  google::rpc::ResourceInfo resource;
  resource.set_resource_type(Text(type));
  resource.set_resource_name(Text(name));
  resource.set_description("there is none of this name");
  return Make(StatusCode::kNotFound, Text(name) + " does not exist", "RESOURCE_NOT_FOUND",
              {{"resource", Text(name)}}, &resource);
}

Status RevisionMissing(std::string_view name) {
  google::rpc::ResourceInfo resource;
  resource.set_resource_type("tidegate.config.v1.ApiRevision");
  resource.set_resource_name(Text(name));
  resource.set_description("there is no such revision, or it is no longer kept");
  return Make(StatusCode::kNotFound, Text(name) + " does not exist", "REVISION_NOT_FOUND",
              {{"resource", Text(name)}}, &resource);
}

Status ResourceExists(std::string_view type, std::string_view name, std::string_view text) {
  google::rpc::ResourceInfo resource;
  resource.set_resource_type(Text(type));
  resource.set_resource_name(Text(name));
  resource.set_description(text.empty() ? "there is one of this name" : Text(text));
  return Make(StatusCode::kAlreadyExists,
              text.empty() ? Text(name) + " exists already" : Text(name) + ": " + Text(text),
              "RESOURCE_EXISTS", {{"resource", Text(name)}}, &resource);
}

Status ListenerConflict(const config::Violations& violations, std::string_view other,
                        std::string_view host, std::string_view path) {
  google::rpc::ResourceInfo resource;
  resource.set_resource_type("tidegate.config.v1.Api");
  resource.set_resource_name(Text(other));
  resource.set_description("its listener has the same host and path");
  const Status refused = Refuse(violations);
  google::rpc::Status rpc = ToRpcStatus(refused);
  for (google::protobuf::Any& detail : *rpc.mutable_details()) {
    google::rpc::ErrorInfo info;
    if (!detail.UnpackTo(&info)) continue;
    (*info.mutable_metadata())["api"] = Text(other);
    (*info.mutable_metadata())["host"] = Text(host);
    (*info.mutable_metadata())["path"] = Text(path);
    detail.PackFrom(info);
  }
  rpc.add_details()->PackFrom(resource);
  Status status = MakeStatus(refused.code(), MessageOf(refused));
  status.SetPayload(kDetailsPayload, absl::Cord(rpc.SerializeAsString()));
  return status;
}

Status EtagMismatch(std::string_view name, std::string_view current) {
  return Make(StatusCode::kAborted,
              Text(name) + " has changed since it was read; read it again and repeat the change",
              "ETAG_MISMATCH", {{"resource", Text(name)}, {"current_etag", Text(current)}},
              nullptr);
}

Status Precondition(std::string_view reason, std::string_view subject, std::string_view text) {
  google::rpc::PreconditionFailure failure;
  auto* violation = failure.add_violations();
  violation->set_type(Text(reason));
  violation->set_subject(Text(subject));
  violation->set_description(Text(text));
  return Make(StatusCode::kFailedPrecondition, Text(subject) + ": " + Text(text), reason,
              {{"resource", Text(subject)}}, &failure);
}

Status ManagedElsewhere(std::string_view name, std::string_view owner) {
  google::rpc::PreconditionFailure failure;
  auto* violation = failure.add_violations();
  violation->set_type("MANAGED_ELSEWHERE");
  violation->set_subject(Text(name));
  violation->set_description("it is kept by " + Text(owner) + "; force takes it over");
  return Make(StatusCode::kFailedPrecondition,
              Text(name) + " is kept by " + Text(owner) + "; change it there, or force",
              "MANAGED_ELSEWHERE", {{"resource", Text(name)}, {"owner", Text(owner)}}, &failure);
}

Status LimitReached(std::string_view subject, std::string_view text) {
  google::rpc::QuotaFailure failure;
  auto* violation = failure.add_violations();
  violation->set_subject(Text(subject));
  violation->set_description(Text(text));
  return Make(StatusCode::kResourceExhausted, Text(subject) + ": " + Text(text), "LIMIT_REACHED",
              {{"subject", Text(subject)}}, &failure);
}

Status UnavailableNow(std::string_view reason, std::string_view text) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(1);
  return Make(StatusCode::kUnavailable, text, reason, {}, &retry);
}

Status StoreFailed(const Status& status) {
  if (status.code() == StatusCode::kResourceExhausted) {
    return LimitReached("state", MessageOf(status));
  }
  if (status.code() == StatusCode::kAborted) {
    return UnavailableNow("STATE_BACKEND_DOWN", MessageOf(status) + " behind the gateway's back");
  }
  return UnavailableNow("STATE_BACKEND_DOWN", MessageOf(status));
}

config::Violations ViolationsOf(const Status& status) {
  config::Violations found;
  const google::rpc::Status rpc = ToRpcStatus(status);
  for (const google::protobuf::Any& detail : rpc.details()) {
    google::rpc::BadRequest bad;
    google::rpc::PreconditionFailure failure;
    if (detail.UnpackTo(&bad)) {
      for (const auto& one : bad.field_violations()) {
        found.push_back(config::FieldViolation(one.field(), one.reason(), one.description()));
      }
    } else if (detail.UnpackTo(&failure)) {
      for (const auto& one : failure.violations()) {
        found.push_back(config::FieldViolation(one.subject(), one.type(), one.description()));
      }
    }
  }
  return found;
}

google::rpc::Status ToRpcStatus(const Status& status) {
  google::rpc::Status result;
  const auto payload = status.GetPayload(kDetailsPayload);
  if (payload.has_value()) result.ParseFromString(std::string(*payload));
  result.set_code(static_cast<int>(status.code()));
  result.set_message(MessageOf(status).substr(0, kTextBytesMax));
  if (result.details_size() == 0 && !status.ok()) {
    const std::string reason = ReasonOf(status);
    result.add_details()->PackFrom(
        Info(reason.empty() ? ReasonOfCode(status.code()) : std::string_view(reason), {}));
  }
  return result;
}

}  // namespace tidegate::admin
