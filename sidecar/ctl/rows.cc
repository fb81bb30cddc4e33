#include "sidecar/ctl/rows.h"

#include "google/protobuf/message.h"
#include "server/base/strings.h"
#include "server/config/values.h"
#include "tidegate/admin/v1/runtime.pb.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;
namespace v1 = tidegate::config::v1;
using Cells = std::vector<std::string>;

std::string PathsOf(const v1::Api& api) {
  std::vector<std::string> paths;
  for (const v1::Listener& listener : api.listeners()) {
    paths.push_back(listener.host() + listener.path());
  }
  return Join(paths, ",");
}

std::string EntrypointsOf(const v1::Api& api) {
  std::vector<std::string> words;
  for (const v1::Entrypoint& entrypoint : api.entrypoints()) {
    words.push_back(ArmOf(entrypoint, "kind"));
  }
  return Join(words, ",");
}

std::string StageOf(const v1::Plan& plan) {
  const auto stage = plan.has_stage() ? plan.stage() : v1::PLAN_STAGE_PUBLISHED;
  return WordOfEnum(v1::PlanStage_Name(stage), "PLAN_STAGE_");
}

std::string KeyState(const Context& context, const v1::ApiKey& key) {
  if (key.revoked()) return "revoked";
  const auto now = context.environment.now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  if (key.expire_time().seconds() != 0 && key.expire_time().seconds() <= seconds) return "expired";
  return "valid";
}

Cells ApiRow(const Context& context, const v1::Api& api) {
  return {LastPart(api.name()), StateOfApi(api), ReadyOfApi(api), LastPart(api.deployed_revision()),
          PathsOf(api), EntrypointsOf(api), AgeOf(context, api.create_time())};
}

Cells PlanRow(const Context& context, const v1::Plan& plan) {
  const auto words = Split(plan.name(), '/');
  const auto validation = plan.has_validation() ? plan.validation() : v1::PLAN_VALIDATION_AUTO;
  return {words.size() > 1 ? std::string(words[1]) : "", LastPart(plan.name()),
          ArmOf(plan, "security"), StageOf(plan),
          WordOfEnum(v1::PlanValidation_Name(validation), "PLAN_VALIDATION_"),
          AgeOf(context, plan.create_time())};
}

Cells SubscriptionRow(const Context& context, const v1::Subscription& subscription) {
  const auto state = v1::SubscriptionState_Name(subscription.state());
  return {LastPart(subscription.api()), LastPart(subscription.name()),
          LastPart(subscription.plan()), LastPart(subscription.application()),
          WordOfEnum(state, "SUBSCRIPTION_STATE_"), std::to_string(subscription.api_keys_size()),
          AgeOf(context, subscription.create_time())};
}

Cells EndpointRow(const Context& context, const admin::EndpointHealth& endpoint) {
  std::string error = endpoint.error_class();
  if (!endpoint.message().empty()) error += (error.empty() ? "" : ": ") + endpoint.message();
  return {LastPart(endpoint.api()), endpoint.group(), endpoint.endpoint(), endpoint.kind(),
          WordOfEnum(admin::EndpointState_Name(endpoint.state()), "ENDPOINT_STATE_"),
          AgeOf(context, endpoint.since()), std::to_string(endpoint.readers()), error};
}

}  // namespace

std::string ArmOf(const google::protobuf::Message& message, const std::string& oneof) {
  const auto* descriptor = message.GetDescriptor()->FindOneofByName(oneof);
  const auto* field =
      descriptor == nullptr ? nullptr
                            : message.GetReflection()->GetOneofFieldDescriptor(message, descriptor);
  return field == nullptr ? "" : config::KebabOfCamel(field->json_name());
}

std::string StateOfApi(const google::protobuf::Message& message) {
  const auto& api = static_cast<const v1::Api&>(message);
  return WordOfEnum(v1::ApiState_Name(api.state()), "API_STATE_");
}

std::string ReadyOfApi(const google::protobuf::Message& message) {
  const auto& api = static_cast<const v1::Api&>(message);
  for (const v1::Condition& condition : api.conditions()) {
    if (condition.type() != "Ready") continue;
    if (condition.status() == v1::CONDITION_STATUS_TRUE) return "true";
    const bool known = condition.status() == v1::CONDITION_STATUS_FALSE;
    return (known ? "false" : "unknown") +
           (condition.reason().empty() ? "" : ": " + condition.reason());
  }
  return "";
}

Table TableOf(Type type) {
  switch (type) {
    case Type::kApi:
      return Table({"NAME", "STATE", "READY", "REVISION", "PATHS", "ENTRYPOINTS", "AGE"});
    case Type::kPlan: return Table({"API", "NAME", "SECURITY", "STAGE", "VALIDATION", "AGE"});
    case Type::kApplication: return Table({"NAME", "DISPLAY NAME", "CLIENT ID", "OWNER", "AGE"});
    case Type::kSubscription:
      return Table({"API", "NAME", "PLAN", "APPLICATION", "STATE", "KEYS", "AGE"});
    case Type::kKey: return Table({"NAME", "STARTS WITH", "STATE", "EXPIRES", "AGE"});
    case Type::kEndpoint:
      return Table({"API", "GROUP", "NAME", "KIND", "STATE", "SINCE", "READERS", "LAST ERROR"});
    case Type::kListener: return Table({"NAME", "ADDRESS", "PURPOSE", "TLS", "CONNECTIONS"});
  }
  return Table({});
}

void AddRow(const Context& context, Type type, const google::protobuf::Message& message,
            Table& table) {
  switch (type) {
    case Type::kApi: return table.Add(ApiRow(context, static_cast<const v1::Api&>(message)));
    case Type::kPlan: return table.Add(PlanRow(context, static_cast<const v1::Plan&>(message)));
    case Type::kSubscription:
      return table.Add(SubscriptionRow(context, static_cast<const v1::Subscription&>(message)));
    case Type::kEndpoint:
      return table.Add(EndpointRow(context, static_cast<const admin::EndpointHealth&>(message)));
    case Type::kApplication: {
      const auto& application = static_cast<const v1::Application&>(message);
      return table.Add({LastPart(application.name()), application.display_name(),
                        application.client_id(), application.owner(),
                        AgeOf(context, application.create_time())});
    }
    case Type::kKey: {
      const auto& key = static_cast<const v1::ApiKey&>(message);
      return table.Add({LastPart(key.name()), key.prefix(), KeyState(context, key),
                        TimeText(key.expire_time()), AgeOf(context, key.create_time())});
    }
    case Type::kListener: {
      const auto& listener = static_cast<const admin::ListenerInfo&>(message);
      return table.Add({listener.name(), listener.address(), listener.purpose(),
                        listener.tls() ? "yes" : "no", std::to_string(listener.connections())});
    }
  }
}

}  // namespace tidegate::ctl
