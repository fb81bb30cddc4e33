// Storing subscriptions: which plan may be subscribed to, and what state follows.
#include <algorithm>

#include "server/admin/definitions.h"
#include "server/admin/errors.h"
#include "server/admin/writing.h"
#include "server/base/strings.h"
#include "server/config/names.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::admin {
namespace {

bool IsOpen(cfg::SubscriptionState state) {
  return state != cfg::SUBSCRIPTION_STATE_CLOSED && state != cfg::SUBSCRIPTION_STATE_REJECTED;
}

const cfg::Plan* FindPlan(const Change& change, const cfg::Subscription& subscription) {
  const cfg::Api* api = change.FindApi(subscription.api());
  if (api == nullptr) return nullptr;
  for (const cfg::Plan& plan : api->plans()) {
    if (plan.name() == subscription.plan()) return &plan;
  }
  return nullptr;
}

void CheckFields(const cfg::Subscription* stored, const cfg::Subscription& fresh,
                 const cfg::Plan* plan, const WriteOptions& options, bool bundle,
                 config::Violations& violations) {
  const auto refuse = [&](const char* field, std::string_view text) {
    violations.push_back(config::FieldViolation(config::Child(options.path, field),
                                                config::kInvalidField, text));
  };
  if (stored != nullptr && stored->application() != fresh.application()) {
    refuse("application", "cannot change");
  }
  if (stored != nullptr && !bundle && stored->plan() != fresh.plan()) {
    refuse("plan", "cannot change; TransferSubscription moves a subscription");
  }
  if (plan == nullptr) return;
  if (plan->has_keyless()) {
    refuse("plan", "is keyless: everyone may use it without a subscription");
  } else if (fresh.api_keys_size() > 0 && !plan->has_api_key()) {
    refuse("apiKeys", "are of no use: the plan does not ask for API keys");
  }
  if (stored == nullptr && !bundle && plan->comment_required() && Trim(fresh.comment()).empty()) {
    violations.push_back(config::FieldViolation(config::Child(options.path, "comment"),
                                                config::kRequiredField,
                                                "is required by the plan"));
  }
}

Status CheckPlan(const Change& change, const cfg::Subscription* stored,
                 const cfg::Subscription& fresh, const cfg::Plan& plan) {
  const bool same_plan = stored != nullptr && stored->plan() == fresh.plan();
  if (!same_plan && StageOf(plan) != cfg::PLAN_STAGE_PUBLISHED) {
    return Precondition("WRONG_STATE", fresh.plan(),
                        "only a published plan takes new subscriptions");
  }
  if (stored != nullptr && !same_plan) {
    const cfg::Plan* old = FindPlan(change, *stored);
    if (old != nullptr && old->security_case() != plan.security_case()) {
      return Precondition("WRONG_STATE", fresh.plan(),
                          "is of another kind of security than the subscription's plan");
    }
  }
  if (!IsOpen(fresh.state())) return OkStatus();
  for (const auto& other : SubscriptionsOf(change.now(), fresh.api())) {
    if (other->name() == fresh.name() || !IsOpen(other->state())) continue;
    if (other->plan() == fresh.plan() && other->application() == fresh.application()) {
      return ResourceExists("tidegate.config.v1.Subscription", other->name(),
                            "the application has a subscription to this plan already");
    }
  }
  return OkStatus();
}

cfg::SubscriptionState BundleState(const cfg::Subscription* stored, const cfg::Subscription& fresh,
                                   const WriteOptions& options) {
  const bool said = fresh.has_desired_state();
  const auto desired = said ? fresh.desired_state() : cfg::SUBSCRIPTION_DESIRED_STATE_ACCEPTED;
  if (desired == cfg::SUBSCRIPTION_DESIRED_STATE_CLOSED) return cfg::SUBSCRIPTION_STATE_CLOSED;
  if (stored == nullptr) {
    if (desired == cfg::SUBSCRIPTION_DESIRED_STATE_PENDING) return cfg::SUBSCRIPTION_STATE_PENDING;
    if (desired == cfg::SUBSCRIPTION_DESIRED_STATE_PAUSED) return cfg::SUBSCRIPTION_STATE_PAUSED;
    return cfg::SUBSCRIPTION_STATE_ACCEPTED;
  }
  // What a call has made of it stays, where the file does not say otherwise; `pending` is how a
  // subscription begins, not something it goes back to.
  const cfg::SubscriptionState now = stored->state();
  if (desired == cfg::SUBSCRIPTION_DESIRED_STATE_PENDING) return now;
  if (!said) return now == cfg::SUBSCRIPTION_STATE_PENDING ? cfg::SUBSCRIPTION_STATE_ACCEPTED : now;
  if (!IsOpen(now)) {
    if (options.warnings != nullptr) {
      options.warnings->push_back(fresh.name() +
                                  " was closed or rejected, which stays; delete it to begin anew");
    }
    return now;
  }
  return desired == cfg::SUBSCRIPTION_DESIRED_STATE_PAUSED ? cfg::SUBSCRIPTION_STATE_PAUSED
                                                           : cfg::SUBSCRIPTION_STATE_ACCEPTED;
}

// By a call, the plan decides; what the caller wants instead is a call of its own.
cfg::SubscriptionState CallState(const cfg::Subscription* stored, const cfg::Subscription& fresh,
                                 const cfg::Plan& plan, const WriteOptions& options,
                                 config::Violations& violations) {
  if (stored != nullptr) {
    const auto before = stored->has_desired_state() ? stored->desired_state() : 0;
    const auto after = fresh.has_desired_state() ? fresh.desired_state() : 0;
    if (before != after) {
      violations.push_back(config::FieldViolation(
          config::Child(options.path, "desiredState"), config::kInvalidField,
          "is what apply goes by; AcceptSubscription, PauseSubscription and their like change "
          "the state"));
    }
    return stored->state();
  }
  const bool manual =
      plan.has_validation() && plan.validation() == cfg::PLAN_VALIDATION_MANUAL;
  if (!fresh.has_desired_state()) {
    return manual ? cfg::SUBSCRIPTION_STATE_PENDING : cfg::SUBSCRIPTION_STATE_ACCEPTED;
  }
  if (fresh.desired_state() == cfg::SUBSCRIPTION_DESIRED_STATE_PENDING) {
    return cfg::SUBSCRIPTION_STATE_PENDING;
  }
  if (fresh.desired_state() == cfg::SUBSCRIPTION_DESIRED_STATE_ACCEPTED && !manual) {
    return cfg::SUBSCRIPTION_STATE_ACCEPTED;
  }
  violations.push_back(config::FieldViolation(
      config::Child(options.path, "desiredState"), config::kInvalidField,
      "does not fit the plan's validation: leave it out, and accept the subscription by a call"));
  return cfg::SUBSCRIPTION_STATE_PENDING;
}

cfg::ManagedBy ManagedByOf(const std::string& owner) {
  return StartsWith(owner, kFileOwnerPrefix) ? cfg::MANAGED_BY_FILE : cfg::MANAGED_BY_ADMIN;
}

}  // namespace

