#include "server/config/names.h"

#include <google/protobuf/message.h>

#include <array>

#include "server/base/strings.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::config {
namespace {

struct Pattern {
  ResourceKind kind;
  std::array<std::string_view, 3> collections;  // empty: none
  std::string_view shape;
};

constexpr std::array<Pattern, 7> kPatterns = {{
    {ResourceKind::kApi, {"apis", "", ""}, "apis/{api}"},
    {ResourceKind::kPlan, {"apis", "plans", ""}, "apis/{api}/plans/{plan}"},
    {ResourceKind::kPage, {"apis", "pages", ""}, "apis/{api}/pages/{page}"},
    {ResourceKind::kRevision, {"apis", "revisions", ""}, "apis/{api}/revisions/{revision}"},
    {ResourceKind::kApplication, {"applications", "", ""}, "applications/{application}"},
    {ResourceKind::kSubscription,
     {"apis", "subscriptions", ""},
     "apis/{api}/subscriptions/{subscription}"},
    {ResourceKind::kApiKey,
     {"apis", "subscriptions", "apiKeys"},
     "apis/{api}/subscriptions/{subscription}/apiKeys/{key}"},
}};

const Pattern& PatternOf(ResourceKind kind) {
  return kPatterns[static_cast<std::size_t>(kind)];
}

bool IsId(ResourceKind kind, bool last, std::string_view id) {
  if (kind == ResourceKind::kRevision && last) {
    return id == "latest" || (id.size() <= 18 && ParseUint(id).has_value());
  }
  return IsLocalName(id);
}

std::optional<ResourceName> Match(const Pattern& pattern,
                                  const std::vector<std::string_view>& parts) {
  ResourceName name;
  name.kind = pattern.kind;
  std::size_t at = 0;
  for (std::size_t i = 0; i < pattern.collections.size(); ++i) {
    if (pattern.collections[i].empty()) break;
    if (at + 2 > parts.size() || parts[at] != pattern.collections[i]) return std::nullopt;
    const bool last = at + 2 == parts.size();
    if (!IsId(pattern.kind, last, parts[at + 1])) return std::nullopt;
    name.ids.emplace_back(parts[at + 1]);
    at += 2;
  }
  if (at != parts.size()) return std::nullopt;
  return name;
}

std::string Format(ResourceKind kind, std::initializer_list<std::string_view> ids) {
  ResourceName name;
  name.kind = kind;
  for (const std::string_view id : ids) name.ids.emplace_back(id);
  return FormatName(name);
}

// Qualifies one field in place; a missing name is the validator's to tell.
void Qualify(ResourceKind kind, const std::string& parent, const std::string& path,
             std::string* name, Violations& violations) {
  if (name->empty()) return;
  auto full = QualifyName(kind, parent, *name);
  if (full.ok()) {
    *name = *std::move(full);
  } else {
    violations.push_back(FieldViolation(path, kInvalidField, MessageOf(full.status())));
  }
}

void NormalizeApi(v1::Api* api, Violations& violations) {
  Qualify(ResourceKind::kApi, "", "name", api->mutable_name(), violations);
  if (!ParseName(api->name())) return;
  for (int i = 0; i < api->plans_size(); ++i) {
    Qualify(ResourceKind::kPlan, api->name(),
            Child(Item("plans", static_cast<std::size_t>(i)), "name"),
            api->mutable_plans(i)->mutable_name(), violations);
  }
  for (int i = 0; i < api->pages_size(); ++i) {
    Qualify(ResourceKind::kPage, api->name(),
            Child(Item("pages", static_cast<std::size_t>(i)), "name"),
            api->mutable_pages(i)->mutable_name(), violations);
  }
}

void NormalizeSubscription(v1::Subscription* subscription, Violations& violations) {
  std::string* api = subscription->mutable_api();
  if (api->empty()) {
    // A full name says which API it is.
    const auto name = ParseName(subscription->name());
    if (name && name->kind == ResourceKind::kSubscription) *api = ApiName(name->api());
  }
  Qualify(ResourceKind::kApi, "", "api", api, violations);
  Qualify(ResourceKind::kApplication, "", "application", subscription->mutable_application(),
          violations);
  if (!ParseName(*api)) return;
  Qualify(ResourceKind::kSubscription, *api, "name", subscription->mutable_name(), violations);
  Qualify(ResourceKind::kPlan, *api, "plan", subscription->mutable_plan(), violations);
  if (!ParseName(subscription->name())) return;
  for (int i = 0; i < subscription->api_keys_size(); ++i) {
    Qualify(ResourceKind::kApiKey, subscription->name(),
            Child(Item("apiKeys", static_cast<std::size_t>(i)), "name"),
            subscription->mutable_api_keys(i)->mutable_name(), violations);
  }
}

}  // namespace

