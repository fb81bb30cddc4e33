#include "server/admin/definitions.h"

#include <memory>

#include "server/config/names.h"
#include "server/config/redact.h"
#include "server/model/compile.h"
#include "server/model/validate.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::admin {
namespace {

// Puts the place of the resource before the paths within it.
void Append(const config::Violations& found, std::string_view path,
            config::Violations& violations) {
  for (config::Violation violation : found) {
    violation.path = violation.path.empty() ? std::string(path)
                                            : config::Child(path, violation.path);
    violations.push_back(std::move(violation));
  }
}

template <typename Resource>
void CheckResource(const Resource& resource, std::string_view path,
                   config::Violations& violations) {
  config::Violations found;
  model::Validate(resource, found);
  Append(found, path, violations);
}

}  // namespace

void Normalize(google::protobuf::Message& resource, std::string_view path,
               config::Violations& violations) {
  config::Violations found;
  config::NormalizeNames(&resource, found);
  config::ClearOutputOnly(&resource);
  Append(found, path, violations);
}

void Check(const cfg::Api& api, std::string_view path, config::Violations& violations) {
  CheckResource(api, path, violations);
}
void Check(const cfg::Application& application, std::string_view path,
           config::Violations& violations) {
  CheckResource(application, path, violations);
}
void Check(const cfg::Subscription& subscription, std::string_view path,
           config::Violations& violations) {
  CheckResource(subscription, path, violations);
}

model::ApiPtr Compile(const cfg::Api& snapshot, std::uint64_t revision, bool stopped,
                      const std::string& tenant, std::string_view path,
                      config::Violations& violations) {
  config::Violations found;
  model::Validate(snapshot, found);
  Append(found, path, violations);
  if (!found.empty()) return nullptr;
  model::CompileOptions options;
  options.revision = revision;
  options.stopped = stopped;
  options.tenant = tenant;
  return model::CompileApi(snapshot, options);
}

model::Subscription Compile(const cfg::Subscription& subscription) {
  return model::CompileSubscription(subscription);
}

std::vector<std::string> Warnings(const cfg::Api& api) {
  config::Violations found;
  model::Lint(api, found);
  std::vector<std::string> texts;
  for (const config::Violation& one : found) texts.push_back(one.path + ": " + one.message);
  return texts;
}

void KeepSecrets(const google::protobuf::Message* stored, google::protobuf::Message& fresh,
                 std::string_view path, config::Violations& violations) {
  const std::unique_ptr<google::protobuf::Message> nothing(fresh.New());
  std::string where;
  if (config::RestoreSecrets(stored != nullptr ? *stored : *nothing, &fresh, &where)) return;
  violations.push_back(config::FieldViolation(
      config::Child(path, where), config::kInvalidField,
      "says that a secret is set, but none is kept here, or another: give the secret"));
}

}  // namespace tidegate::admin
