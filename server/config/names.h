// Resource names: `apis/orders/plans/gold`, and the short forms that files use.
// Thread: pure functions. Fails: by optional or status.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/status.h"
#include "server/config/violation.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace tidegate::config {

enum class ResourceKind { kApi, kPlan, kPage, kRevision, kApplication, kSubscription, kApiKey };

struct ResourceName {
  ResourceKind kind = ResourceKind::kApi;
  std::vector<std::string> ids;  // in order: {"orders", "gold"} of a plan

  const std::string& api() const { return ids[0]; }
  const std::string& id() const { return ids.back(); }
};

// 1 to 63 characters of a-z, 0-9 and `-`, the first a letter or digit.
bool IsLocalName(std::string_view text);

// A full name; the ids are checked (a revision's id is a number or `latest`).
std::optional<ResourceName> ParseName(std::string_view full);
StatusOr<ResourceName> ParseNameAs(ResourceKind kind, std::string_view full);
std::string FormatName(const ResourceName& name);
std::string_view CollectionOf(ResourceKind kind);  // "apiKeys"

std::string ApiName(std::string_view api);
std::string PlanName(std::string_view api, std::string_view plan);
std::string RevisionName(std::string_view api, std::int64_t revision);
std::string ApplicationName(std::string_view application);
std::string SubscriptionName(std::string_view api, std::string_view subscription);
std::string ApiKeyName(std::string_view api, std::string_view subscription, std::string_view key);

// The last part of a name, full or short.
std::string LocalPart(std::string_view name);

// A full name of `kind` from a full or short one. `parent` is the full name of what holds it
// (empty at the top) and must agree with a full name. Fails: INVALID_ARGUMENT.
StatusOr<std::string> QualifyName(ResourceKind kind, std::string_view parent,
                                  std::string_view given);

// Makes the names in an Api, Application or Subscription full, in place: its own, its plans',
// pages' and keys', and what a subscription refers to. Other messages are left alone.
void NormalizeNames(google::protobuf::Message* resource, Violations& violations);
// The reverse, for printing.
void ShortenNames(google::protobuf::Message* resource);

}  // namespace tidegate::config