bool IsLocalName(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-') return false;
  for (const char c : text) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
  }
  return true;
}

std::optional<ResourceName> ParseName(std::string_view full) {
  if (full.size() > 512) return std::nullopt;
  const std::vector<std::string_view> parts = Split(full, '/');
  for (const Pattern& pattern : kPatterns) {
    if (auto name = Match(pattern, parts)) return name;
  }
  return std::nullopt;
}

StatusOr<ResourceName> ParseNameAs(ResourceKind kind, std::string_view full) {
  auto name = ParseName(full);
  if (!name || name->kind != kind) {
    return InvalidArgument("name must be of the form " + std::string(PatternOf(kind).shape));
  }
  return *std::move(name);
}

std::string FormatName(const ResourceName& name) {
  const Pattern& pattern = PatternOf(name.kind);
  std::string out;
  for (std::size_t i = 0; i < name.ids.size() && i < pattern.collections.size(); ++i) {
    if (i > 0) out += '/';
    out += std::string(pattern.collections[i]) + "/" + name.ids[i];
  }
  return out;
}

std::string_view CollectionOf(ResourceKind kind) {
  std::string_view out;
  for (const std::string_view collection : PatternOf(kind).collections) {
    if (!collection.empty()) out = collection;
  }
  return out;
}

std::string ApiName(std::string_view api) { return Format(ResourceKind::kApi, {api}); }
std::string PlanName(std::string_view api, std::string_view plan) {
  return Format(ResourceKind::kPlan, {api, plan});
}
std::string RevisionName(std::string_view api, std::int64_t revision) {
  return Format(ResourceKind::kRevision, {api, std::to_string(revision)});
}
std::string ApplicationName(std::string_view application) {
  return Format(ResourceKind::kApplication, {application});
}
std::string SubscriptionName(std::string_view api, std::string_view subscription) {
  return Format(ResourceKind::kSubscription, {api, subscription});
}
std::string ApiKeyName(std::string_view api, std::string_view subscription,
                       std::string_view key) {
  return Format(ResourceKind::kApiKey, {api, subscription, key});
}

std::string LocalPart(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return std::string(slash == std::string_view::npos ? name : name.substr(slash + 1));
}

StatusOr<std::string> QualifyName(ResourceKind kind, std::string_view parent,
                                  std::string_view given) {
  const Pattern& pattern = PatternOf(kind);
  std::string full(given);
  if (given.find('/') == std::string_view::npos) {
    if (!IsLocalName(given)) {
      return InvalidArgument(
          "must be 1 to 63 characters of a-z, 0-9 and -, starting with a letter or digit");
    }
    full = std::string(parent) + (parent.empty() ? "" : "/") + std::string(CollectionOf(kind)) +
           "/" + std::string(given);
  }
  const auto name = ParseName(full);
  if (!name || name->kind != kind) {
    return InvalidArgument("must be a short name or of the form " + std::string(pattern.shape));
  }
  if (!parent.empty() && !StartsWith(full, std::string(parent) + "/")) {
    return InvalidArgument("must belong to " + std::string(parent));
  }
  return full;
}

void NormalizeNames(google::protobuf::Message* resource, Violations& violations) {
  if (auto* api = dynamic_cast<v1::Api*>(resource)) {
    NormalizeApi(api, violations);
  } else if (auto* application = dynamic_cast<v1::Application*>(resource)) {
    Qualify(ResourceKind::kApplication, "", "name", application->mutable_name(), violations);
  } else if (auto* subscription = dynamic_cast<v1::Subscription*>(resource)) {
    NormalizeSubscription(subscription, violations);
  }
}

void ShortenNames(google::protobuf::Message* resource) {
  if (auto* api = dynamic_cast<v1::Api*>(resource)) {
    api->set_name(LocalPart(api->name()));
    for (auto& plan : *api->mutable_plans()) plan.set_name(LocalPart(plan.name()));
    for (auto& page : *api->mutable_pages()) page.set_name(LocalPart(page.name()));
  } else if (auto* application = dynamic_cast<v1::Application*>(resource)) {
    application->set_name(LocalPart(application->name()));
  } else if (auto* subscription = dynamic_cast<v1::Subscription*>(resource)) {
    subscription->set_name(LocalPart(subscription->name()));
    subscription->set_api(LocalPart(subscription->api()));
    subscription->set_plan(LocalPart(subscription->plan()));
    subscription->set_application(LocalPart(subscription->application()));
    for (auto& key : *subscription->mutable_api_keys()) key.set_name(LocalPart(key.name()));
  }
}

}  // namespace tidegate::config
