// Rules of applications and subscriptions, and between resources.
#include <google/protobuf/util/time_util.h>

#include <map>
#include <set>

#include "server/base/strings.h"
#include "server/config/names.h"
#include "server/config/validate.h"
#include "server/model/validate.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::model {
namespace {

namespace v1 = config::v1;
using config::Child;
using config::FieldViolation;
using config::Item;
using config::ResourceKind;
using config::Violations;

void CheckName(ResourceKind kind, const std::string& name, const char* path,
               Violations& violations) {
  if (name.empty()) return;  // said by the rules of the field
  const auto parsed = config::ParseNameAs(kind, name);
  if (!parsed.ok()) {
    violations.push_back(FieldViolation(path, config::kInvalidField, MessageOf(parsed.status())));
  }
}

bool IsBefore(const google::protobuf::Timestamp& a, const google::protobuf::Timestamp& b) {
  return a.seconds() != b.seconds() ? a.seconds() < b.seconds() : a.nanos() < b.nanos();
}

void CheckKey(const v1::ApiKey& key, const std::string& path, Violations& violations) {
  if (key.credential_case() != v1::ApiKey::kKey ||
      key.key().source_case() != v1::Secret::kText) {
    return;
  }
  const std::string& text = key.key().text();
  bool safe = text.size() >= 8 && text.size() <= 128;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    safe = safe && byte > 0x20 && byte < 0x7F &&
           std::string_view("^#%@\\/;=?|~,").find(c) == std::string_view::npos;
  }
  if (safe) return;
  violations.push_back(FieldViolation(Child(path, "key"), config::kInvalidField,
                                      "must have 8 to 128 URL-safe characters"));
}

using ResourceViolations = Violations;

class BundleValidator {
 public:
  BundleValidator(const Bundle& bundle, bool complete, ResourceViolations& violations)
      : bundle_(bundle), complete_(complete), violations_(violations) {}

  void Run() {
    for (const v1::Api* api : bundle_.apis) {
      if (api == nullptr) continue;
      apis_[api->name()] = api;
      Listeners(*api);
    }
    for (const v1::Application* application : bundle_.applications) {
      if (application != nullptr) applications_.insert(application->name());
    }
    for (const v1::Subscription* subscription : bundle_.subscriptions) {
      if (subscription != nullptr) References(*subscription);
    }
  }

 private:
  void Add(const std::string& resource, const std::string& path, std::string_view reason,
           const std::string& text) {
    config::Violation violation = FieldViolation(path, reason, text);
    violation.resource = resource;
    violations_.push_back(std::move(violation));
  }

  // An API that is only stored takes no path from others.
  void Listeners(const v1::Api& api) {
    if (api.desired_state() == v1::API_DESIRED_STATE_STORED) return;
    for (int i = 0; i < api.listeners_size(); ++i) {
      const v1::Listener& listener = api.listeners(i);
      const std::string key = ToLower(listener.host()) + " " + listener.path();
      const auto [at, fresh] = listeners_.emplace(key, api.name());
      if (fresh || at->second == api.name()) continue;
      Add(api.name(), Item("listeners", static_cast<std::size_t>(i)), "LISTENER_CONFLICT",
          "has the host and path of a listener of " + at->second);
    }
  }

  void References(const v1::Subscription& subscription) {
    const std::string& name = subscription.name();
    if (complete_ && applications_.count(subscription.application()) == 0) {
      Add(name, "application", config::kUnresolved, "names an application that is not there");
    }
    const auto api = apis_.find(subscription.api());
    if (api == apis_.end()) {
      if (complete_) Add(name, "api", config::kUnresolved, "names an API that is not there");
      return;
    }
    const v1::Plan* plan = nullptr;
    for (const v1::Plan& other : api->second->plans()) {
      if (other.name() == subscription.plan()) plan = &other;
    }
    if (plan == nullptr) {
      // A plan missing from a file may be kept by the gateway.
      if (complete_) Add(name, "plan", config::kUnresolved, "names a plan that is not there");
    } else if (plan->has_keyless()) {
      Add(name, "plan", config::kInvalidField,
          "is keyless: everyone may use it without a subscription");
    } else if (subscription.api_keys_size() > 0 && !plan->has_api_key()) {
      Add(name, "apiKeys", config::kInvalidField,
          "are of no use: the plan does not ask for API keys");
    }
  }

  const Bundle& bundle_;
  const bool complete_;
  ResourceViolations& violations_;
  std::map<std::string, const v1::Api*> apis_;
  std::set<std::string> applications_;
  std::map<std::string, std::string> listeners_;
};

}  // namespace

void Validate(const v1::Application& application, Violations& violations) {
  config::ValidateFields(application, violations);
  CheckName(ResourceKind::kApplication, application.name(), "name", violations);
}

void Validate(const v1::Subscription& subscription, Violations& violations) {
  config::ValidateFields(subscription, violations);
  CheckName(ResourceKind::kSubscription, subscription.name(), "name", violations);
  CheckName(ResourceKind::kApi, subscription.api(), "api", violations);
  CheckName(ResourceKind::kPlan, subscription.plan(), "plan", violations);
  CheckName(ResourceKind::kApplication, subscription.application(), "application", violations);
  for (const auto& [path, name] : {std::pair<const char*, const std::string&>(
                                       "name", subscription.name()),
                                   {"plan", subscription.plan()}}) {
    if (!subscription.api().empty() && config::ParseName(name) &&
        !StartsWith(name, subscription.api() + "/")) {
      violations.push_back(FieldViolation(path, config::kInvalidField,
                                          "must belong to the API of the subscription"));
    }
  }
  if (subscription.has_start_time() && subscription.has_end_time() &&
      !IsBefore(subscription.start_time(), subscription.end_time())) {
    violations.push_back(
        FieldViolation("endTime", config::kInvalidField, "must be after startTime"));
  }
  for (int i = 0; i < subscription.api_keys_size(); ++i) {
    CheckKey(subscription.api_keys(i), Item("apiKeys", static_cast<std::size_t>(i)), violations);
  }
}

void ValidateBundle(const Bundle& bundle, bool complete, Violations& violations) {
  BundleValidator(bundle, complete, violations).Run();
}

}  // namespace tidegate::model
