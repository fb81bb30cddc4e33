#include "server/admin/service_call.h"

#include <google/protobuf/message.h>

#include <memory>

#include "server/admin/errors.h"
#include "server/admin/messages.h"
#include "server/base/log.h"
#include "server/base/strings.h"
#include "server/config/redact.h"
#include "server/config/unknown_fields.h"
#include "server/telemetry/metrics.h"

namespace tidegate::admin {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string_view MethodName(std::string_view method) {
  const std::size_t slash = method.rfind('/');
  return slash == std::string_view::npos ? method : method.substr(slash + 1);
}

std::string StringField(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->type() != FieldDescriptor::TYPE_STRING || field->is_repeated()) {
    return {};
  }
  return message.GetReflection()->GetString(message, field);
}

bool BoolField(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  return field != nullptr && field->type() == FieldDescriptor::TYPE_BOOL &&
         message.GetReflection()->GetBool(message, field);
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f') ||
                     (text[i] >= 'A' && text[i] <= 'F');
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

// A key's text is shown once: an answer that is kept has none.
void ClearPlaintext(Message& message) {
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->name() == "plaintext") {
      reflection->ClearField(&message, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_map()) {
      if (!field->is_repeated()) {
        ClearPlaintext(*reflection->MutableMessage(&message, field));
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
        ClearPlaintext(*reflection->MutableRepeatedMessage(&message, field, i));
      }
    }
  }
}

// The two answers in which a key is shown, this once; they hold nothing else that is secret.
bool ShowsKeys(const Message& response) {
  const std::string& name = response.GetDescriptor()->full_name();
  return name == "tidegate.admin.v1.ApiKeySecret" ||
         name == "tidegate.admin.v1.ApplyConfigResponse";
}

void WriteAudit(const Call& call, const Message& request, const Status& status) {
  if (IsRead(call.method)) return;
  const std::string code = CodeWord(status.code());
  const std::string reason = ReasonOf(status);
  Log(status.ok() ? LogLevel::kInfo : LogLevel::kWarn, "audit.admin",
      {{"principal", call.principal},
       {"method", call.method},
       {"resource", call.audit.resource},
       {"etag_before", call.audit.etag_before},
       {"etag_after", status.ok() ? call.audit.etag_after : call.audit.etag_before},
       {"validate_only", BoolField(request, "validate_only") ? "true" : "false"},
       {"result", code},
       {"reason", reason}});
}

void Measure(const Call& call, const Status& status, std::chrono::steady_clock::time_point begin) {
  auto& registry = telemetry::Registry::Global();
  registry
      .GetCounter("tidegate_admin_requests_total", "Calls of the admin services answered.",
                  {{"method", call.method}, {"code", CodeWord(status.code())}})
      .Add();
  registry
      .GetHistogram("tidegate_admin_request_duration_seconds",
                    "How long calls of the admin services took.", telemetry::DurationBuckets(),
                    {{"method", call.method}})
      .Observe(std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin));
}

}  // namespace

std::string CodeWord(StatusCode code) {
  static constexpr const char* kWords[] = {
      "OK",           "CANCELLED",         "UNKNOWN",
      "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
      "ALREADY_EXISTS",   "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
      "FAILED_PRECONDITION", "ABORTED",        "OUT_OF_RANGE",
      "UNIMPLEMENTED",    "INTERNAL",          "UNAVAILABLE",
      "DATA_LOSS",        "UNAUTHENTICATED"};
  const auto index = static_cast<std::size_t>(code);
  return index < std::size(kWords) ? kWords[index] : "UNKNOWN";
}

bool IsRead(std::string_view method) {
  const std::string_view name = MethodName(method);
  for (const std::string_view word : {"Get", "List", "Diff", "Dump", "Test"}) {
    if (StartsWith(name, word)) return true;
  }
  return false;
}

StatusOr<bool> ServiceCall::Recall(const std::string& key, const Sha256Digest& request,
                                   Message& response) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return false;
  const Answer& answer = *found->second;
  if (answer.request != request) {
    return InvalidField("request_id", "was used for another request");
  }
  return response.ParseFromString(answer.response);
}

void ServiceCall::Remember(const std::string& key, const Sha256Digest& request,
                           const Message& response) {
  const std::unique_ptr<Message> kept(response.New());
  kept->CopyFrom(response);
  ClearPlaintext(*kept);
  const std::lock_guard lock(mutex_);
  if (by_key_.count(key) != 0) return;
  answers_.push_back(Answer{key, request, kept->SerializeAsString()});
  by_key_[key] = std::prev(answers_.end());
  answer_bytes_ += answers_.back().response.size();
  while (answers_.size() > kRequestIdsKept || answer_bytes_ > kRequestIdBytesKept) {
    answer_bytes_ -= answers_.front().response.size();
    by_key_.erase(answers_.front().key);
    answers_.pop_front();
  }
}

Status ServiceCall::Checked(Call& call, const Message& request, Message& response,
                            const std::function<Status()>& operation) {
  if (call.deadline <= std::chrono::steady_clock::now()) {
    return DeadlineExceeded("admin: the deadline of the call had passed");
  }
  if (request.ByteSizeLong() > request_bytes_max_) {
    return LimitReached("request", "is larger than " + std::to_string(request_bytes_max_) +
                                       " bytes");
  }
  config::Violations violations;
  config::FindUnknownFields(request, violations);
  if (!violations.empty()) return Refuse(violations);
  const std::string id = StringField(request, "request_id");
  if (!id.empty() && !IsUuid(id)) return InvalidField("request_id", "must be a UUID");
  const bool kept = !id.empty() && !BoolField(request, "validate_only");
  if (!kept) return operation();
  const std::string key = call.principal + " " + call.method + " " + ToLower(id);
  const Sha256Digest digest = Sha256(Canonical(request));
  // Who repeats a call is often tired of waiting for the first, which goes on all the same.
  if (!Enter(key, call.deadline)) {
    return DeadlineExceeded("admin: the call with this request_id before is still under way");
  }
  const Status status = Once(key, digest, response, operation);
  Leave(key);
  return status;
}

bool ServiceCall::Enter(const std::string& key, std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  if (!ended_.wait_until(lock, deadline, [&] { return running_.count(key) == 0; })) return false;
  running_.insert(key);
  return true;
}

void ServiceCall::Leave(const std::string& key) {
  const std::lock_guard lock(mutex_);
  running_.erase(key);
  ended_.notify_all();
}

Status ServiceCall::Once(const std::string& key, const Sha256Digest& request, Message& response,
                         const std::function<Status()>& operation) {
  TG_ASSIGN_OR_RETURN(const bool known, Recall(key, request, response));
  if (known) return OkStatus();
  TG_RETURN_IF_ERROR(operation());
  Remember(key, request, response);
  return OkStatus();
}

Status ServiceCall::Run(Call& call, const Message& request, Message& response,
                        const std::function<Status()>& operation) {
  const auto begin = std::chrono::steady_clock::now();
  const Status status = Checked(call, request, response, operation);
  if (status.ok()) {
    if (!ShowsKeys(response)) config::Redact(&response);
  } else {
    response.Clear();
  }
  WriteAudit(call, request, status);
  Measure(call, status, begin);
  return status;
}

}  // namespace tidegate::admin
