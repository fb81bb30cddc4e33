// Storing and deleting APIs and applications; plans and their stages.
#include <algorithm>
#include <set>

#include "server/admin/definitions.h"
#include "server/admin/errors.h"
#include "server/admin/writing.h"
#include "server/base/strings.h"
#include "server/config/names.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::admin {
namespace {

cfg::ManagedBy ManagedByOf(const std::string& owner) {
  return StartsWith(owner, kFileOwnerPrefix) ? cfg::MANAGED_BY_FILE : cfg::MANAGED_BY_ADMIN;
}

const cfg::Plan* FindPlan(const cfg::Api* api, const std::string& name) {
  if (api == nullptr) return nullptr;
  for (const cfg::Plan& plan : api->plans()) {
    if (plan.name() == name) return &plan;
  }
  return nullptr;
}

bool IsOpen(const cfg::Subscription& subscription) {
  return subscription.state() != cfg::SUBSCRIPTION_STATE_CLOSED &&
         subscription.state() != cfg::SUBSCRIPTION_STATE_REJECTED;
}

bool HasOpenSubscriptions(const Change& change, const std::string& api, const std::string& plan) {
  for (const auto& subscription : SubscriptionsOf(change.now(), api)) {
    if (subscription->plan() == plan && IsOpen(*subscription)) return true;
  }
  return false;
}

// Stages only go forward. A plan that does not say its stage keeps one that cannot be undone.
Status SettleStages(const Change& change, const cfg::Api* stored, cfg::Api& fresh,
                    const WriteOptions& options) {
  for (cfg::Plan& plan : *fresh.mutable_plans()) {
    const cfg::Plan* before = FindPlan(stored, plan.name());
    if (before == nullptr) continue;
    const int from = StageOf(*before);
    if (!plan.has_stage() && from > cfg::PLAN_STAGE_PUBLISHED) {
      plan.set_stage(static_cast<cfg::PlanStage>(from));
    }
    if (StageOf(plan) < from && options.warnings != nullptr && from > cfg::PLAN_STAGE_PUBLISHED) {
      options.warnings->push_back(plan.name() + " was deprecated or closed, which stays");
      plan.set_stage(static_cast<cfg::PlanStage>(from));
    }
    if (StageOf(plan) < from) {
      return Precondition("WRONG_STATE", plan.name(),
                          "the stage of a plan only goes forward: staging, published, "
                          "deprecated, closed");
    }
    if (before->security_case() != plan.security_case() &&
        HasOpenSubscriptions(change, fresh.name(), plan.name())) {
      return Precondition("HAS_CHILDREN", plan.name(),
                          "its kind of security cannot change while it has subscriptions");
    }
  }
  return OkStatus();
}

// Subscriptions of plans that go, or that are closed now.
Status SettleSubscriptions(Change& change, const cfg::Api* stored, const cfg::Api& fresh,
                           bool force) {
  if (stored == nullptr) return OkStatus();
  for (const cfg::Plan& plan : stored->plans()) {
    const cfg::Plan* after = FindPlan(&fresh, plan.name());
    if (after != nullptr) {
      if (StageOf(*after) == cfg::PLAN_STAGE_CLOSED) {
        CloseSubscriptions(change, plan.name(), "the plan was closed");
      }
      continue;
    }
    if (!force && HasOpenSubscriptions(change, stored->name(), plan.name())) {
      return Precondition("HAS_CHILDREN", plan.name(),
                          "it has subscriptions; force deletes them as well");
    }
    for (const auto& subscription : SubscriptionsOf(change.now(), stored->name())) {
      if (subscription->plan() == plan.name()) change.EraseSubscription(subscription->name());
    }
  }
  return OkStatus();
}

std::string HeldBy(std::size_t subscriptions) {
  return subscriptions == 1 ? "it has 1 subscription; force deletes it as well"
                            : "it has " + std::to_string(subscriptions) +
                                  " subscriptions; force deletes them as well";
}

}  // namespace

Status CheckOwner(const std::string& name, const std::string& current,
                  const WriteOptions& options) {
  if (options.force || current.empty() || current == options.owner) return OkStatus();
  const OtherDirectories* others = options.others;
  if (others != nullptr && others->yields && others->yields(current, name)) return OkStatus();
  return ManagedElsewhere(name, current);
}

