#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>

#include "server/base/codec.h"
#include "server/base/strings.h"
#include "server/config/field_rules.h"
#include "server/config/fingerprint.h"
#include "server/config/names.h"
#include "server/config/values.h"
#include "server/model/compile.h"
#include "server/model/merge.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::model {
namespace {

namespace pb = google::protobuf;
namespace v1 = config::v1;

std::vector<std::string> ToVector(const pb::RepeatedPtrField<std::string>& list) {
  return {list.begin(), list.end()};
}

Listener ToListener(const v1::Listener& listener) {
  Listener out;
  out.host = ToLower(listener.host());
  out.path = listener.path() == "/" ? "" : listener.path();
  return out;
}

Cors ToCors(const v1::Cors& cors) {
  Cors out;
  for (const std::string& origin : cors.allow_origins()) {
    out.allow_origins.push_back(ToLower(origin));
  }
  out.allow_methods = ToVector(cors.allow_methods());
  out.allow_headers = ToVector(cors.allow_headers());
  out.expose_headers = ToVector(cors.expose_headers());
  out.allow_credentials = cors.allow_credentials();
  if (cors.has_max_age()) out.max_age = std::chrono::seconds(cors.max_age().seconds());
  return out;
}

Qos ToQos(v1::Qos qos) {
  switch (qos) {
    case v1::QOS_NONE:
      return Qos::kNone;
    case v1::QOS_AT_MOST_ONCE:
      return Qos::kAtMostOnce;
    case v1::QOS_AT_LEAST_ONCE:
      return Qos::kAtLeastOnce;
    default:
      return Qos::kAuto;
  }
}

Share ToShare(v1::Share share) {
  if (share == v1::SHARE_EACH) return Share::kEach;
  return share == v1::SHARE_GROUP ? Share::kGroup : Share::kDefault;
}

std::optional<bool> ToDirection(bool present, const v1::Direction& direction) {
  if (!present) return std::nullopt;
  return !direction.has_enabled() || direction.enabled();
}

ProtoPtr WithDefaults(const pb::Message& message) {
  std::shared_ptr<pb::Message> copy(message.New());
  copy->CopyFrom(message);
  config::ApplyDefaults(copy.get());
  return copy;
}

Entrypoint ToEntrypoint(const v1::Entrypoint& entrypoint) {
  Entrypoint out;
  const pb::Reflection* reflection = entrypoint.GetReflection();
  const pb::FieldDescriptor* arm = reflection->GetOneofFieldDescriptor(
      entrypoint, entrypoint.GetDescriptor()->FindOneofByName("kind"));
  if (arm == nullptr) return out;
  out.kind = config::KebabOfCamel(arm->json_name());
  out.qos = ToQos(entrypoint.qos());
  out.share = ToShare(entrypoint.share());
  out.settings = WithDefaults(reflection->GetMessage(entrypoint, arm));
  if (entrypoint.has_websocket()) {
    const v1::WebsocketEntrypoint& websocket = entrypoint.websocket();
    out.publisher = ToDirection(websocket.has_publisher(), websocket.publisher());
    out.subscriber = ToDirection(websocket.has_subscriber(), websocket.subscriber());
  }
  return out;
}

bool ServesTenant(const v1::Endpoint& endpoint, const std::string& tenant) {
  if (tenant.empty() || endpoint.tenants().empty()) return true;
  return std::find(endpoint.tenants().begin(), endpoint.tenants().end(), tenant) !=
         endpoint.tenants().end();
}

LoadBalancer ToLoadBalancer(const v1::LoadBalancer& balancer) {
  switch (balancer.rule_case()) {
    case v1::LoadBalancer::kRandom:
      return LoadBalancer::kRandom;
    case v1::LoadBalancer::kWeightedRoundRobin:
      return LoadBalancer::kWeightedRoundRobin;
    case v1::LoadBalancer::kWeightedRandom:
      return LoadBalancer::kWeightedRandom;
    default:
      return LoadBalancer::kRoundRobin;
  }
}

EndpointGroup ToGroup(const v1::EndpointGroup& group, const std::string& tenant) {
  EndpointGroup out;
  out.name = group.name();
  out.load_balancer = ToLoadBalancer(group.load_balancer());
  for (const v1::Endpoint& endpoint : group.endpoints()) {
    const auto settings = EffectiveSettings(group, endpoint);
    if (settings == nullptr || !ServesTenant(endpoint, tenant)) continue;
    Endpoint to;
    to.name = endpoint.name();
    to.weight = endpoint.has_weight() ? static_cast<std::uint32_t>(endpoint.weight()) : 1;
    to.secondary = endpoint.secondary();
    to.kind = KindOf(endpoint);
    to.destination_pattern = endpoint.destination_pattern();
    const Directions on = DirectionsOf(*settings);
    to.has_producer = on.producer;
    to.has_consumer = on.consumer;
    to.settings = WithDefaults(*settings);
    out.endpoints.push_back(std::move(to));
  }
  return out;
}

PlanStage ToStage(const v1::Plan& plan) {
  switch (plan.stage()) {
    case v1::PLAN_STAGE_STAGING:
      return PlanStage::kStaging;
    case v1::PLAN_STAGE_DEPRECATED:
      return PlanStage::kDeprecated;
    case v1::PLAN_STAGE_CLOSED:
      return PlanStage::kClosed;
    default:
      return PlanStage::kPublished;
  }
}

Plan ToPlan(const v1::Plan& plan) {
  Plan out;
  out.name = config::LocalPart(plan.name());
  out.stage = ToStage(plan);
  out.auto_validation = plan.validation() != v1::PLAN_VALIDATION_MANUAL;
  if (!plan.has_api_key()) return out;
  v1::ApiKeySecurity key = plan.api_key();
  config::ApplyDefaults(&key);
  out.security = Security::kApiKey;
  out.key_header = key.header();
  out.key_query = key.query();
  out.forward_key = key.forward();
  if (key.sources().empty()) return out;
  const auto looks = [&key](v1::ApiKeySource source) {
    return std::find(key.sources().begin(), key.sources().end(), source) != key.sources().end();
  };
  if (!looks(v1::API_KEY_SOURCE_HEADER)) out.key_header.clear();
  if (!looks(v1::API_KEY_SOURCE_QUERY)) out.key_query.clear();
  return out;
}

// Equal for equal settings: maps in order, defaults filled in.
std::string StreamFingerprint(const v1::Api& api, const std::vector<EndpointGroup>& groups) {
  v1::Api part;
  *part.mutable_entrypoints() = api.entrypoints();
  *part.mutable_endpoint_groups() = api.endpoint_groups();
  *part.mutable_flows() = api.flows();
  config::ApplyDefaults(&part);
  std::string bytes = config::CanonicalBytes(part);
  for (const EndpointGroup& group : groups) {
    for (const Endpoint& endpoint : group.endpoints) bytes += "/" + endpoint.name;
  }
  const Sha256Digest digest = Sha256(bytes);
  return Hex(digest.data(), digest.size());
}

WallTime ToWallTime(const pb::Timestamp& time) {
  const auto since = std::chrono::seconds(time.seconds()) + std::chrono::nanoseconds(time.nanos());
  return WallTime(std::chrono::duration_cast<WallTime::duration>(since));
}

SubscriptionState ToState(v1::SubscriptionState state) {
  switch (state) {
    case v1::SUBSCRIPTION_STATE_ACCEPTED:
      return SubscriptionState::kAccepted;
    case v1::SUBSCRIPTION_STATE_PAUSED:
      return SubscriptionState::kPaused;
    case v1::SUBSCRIPTION_STATE_REJECTED:
      return SubscriptionState::kRejected;
    case v1::SUBSCRIPTION_STATE_CLOSED:
      return SubscriptionState::kClosed;
    default:
      return SubscriptionState::kPending;
  }
}

}  // namespace

