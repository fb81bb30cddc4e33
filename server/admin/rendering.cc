#include "server/admin/rendering.h"

#include "server/admin/writing.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::admin {
namespace {

void AddCondition(cfg::Api& api, const char* type, bool holds, const char* reason,
                  const std::string& message, std::uint64_t revision,
                  const google::protobuf::Timestamp& since) {
  cfg::Condition& condition = *api.add_conditions();
  condition.set_type(type);
  condition.set_status(holds ? cfg::CONDITION_STATUS_TRUE : cfg::CONDITION_STATUS_FALSE);
  condition.set_reason(reason);
  condition.set_message(message);
  condition.set_observed_revision(static_cast<std::int64_t>(revision));
  *condition.mutable_last_transition_time() = since;
}

const Deployment* DeploymentOf(const State& state, const std::string& api) {
  const auto found = state.deployments.find(api);
  return found == state.deployments.end() ? nullptr : found->second.get();
}

void SetState(cfg::Api& api, const Deployment* deployment) {
  api.set_state(deployment == nullptr  ? cfg::API_STATE_STORED
                : deployment->stopped ? cfg::API_STATE_STOPPED
                                      : cfg::API_STATE_LIVE);
  if (deployment != nullptr) api.set_deployed_revision(deployment->record->name());
}

}  // namespace

cfg::Api Render(const State& state, const cfg::Api& api) {
  cfg::Api result = api;
  const Deployment* deployment = DeploymentOf(state, api.name());
  SetState(result, deployment);
  for (cfg::Plan& plan : *result.mutable_plans()) plan.set_etag(api.etag());
  AddCondition(result, "Accepted", true, "Valid", "", 0, api.update_time());
  if (deployment == nullptr) {
    AddCondition(result, "Programmed", false, "NotDeployed", "it is stored, not deployed", 0,
                 api.update_time());
    return result;
  }
  const auto& since = deployment->record->create_time();
  if (!deployment->problem.empty()) {
    AddCondition(result, "Programmed", false, "Invalid", deployment->problem,
                 deployment->revision, since);
    return result;
  }
  const bool current = SameContent(deployment->record->snapshot(), api);
  AddCondition(result, "Programmed", true, current ? "Deployed" : "OutOfDate",
               current ? "" : "what is stored differs from what is deployed",
               deployment->revision, since);
  return result;
}

cfg::Api RenderBasic(const State& state, const cfg::Api& api) {
  cfg::Api result;
  result.set_name(api.name());
  result.set_display_name(api.display_name());
  result.set_version(api.version());
  result.set_type(api.type());
  result.set_uid(api.uid());
  result.set_managed_by(api.managed_by());
  result.set_owner(api.owner());
  result.set_etag(api.etag());
  *result.mutable_create_time() = api.create_time();
  *result.mutable_update_time() = api.update_time();
  SetState(result, DeploymentOf(state, api.name()));
  return result;
}

cfg::Plan Render(const cfg::Api& api, const cfg::Plan& plan) {
  cfg::Plan result = plan;
  result.set_etag(api.etag());
  return result;
}

void HideKeys(cfg::Subscription& subscription) {
  for (cfg::ApiKey& key : *subscription.mutable_api_keys()) HideKey(key);
}

cfg::Subscription Render(const cfg::Subscription& subscription) {
  cfg::Subscription result = subscription;
  HideKeys(result);
  return result;
}

}  // namespace tidegate::admin
