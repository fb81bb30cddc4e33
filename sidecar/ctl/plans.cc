// publish, deprecate, close of plans.
#include "sidecar/ctl/plans.h"

#include "sidecar/ctl/output.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/admin/v1/plan_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;

template <typename Request>
int ChangeStage(Context& context, const Target& target, std::string_view method,
                std::string_view done) {
  if (!target.IsOne()) return context.Usage(context.options.verb + " needs plan/API/NAME");
  if (!context.options.reason.empty()) return context.Usage("--reason is for subscriptions");
  Request request;
  request.set_name(target.FullName());
  request.set_etag(context.options.etag);
  request.set_validate_only(context.options.dry_run);
  request.set_force(context.options.force);
  tidegate::config::v1::Plan plan;
  const std::string what = context.options.verb + " " + target.Text();
  if (const int code = context.Call(method, what, request, plan); code != kDone) return code;
  Done(context, request.name(), done);
  return kDone;
}

}  // namespace

int RunPublish(Context& context) {
  Target target;
  if (!context.OneTarget({Type::kPlan}, target)) return kUsage;
  return ChangeStage<admin::PublishPlanRequest>(context, target, "PlanService/PublishPlan",
                                                "published");
}

int RunDeprecate(Context& context) {
  Target target;
  if (!context.OneTarget({Type::kPlan}, target)) return kUsage;
  return ChangeStage<admin::DeprecatePlanRequest>(context, target, "PlanService/DeprecatePlan",
                                                  "deprecated");
}

int ClosePlan(Context& context, const Target& target) {
  return ChangeStage<admin::ClosePlanRequest>(context, target, "PlanService/ClosePlan", "closed");
}

}  // namespace tidegate::ctl
