// accept, reject, pause, resume, close, transfer of subscriptions; all act at once.
#include "sidecar/ctl/output.h"
#include "sidecar/ctl/plans.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/admin/v1/subscription_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;
using tidegate::config::v1::Subscription;

template <typename Request>
Request MakeRequest(const Context& context, const Target& target) {
  Request request;
  request.set_name(target.FullName());
  request.set_etag(context.options.etag);
  request.set_validate_only(context.options.dry_run);
  return request;
}

template <typename Request>
int ChangeState(Context& context, const Target& target, std::string_view method,
                std::string_view done) {
  if (!target.IsOne()) return context.Usage(context.options.verb + " needs subscription/API/NAME");
  Request request = MakeRequest<Request>(context, target);
  request.set_reason(context.options.reason);
  Subscription subscription;
  const std::string what = context.options.verb + " " + target.Text();
  if (const int code = context.Call(method, what, request, subscription); code != kDone) {
    return code;
  }
  Done(context, request.name(), done);
  return kDone;
}

template <typename Request>
int ChangeState(Context& context, std::string_view method, std::string_view done) {
  Target target;
  if (!context.OneTarget({Type::kSubscription}, target)) return kUsage;
  return ChangeState<Request>(context, target, method, done);
}

}  // namespace

int RunAccept(Context& context) {
  return ChangeState<admin::AcceptSubscriptionRequest>(
      context, "SubscriptionService/AcceptSubscription", "accepted");
}

int RunReject(Context& context) {
  return ChangeState<admin::RejectSubscriptionRequest>(
      context, "SubscriptionService/RejectSubscription", "rejected");
}

int RunPause(Context& context) {
  return ChangeState<admin::PauseSubscriptionRequest>(
      context, "SubscriptionService/PauseSubscription", "paused");
}

int RunResume(Context& context) {
  return ChangeState<admin::ResumeSubscriptionRequest>(
      context, "SubscriptionService/ResumeSubscription", "resumed");
}

int RunClose(Context& context) {
  Target target;
  if (!context.OneTarget({Type::kPlan, Type::kSubscription}, target)) return kUsage;
  if (target.type == Type::kPlan) return ClosePlan(context, target);
  if (context.options.force) return context.Usage("--force is for plans");
  return ChangeState<admin::CloseSubscriptionRequest>(
      context, target, "SubscriptionService/CloseSubscription", "closed");
}

int RunTransfer(Context& context) {
  Target target;
  if (!context.OneTarget({Type::kSubscription}, target)) return kUsage;
  if (!target.IsOne()) return context.Usage("transfer needs subscription/API/NAME");
  if (context.options.plan.empty()) return context.Usage("transfer needs --plan");
  auto request = MakeRequest<admin::TransferSubscriptionRequest>(context, target);
  request.set_plan(target.Parent() + "/plans/" + LastPart(context.options.plan));
  Subscription subscription;
  const int code = context.Call("SubscriptionService/TransferSubscription",
                                "transfer " + target.Text(), request, subscription);
  if (code != kDone) return code;
  Done(context, request.name(), "moved to " + ShortName(request.plan()));
  return kDone;
}

}  // namespace tidegate::ctl
