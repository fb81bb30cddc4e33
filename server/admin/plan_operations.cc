#include "server/admin/plan_operations.h"

#include "server/admin/definitions.h"
#include "server/admin/errors.h"
#include "server/admin/messages.h"
#include "server/admin/rendering.h"
#include "server/admin/writing.h"
#include "server/config/names.h"
#include "tidegate/config/v1/api.pb.h"

namespace tidegate::admin {
namespace {

constexpr char kType[] = "tidegate.config.v1.Plan";
constexpr char kApiType[] = "tidegate.config.v1.Api";

cfg::Plan* FindPlan(cfg::Api& api, const std::string& name) {
  for (cfg::Plan& plan : *api.mutable_plans()) {
    if (plan.name() == name) return &plan;
  }
  return nullptr;
}

std::string ApiOf(const config::ResourceName& plan) { return config::ApiName(plan.api()); }

// Stores an API whose plans were edited, and answers with the plan (empty when it is gone).
Status StorePlans(Change& change, Call& call, cfg::Api api, const WriteOptions& options,
                  const std::string& plan, cfg::Plan* response) {
  const std::string name = api.name();
  config::Violations violations;
  TG_RETURN_IF_ERROR(StoreApi(change, std::move(api), options, violations));
  if (!violations.empty()) return Refuse(violations);
  cfg::Api stored = *change.FindApi(name);
  call.audit.etag_after = stored.etag();
  if (response != nullptr) *response = Render(stored, *FindPlan(stored, plan));
  return OkStatus();
}

// The stored API of a plan call, its etag and owner checked.
StatusOr<cfg::Api> Open(const Change& change, Call& call, const std::string& api,
                        const std::string& etag, const WriteOptions& options) {
  const cfg::Api* stored = change.FindApi(api);
  if (stored == nullptr) return ResourceMissing(kApiType, api);
  call.audit.etag_before = stored->etag();
  TG_RETURN_IF_ERROR(CheckEtag(api, stored->etag(), etag));
  TG_RETURN_IF_ERROR(CheckOwner(api, stored->owner(), options));
  return *stored;
}

// A staging plan is not offered until it is published, whatever files do.
Status AddPlan(Change& change, Call& call, cfg::Api api, cfg::Plan plan,
               const WriteOptions& options, cfg::Plan& response) {
  if (!plan.has_stage()) plan.set_stage(cfg::PLAN_STAGE_STAGING);
  if (StageOf(plan) > cfg::PLAN_STAGE_PUBLISHED) {
    return InvalidField("plan.stage", "of a new plan is staging or published");
  }
  const std::string name = plan.name();
  *api.add_plans() = std::move(plan);
  return StorePlans(change, call, std::move(api), options, name, &response);
}

// On a deployed API the change of stage goes live at once, alone: the rest of what is stored but
// not deployed stays so.
Status DeployStage(Change& change, const std::string& api, const cfg::Plan& plan) {
  const Deployment* deployment = change.FindDeployment(api);
  if (deployment == nullptr) return OkStatus();
  cfg::Api snapshot = deployment->record->snapshot();
  cfg::Plan* deployed = FindPlan(snapshot, plan.name());
  if (deployed == nullptr) {
    if (StageOf(plan) != cfg::PLAN_STAGE_PUBLISHED) return OkStatus();
    *snapshot.add_plans() = plan;
  } else {
    deployed->set_stage(static_cast<cfg::PlanStage>(StageOf(plan)));
  }
  change.Deploy(snapshot, deployment->stopped);
  return OkStatus();
}

template <typename Request>
Status SetStage(Deployer& deployer, Call& call, const Request& request, cfg::PlanStage stage,
                std::string_view wrong, cfg::Plan& response) {
  const std::string& name = request.name();
  call.audit.resource = name;
  TG_ASSIGN_OR_RETURN(const config::ResourceName parsed,
                      RequestName(config::ResourceKind::kPlan, "name", name));
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    WriteOptions options;
    options.force = request.force();
    TG_ASSIGN_OR_RETURN(cfg::Api api,
                        Open(change, call, ApiOf(parsed), request.etag(), options));
    cfg::Plan* plan = FindPlan(api, name);
    if (plan == nullptr) return ResourceMissing(kType, name);
    const int now = StageOf(*plan);
    const bool fits = stage == cfg::PLAN_STAGE_PUBLISHED ? now == cfg::PLAN_STAGE_STAGING
                      : stage == cfg::PLAN_STAGE_DEPRECATED
                          ? now == cfg::PLAN_STAGE_PUBLISHED
                          : now != cfg::PLAN_STAGE_CLOSED;
    if (!fits) return Precondition("WRONG_STATE", name, wrong);
    plan->set_stage(stage);
    const cfg::Plan changed = *plan;
    TG_RETURN_IF_ERROR(StorePlans(change, call, std::move(api), options, name, &response));
    return DeployStage(change, ApiOf(parsed), changed);
  });
}

}  // namespace