Status StoreSubscription(Change& change, cfg::Subscription subscription,
                         const WriteOptions& options, bool bundle, std::vector<MadeKey>& made,
                         config::Violations& violations) {
  const std::size_t before = violations.size();
  Normalize(subscription, options.path, violations);
  if (violations.size() != before) return OkStatus();
  const cfg::Subscription* stored = change.FindSubscription(subscription.name());
  change.SetPlace(subscription.name(), options.path);
  const cfg::Plan* plan = FindPlan(change, subscription);
  TakeKeys(change, stored, subscription, options, bundle, made, violations);
  Check(subscription, options.path, violations);
  CheckFields(stored, subscription, plan, options, bundle, violations);
  if (plan == nullptr && violations.size() == before) {
    const bool has_api = change.FindApi(subscription.api()) != nullptr;
    violations.push_back(config::FieldViolation(
        config::Child(options.path, has_api ? "plan" : "api"), config::kUnresolved,
        "names something that does not exist"));
  }
  if (violations.size() != before) return OkStatus();
  if (stored != nullptr) {
    TG_RETURN_IF_ERROR(CheckOwner(subscription.name(), stored->owner(), options));
    subscription.set_reason(stored->reason());
  }
  subscription.set_state(bundle ? BundleState(stored, subscription, options)
                                : CallState(stored, subscription, *plan, options, violations));
  if (violations.size() != before) return OkStatus();
  TG_RETURN_IF_ERROR(CheckPlan(change, stored, subscription, *plan));
  TG_RETURN_IF_ERROR(CheckKeysUnique(change, subscription));
  subscription.set_owner(options.owner);
  subscription.set_managed_by(ManagedByOf(options.owner));
  change.Put(subscription);
  return OkStatus();
}

}  // namespace tidegate::admin
