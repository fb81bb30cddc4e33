// describe: all about one resource, for people.
#include <ostream>

#include "sidecar/ctl/fetch.h"
#include "sidecar/ctl/rows.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::ctl {
namespace {

namespace v1 = tidegate::config::v1;

// "  state          live": nothing at all for an empty value.
void Line(Context& context, std::string_view label, const std::string& value) {
  if (value.empty()) return;
  context.out() << "  " << label << std::string(label.size() < 14 ? 14 - label.size() : 1, ' ')
                << ' ' << Printable(value) << '\n';
}

void Section(Context& context, std::string_view title) {
  const bool colour = UsesColour(context.environment, context.environment.out_is_tty);
  context.out() << '\n' << Paint(colour, Colour::kBold, title) << '\n';
}

std::string When(const Context& context, const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "";
  return TimeText(time) + " (" + AgeOf(context, time) + " ago)";
}

template <typename Map>
std::string Pairs(const Map& map) {
  std::string text;
  for (const auto& [key, value] : map) text += (text.empty() ? "" : ", ") + key + "=" + value;
  return text;
}

std::string OwnerText(const std::string& owner, v1::ManagedBy managed_by) {
  const std::string by = WordOfEnum(v1::ManagedBy_Name(managed_by), "MANAGED_BY_");
  if (owner.empty() || by.empty()) return owner + by;
  return owner + " (" + by + ")";
}

template <typename Conditions>
void PrintConditions(Context& context, const Conditions& conditions) {
  if (conditions.empty()) return;
  Section(context, "Conditions");
  Table table({"TYPE", "STATUS", "REASON", "MESSAGE", "SINCE"});
  for (const v1::Condition& condition : conditions) {
    table.Add({condition.type(),
               WordOfEnum(v1::ConditionStatus_Name(condition.status()), "CONDITION_STATUS_"),
               condition.reason(), condition.message(),
               AgeOf(context, condition.last_transition_time())});
  }
  PrintTable(context, table);
}

// A list that belongs to an API, fetched; nothing is printed when it is empty.
int PrintList(Context& context, std::string_view title, const Target& target) {
  Fetched fetched;
  if (const int code = Fetch(context, target, fetched); code != kDone) return code;
  if (fetched.items.empty()) return kDone;
  Section(context, title);
  Table table = TableOf(target.type);
  for (const Item& item : fetched.items) AddRow(context, target.type, *item.message, table);
  PrintTable(context, table);
  return kDone;
}

int DescribeApi(Context& context, const Target& target, const v1::Api& api) {
  std::string state = StateOfApi(api);
  if (!api.deployed_revision().empty()) state += ", revision " + LastPart(api.deployed_revision());
  context.out() << target.Text() << '\n';
  Line(context, "display name", api.display_name());
  Line(context, "version", api.version());
  Line(context, "description", api.description());
  Line(context, "state", state);
  Line(context, "ready", ReadyOfApi(api));
  Line(context, "reconciling", api.reconciling() ? "the workers are taking up a change" : "");
  Line(context, "labels", Pairs(api.labels()));
  Line(context, "owner", OwnerText(api.owner(), api.managed_by()));
  Line(context, "etag", api.etag());
  Line(context, "created", When(context, api.create_time()));
  Line(context, "updated", When(context, api.update_time()));
  Section(context, "Listeners");
  for (const v1::Listener& listener : api.listeners()) {
    context.out() << "  " << listener.host() << listener.path() << '\n';
  }
  Section(context, "Entrypoints");
  for (const v1::Entrypoint& entrypoint : api.entrypoints()) {
    const auto qos = entrypoint.has_qos() ? entrypoint.qos() : v1::QOS_AUTO;
    Line(context, ArmOf(entrypoint, "kind"), "qos " + WordOfEnum(v1::Qos_Name(qos), "QOS_"));
  }
  if (api.plans_size() > 0) {
    Section(context, "Plans");
    Table table = TableOf(Type::kPlan);
    for (const v1::Plan& plan : api.plans()) AddRow(context, Type::kPlan, plan, table);
    PrintTable(context, table);
  }
  const std::vector<std::string> parent = {target.Id()};
  const int endpoints = PrintList(context, "Endpoints", {Type::kEndpoint, parent});
  if (endpoints != kDone) return endpoints;
  const int subscriptions = PrintList(context, "Subscriptions", {Type::kSubscription, parent});
  if (subscriptions != kDone) return subscriptions;
  PrintConditions(context, api.conditions());
  return kDone;
}

int DescribeSubscription(Context& context, const Target& target,
                         const v1::Subscription& subscription) {
  context.out() << target.Text() << '\n';
  Line(context, "state",
       WordOfEnum(v1::SubscriptionState_Name(subscription.state()), "SUBSCRIPTION_STATE_"));
  Line(context, "reason", subscription.reason());
  Line(context, "plan", ShortName(subscription.plan()));
  Line(context, "application", ShortName(subscription.application()));
  Line(context, "from", TimeText(subscription.start_time()));
  Line(context, "until", TimeText(subscription.end_time()));
  Line(context, "comment", subscription.comment());
  Line(context, "labels", Pairs(subscription.labels()));
  Line(context, "metadata", Pairs(subscription.metadata()));
  Line(context, "owner", OwnerText(subscription.owner(), subscription.managed_by()));
  Line(context, "etag", subscription.etag());
  Line(context, "created", When(context, subscription.create_time()));
  Line(context, "updated", When(context, subscription.update_time()));
  const int code = PrintList(context, "Keys", {Type::kKey, target.parts});
  if (code != kDone) return code;
  PrintConditions(context, subscription.conditions());
  return kDone;
}

int DescribeApplication(Context& context, const Target& target,
                        const v1::Application& application) {
  context.out() << target.Text() << '\n';
  Line(context, "display name", application.display_name());
  Line(context, "description", application.description());
  Line(context, "client id", application.client_id());
  Line(context, "labels", Pairs(application.labels()));
  Line(context, "metadata", Pairs(application.metadata()));
  Line(context, "owner", OwnerText(application.owner(), application.managed_by()));
  Line(context, "etag", application.etag());
  Line(context, "created", When(context, application.create_time()));
  Line(context, "updated", When(context, application.update_time()));
  Fetched fetched;
  const int code = Fetch(context, {Type::kSubscription, {}}, fetched);
  if (code != kDone) return code;
  Table table = TableOf(Type::kSubscription);
  for (const Item& item : fetched.items) {
    const auto& subscription = static_cast<const v1::Subscription&>(*item.message);
    if (subscription.application() != target.FullName()) continue;
    AddRow(context, Type::kSubscription, subscription, table);
  }
  if (table.empty()) return kDone;
  Section(context, "Subscriptions");
  PrintTable(context, table);
  return kDone;
}

int DescribePlan(Context& context, const Target& target, const v1::Plan& plan) {
  context.out() << target.Text() << '\n';
  Line(context, "display name", plan.display_name());
  Line(context, "description", plan.description());
  Line(context, "security", ArmOf(plan, "security"));
  const auto stage = plan.has_stage() ? plan.stage() : v1::PLAN_STAGE_PUBLISHED;
  Line(context, "stage", WordOfEnum(v1::PlanStage_Name(stage), "PLAN_STAGE_"));
  const auto validation = plan.has_validation() ? plan.validation() : v1::PLAN_VALIDATION_AUTO;
  Line(context, "validation",
       WordOfEnum(v1::PlanValidation_Name(validation), "PLAN_VALIDATION_"));
  Line(context, "etag", plan.etag());
  Line(context, "created", When(context, plan.create_time()));
  Line(context, "updated", When(context, plan.update_time()));
  Fetched fetched;
  const int code = Fetch(context, {Type::kSubscription, {target.parts[0]}}, fetched);
  if (code != kDone) return code;
  Table table = TableOf(Type::kSubscription);
  for (const Item& item : fetched.items) {
    const auto& subscription = static_cast<const v1::Subscription&>(*item.message);
    if (subscription.plan() == target.FullName()) {
      AddRow(context, Type::kSubscription, subscription, table);
    }
  }
  if (table.empty()) return kDone;
  Section(context, "Subscriptions");
  PrintTable(context, table);
  return kDone;
}

}  // namespace

int RunDescribe(Context& context) {
  Target target;
  if (!context.OneTarget({Type::kApi, Type::kPlan, Type::kApplication, Type::kSubscription},
                         target)) {
    return kUsage;
  }
  if (!target.IsOne()) return context.Usage("describe needs a whole name; get lists them");
  Fetched fetched;
  if (const int code = Fetch(context, target, fetched); code != kDone) return code;
  const google::protobuf::Message& message = *fetched.items[0].message;
  switch (target.type) {
    case Type::kPlan:
      return DescribePlan(context, target, static_cast<const v1::Plan&>(message));
    case Type::kApplication:
      return DescribeApplication(context, target, static_cast<const v1::Application&>(message));
    case Type::kSubscription:
      return DescribeSubscription(context, target, static_cast<const v1::Subscription&>(message));
    default: return DescribeApi(context, target, static_cast<const v1::Api&>(message));
  }
}

}  // namespace tidegate::ctl