ApiPtr CompileApi(const v1::Api& api, const CompileOptions& options) {
  auto out = std::make_shared<Api>();
  out->name = config::LocalPart(api.name());
  out->uid = api.uid();
  out->revision = options.revision;
  out->stopped = options.stopped;
  for (const v1::Listener& listener : api.listeners()) {
    out->listeners.push_back(ToListener(listener));
  }
  const bool cors = api.has_cors() && (!api.cors().has_enabled() || api.cors().enabled());
  if (cors) out->cors = ToCors(api.cors());
  for (const v1::Entrypoint& entrypoint : api.entrypoints()) {
    out->entrypoints.push_back(ToEntrypoint(entrypoint));
  }
  for (const v1::EndpointGroup& group : api.endpoint_groups()) {
    out->groups.push_back(ToGroup(group, options.tenant));
  }
  for (const v1::Plan& plan : api.plans()) out->plans.push_back(ToPlan(plan));
  out->stream_fingerprint = StreamFingerprint(api, out->groups);
  return out;
}

Subscription CompileSubscription(const v1::Subscription& subscription) {
  Subscription out;
  out.name = config::LocalPart(subscription.name());
  out.uid = subscription.uid();
  out.api = config::LocalPart(subscription.api());
  out.plan = config::LocalPart(subscription.plan());
  out.application = config::LocalPart(subscription.application());
  out.state = ToState(subscription.state());
  if (subscription.has_start_time()) out.start = ToWallTime(subscription.start_time());
  if (subscription.has_end_time()) out.end = ToWallTime(subscription.end_time());
  for (const v1::ApiKey& key : subscription.api_keys()) {
    const auto digest = HexDecode(ToLower(key.sha256()));
    if (!digest || digest->size() != sizeof(Sha256Digest)) continue;
    ApiKey to;
    to.name = config::LocalPart(key.name());
    std::copy(digest->begin(), digest->end(), to.sha256.begin());
    if (key.has_expire_time()) to.expire = ToWallTime(key.expire_time());
    to.revoked = key.revoked();
    out.keys.push_back(std::move(to));
  }
  return out;
}

}  // namespace tidegate::model