Status CheckEtag(const std::string& name, const std::string& current, const std::string& given) {
  return given.empty() || given == current ? OkStatus() : EtagMismatch(name, current);
}

int StageOf(const cfg::Plan& plan) {
  return plan.has_stage() ? plan.stage() : cfg::PLAN_STAGE_PUBLISHED;
}

Status StoreApi(Change& change, cfg::Api api, const WriteOptions& options,
                config::Violations& violations) {
  const std::size_t before = violations.size();
  Normalize(api, options.path, violations);
  const cfg::Api* stored = change.FindApi(api.name());
  KeepSecrets(stored, api, options.path, violations);
  if (options.keep_missing && stored != nullptr) {
    for (const cfg::Plan& plan : stored->plans()) {
      if (FindPlan(&api, plan.name()) == nullptr) *api.add_plans() = plan;
    }
  }
  Check(api, options.path, violations);
  if (violations.size() != before) return OkStatus();
  if (stored != nullptr) TG_RETURN_IF_ERROR(CheckOwner(api.name(), stored->owner(), options));
  TG_RETURN_IF_ERROR(SettleStages(change, stored, api, options));
  TG_RETURN_IF_ERROR(SettleSubscriptions(change, stored, api,
                                         options.force || options.cascade));
  api.set_owner(options.owner);
  api.set_managed_by(ManagedByOf(options.owner));
  change.SetPlace(api.name(), options.path);
  change.Put(api);
  return OkStatus();
}

Status StoreApplication(Change& change, cfg::Application application, const WriteOptions& options,
                        config::Violations& violations) {
  const std::size_t before = violations.size();
  Normalize(application, options.path, violations);
  const cfg::Application* stored = change.FindApplication(application.name());
  KeepSecrets(stored, application, options.path, violations);
  Check(application, options.path, violations);
  if (violations.size() != before) return OkStatus();
  if (stored != nullptr) {
    TG_RETURN_IF_ERROR(CheckOwner(application.name(), stored->owner(), options));
  }
  application.set_owner(options.owner);
  application.set_managed_by(ManagedByOf(options.owner));
  change.SetPlace(application.name(), options.path);
  change.Put(application);
  return OkStatus();
}

Status DeleteApi(Change& change, const std::string& name, bool force) {
  const auto subscriptions = SubscriptionsOf(change.now(), name);
  if (!force && !subscriptions.empty()) {
    return Precondition("HAS_CHILDREN", name, HeldBy(subscriptions.size()));
  }
  for (const auto& subscription : subscriptions) change.EraseSubscription(subscription->name());
  change.EraseApi(name);
  return OkStatus();
}

Status DeleteApplication(Change& change, const std::string& name, bool force) {
  std::vector<std::string> held;
  for (const auto& [subscription, resource] : change.now().subscriptions) {
    if (resource->application() == name) held.push_back(subscription);
  }
  if (!force && !held.empty()) {
    return Precondition("HAS_CHILDREN", name, HeldBy(held.size()));
  }
  for (const std::string& subscription : held) change.EraseSubscription(subscription);
  change.EraseApplication(name);
  return OkStatus();
}

Status DeployStored(Change& change, const std::string& name, bool stopped) {
  const cfg::Api* stored = change.FindApi(name);
  if (stored == nullptr) return ResourceMissing("tidegate.config.v1.Api", name);
  const bool offered = std::any_of(
      stored->plans().begin(), stored->plans().end(), [](const cfg::Plan& plan) {
        return StageOf(plan) == cfg::PLAN_STAGE_PUBLISHED ||
               StageOf(plan) == cfg::PLAN_STAGE_DEPRECATED;
      });
  if (!offered) {
    return Precondition("WRONG_STATE", name,
                        "it has no published plan, so nobody could use it: publish one first");
  }
  change.Deploy(*stored, stopped);
  return OkStatus();
}

void CloseSubscriptions(Change& change, const std::string& plan, std::string_view reason) {
  const auto api = config::ParseName(plan);
  if (!api) return;
  for (const auto& subscription :
       SubscriptionsOf(change.now(), config::ApiName(api->api()))) {
    if (subscription->plan() != plan || !IsOpen(*subscription)) continue;
    cfg::Subscription closed = *subscription;
    closed.set_state(cfg::SUBSCRIPTION_STATE_CLOSED);
    closed.set_reason(std::string(reason));
    change.Put(closed);
  }
}

}  // namespace tidegate::admin
