// The life of a subscription:
//
//   PENDING ── accept ──> ACCEPTED <── resume ── PAUSED
//      └─── reject ─> REJECTED   └──── pause ────┘
//   ACCEPTED, PAUSED ── close ──> CLOSED (for good; a pending one is rejected instead)
//
// These calls act on whoever owns the subscription: they are the publisher's word about a consumer,
// not about the definition.
#include <algorithm>

#include "server/admin/errors.h"
#include "server/admin/messages.h"
#include "server/admin/rendering.h"
#include "server/admin/subscription_operations.h"
#include "server/admin/writing.h"
#include "server/config/names.h"
#include "tidegate/config/v1/api.pb.h"

namespace tidegate::admin {
namespace {

constexpr char kType[] = "tidegate.config.v1.Subscription";

template <typename Request, typename Edit>
Status OnSubscription(Deployer& deployer, Call& call, const Request& request,
                      cfg::Subscription& response, Edit edit) {
  const std::string& name = request.name();
  call.audit.resource = name;
  TG_RETURN_IF_ERROR(RequestName(config::ResourceKind::kSubscription, "name", name).status());
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    const cfg::Subscription* stored = change.FindSubscription(name);
    if (stored == nullptr) return ResourceMissing(kType, name);
    call.audit.etag_before = stored->etag();
    TG_RETURN_IF_ERROR(CheckEtag(name, stored->etag(), request.etag()));
    cfg::Subscription changed = *stored;
    TG_RETURN_IF_ERROR(edit(change, changed));
    change.Put(changed);
    response = Render(*change.FindSubscription(name));
    call.audit.etag_after = response.etag();
    return OkStatus();
  });
}

template <typename Request>
Status SetState(Deployer& deployer, Call& call, const Request& request,
                std::initializer_list<cfg::SubscriptionState> from, cfg::SubscriptionState to,
                std::string_view wrong, cfg::Subscription& response) {
  return OnSubscription(deployer, call, request, response,
                        [&](Change&, cfg::Subscription& subscription) {
                          if (std::find(from.begin(), from.end(), subscription.state()) ==
                              from.end()) {
                            return Precondition("WRONG_STATE", subscription.name(), wrong);
                          }
                          subscription.set_state(to);
                          subscription.set_reason(request.reason().substr(0, 4000));
                          return OkStatus();
                        });
}

const cfg::Plan* FindPlan(const Change& change, const std::string& api, const std::string& name) {
  const cfg::Api* stored = change.FindApi(api);
  if (stored == nullptr) return nullptr;
  for (const cfg::Plan& plan : stored->plans()) {
    if (plan.name() == name) return &plan;
  }
  return nullptr;
}

}  // namespace

Status AcceptSubscription(Deployer& deployer, Call& call,
                          const v1::AcceptSubscriptionRequest& request,
                          cfg::Subscription& response) {
  return OnSubscription(
      deployer, call, request, response, [&](Change& change, cfg::Subscription& subscription) {
        if (subscription.state() != cfg::SUBSCRIPTION_STATE_PENDING) {
          return Precondition("WRONG_STATE", subscription.name(), "it is not pending");
        }
        const cfg::Plan* plan = FindPlan(change, subscription.api(), subscription.plan());
        if (plan == nullptr || StageOf(*plan) == cfg::PLAN_STAGE_CLOSED) {
          return Precondition("WRONG_STATE", subscription.plan(), "the plan is closed");
        }
        if (request.has_start_time()) {
          *subscription.mutable_start_time() = request.start_time();
        }
        if (request.has_end_time()) *subscription.mutable_end_time() = request.end_time();
        if (subscription.has_start_time() && subscription.has_end_time() &&
            subscription.start_time().seconds() >= subscription.end_time().seconds()) {
          return InvalidField("end_time", "must be after start_time");
        }
        subscription.set_state(cfg::SUBSCRIPTION_STATE_ACCEPTED);
        subscription.set_reason(request.reason().substr(0, 4000));
        return OkStatus();
      });
}

Status RejectSubscription(Deployer& deployer, Call& call,
                          const v1::RejectSubscriptionRequest& request,
                          cfg::Subscription& response) {
  return SetState(deployer, call, request, {cfg::SUBSCRIPTION_STATE_PENDING},
                  cfg::SUBSCRIPTION_STATE_REJECTED, "only a pending subscription is rejected",
                  response);
}

Status PauseSubscription(Deployer& deployer, Call& call,
                         const v1::PauseSubscriptionRequest& request,
                         cfg::Subscription& response) {
  return SetState(deployer, call, request, {cfg::SUBSCRIPTION_STATE_ACCEPTED},
                  cfg::SUBSCRIPTION_STATE_PAUSED, "only an accepted subscription is paused",
                  response);
}

Status ResumeSubscription(Deployer& deployer, Call& call,
                          const v1::ResumeSubscriptionRequest& request,
                          cfg::Subscription& response) {
  return SetState(deployer, call, request, {cfg::SUBSCRIPTION_STATE_PAUSED},
                  cfg::SUBSCRIPTION_STATE_ACCEPTED, "only a paused subscription is resumed",
                  response);
}

Status CloseSubscription(Deployer& deployer, Call& call,
                         const v1::CloseSubscriptionRequest& request,
                         cfg::Subscription& response) {
  return SetState(deployer, call, request,
                  {cfg::SUBSCRIPTION_STATE_ACCEPTED, cfg::SUBSCRIPTION_STATE_PAUSED},
                  cfg::SUBSCRIPTION_STATE_CLOSED,
                  "only an accepted or paused subscription is closed; a pending one is rejected",
                  response);
}

Status TransferSubscription(Deployer& deployer, Call& call,
                            const v1::TransferSubscriptionRequest& request,
                            cfg::Subscription& response) {
  TG_RETURN_IF_ERROR(RequestName(config::ResourceKind::kPlan, "plan", request.plan()).status());
  return OnSubscription(
      deployer, call, request, response, [&](Change& change, cfg::Subscription& subscription) {
        const std::string& name = subscription.name();
        if (subscription.state() == cfg::SUBSCRIPTION_STATE_CLOSED ||
            subscription.state() == cfg::SUBSCRIPTION_STATE_REJECTED) {
          return Precondition("WRONG_STATE", name, "it is over");
        }
        const cfg::Plan* to = FindPlan(change, subscription.api(), request.plan());
        if (to == nullptr) {
          return InvalidField("plan", "is not a plan of the subscription's API",
                              config::kUnresolved);
        }
        const cfg::Plan* from = FindPlan(change, subscription.api(), subscription.plan());
        if (StageOf(*to) != cfg::PLAN_STAGE_PUBLISHED) {
          return Precondition("WRONG_STATE", request.plan(), "it is not published");
        }
        if (from != nullptr && from->security_case() != to->security_case()) {
          return Precondition("WRONG_STATE", request.plan(),
                              "is of another kind of security than the subscription's plan");
        }
        for (const auto& other : SubscriptionsOf(change.now(), subscription.api())) {
          const bool open = other->state() != cfg::SUBSCRIPTION_STATE_CLOSED &&
                            other->state() != cfg::SUBSCRIPTION_STATE_REJECTED;
          if (open && other->name() != name && other->plan() == request.plan() &&
              other->application() == subscription.application()) {
            return ResourceExists(kType, other->name(),
                                  "the application has a subscription to this plan already");
          }
        }
        subscription.set_plan(request.plan());
        return OkStatus();
      });
}

}  // namespace tidegate::admin