Status CreatePlan(Deployer& deployer, Call& call, const v1::CreatePlanRequest& request,
                  cfg::Plan& response) {
  if (!request.has_plan()) return InvalidField("plan", "is required", config::kRequiredField);
  TG_RETURN_IF_ERROR(
      RequestName(config::ResourceKind::kApi, "parent", request.parent()).status());
  TG_ASSIGN_OR_RETURN(const std::string name,
                      CreateName(config::ResourceKind::kPlan, request.parent(), "plan_id",
                                 request.plan_id(), "plan.name", request.plan().name()));
  call.audit.resource = name;
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    WriteOptions options;
    TG_ASSIGN_OR_RETURN(cfg::Api api, Open(change, call, request.parent(), "", options));
    if (FindPlan(api, name) != nullptr) return ResourceExists(kType, name);
    cfg::Plan plan = request.plan();
    plan.set_name(name);
    return AddPlan(change, call, std::move(api), std::move(plan), options, response);
  });
}

Status GetPlan(Deployer& deployer, Call& call, const v1::GetPlanRequest& request,
               cfg::Plan& response) {
  call.audit.resource = request.name();
  TG_ASSIGN_OR_RETURN(const config::ResourceName parsed,
                      RequestName(config::ResourceKind::kPlan, "name", request.name()));
  const StatePtr state = deployer.Read();
  const auto found = state->apis.find(ApiOf(parsed));
  if (found == state->apis.end()) return ResourceMissing(kApiType, ApiOf(parsed));
  for (const cfg::Plan& plan : found->second->plans()) {
    if (plan.name() != request.name()) continue;
    response = Render(*found->second, plan);
    return OkStatus();
  }
  return ResourceMissing(kType, request.name());
}

Status ListPlans(Deployer& deployer, Call&, const v1::ListPlansRequest& request,
                 v1::ListPlansResponse& response) {
  TG_ASSIGN_OR_RETURN(const std::string parent, ListParent(request.parent()));
  const std::string what = request.parent() + "/plans";
  TG_ASSIGN_OR_RETURN(const Page page,
                      ReadPage(what, request.page_size(), request.page_token()));
  const StatePtr state = deployer.Read();
  if (!parent.empty() && state->apis.count(parent) == 0) return ResourceMissing(kApiType, parent);
  std::map<std::string, std::pair<const cfg::Api*, const cfg::Plan*>> plans;
  for (const auto& [name, api] : state->apis) {
    if (!parent.empty() && name != parent) continue;
    for (const cfg::Plan& plan : api->plans()) plans[plan.name()] = {api.get(), &plan};
  }
  response.set_next_page_token(TakePage(
      what, page, plans, [](const auto& item) { return item.first; },
      [&](const auto& item) {
        *response.add_plans() = Render(*item.second.first, *item.second.second);
      }));
  return OkStatus();
}

Status UpdatePlan(Deployer& deployer, Call& call, const v1::UpdatePlanRequest& request,
                  cfg::Plan& response) {
  const std::string& name = request.plan().name();
  call.audit.resource = name;
  TG_ASSIGN_OR_RETURN(const config::ResourceName parsed,
                      RequestName(config::ResourceKind::kPlan, "plan.name", name));
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    WriteOptions options;
    options.force = request.force();
    TG_ASSIGN_OR_RETURN(cfg::Api api,
                        Open(change, call, ApiOf(parsed), request.plan().etag(), options));
    cfg::Plan* plan = FindPlan(api, name);
    if (plan == nullptr) {
      if (!request.allow_missing()) return ResourceMissing(kType, name);
      return AddPlan(change, call, std::move(api), request.plan(), options, response);
    }
    const int stage = StageOf(*plan);
    TG_RETURN_IF_ERROR(ApplyMask(request.plan(), request.update_mask(), plan));
    if (StageOf(*plan) != stage) {
      return InvalidField("plan.stage",
                          "is changed by PublishPlan, DeprecatePlan and ClosePlan");
    }
    return StorePlans(change, call, std::move(api), options, name, &response);
  });
}

Status DeletePlan(Deployer& deployer, Call& call, const v1::DeletePlanRequest& request,
                  google::protobuf::Empty&) {
  const std::string& name = request.name();
  call.audit.resource = name;
  TG_ASSIGN_OR_RETURN(const config::ResourceName parsed,
                      RequestName(config::ResourceKind::kPlan, "name", name));
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    WriteOptions options;
    options.force = request.force();
    TG_ASSIGN_OR_RETURN(cfg::Api api,
                        Open(change, call, ApiOf(parsed), request.etag(), options));
    auto& plans = *api.mutable_plans();
    for (int i = 0; i < plans.size(); ++i) {
      if (plans[i].name() != name) continue;
      plans.DeleteSubrange(i, 1);
      return StorePlans(change, call, std::move(api), options, "", nullptr);
    }
    return request.allow_missing() ? OkStatus() : ResourceMissing(kType, name);
  });
}

Status PublishPlan(Deployer& deployer, Call& call, const v1::PublishPlanRequest& request,
                   cfg::Plan& response) {
  return SetStage(deployer, call, request, cfg::PLAN_STAGE_PUBLISHED,
                  "only a staging plan can be published", response);
}

Status DeprecatePlan(Deployer& deployer, Call& call, const v1::DeprecatePlanRequest& request,
                     cfg::Plan& response) {
  return SetStage(deployer, call, request, cfg::PLAN_STAGE_DEPRECATED,
                  "only a published plan can be deprecated", response);
}

Status ClosePlan(Deployer& deployer, Call& call, const v1::ClosePlanRequest& request,
                 cfg::Plan& response) {
  return SetStage(deployer, call, request, cfg::PLAN_STAGE_CLOSED, "it is closed", response);
}

}  // namespace tidegate::admin
