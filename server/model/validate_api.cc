// Rules between the fields of an Api.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <set>

#include "server/base/strings.h"
#include "server/config/field_rules.h"
#include "server/config/names.h"
#include "server/config/validate.h"
#include "server/config/values.h"
#include "server/model/merge.h"
#include "server/model/validate.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/options.pb.h"

namespace tidegate::model {
namespace {

namespace v1 = config::v1;
using config::Child;
using config::Item;
using config::Violations;

std::size_t At(int index) { return static_cast<std::size_t>(index); }

class ApiValidator {
 public:
  ApiValidator(const v1::Api& api, Violations& violations) : api_(api), violations_(violations) {}

  void Run() {
    Names();
    Listeners();
    CorsRules();
    Entrypoints();
    for (int i = 0; i < api_.endpoint_groups_size(); ++i) Group(i);
    if (AllBuilt()) Directions();
  }

 private:
  void Add(const std::string& path, std::string_view reason, const std::string& text) {
    violations_.push_back(config::FieldViolation(path, reason, text));
  }

  void Names() {
    const auto own = config::ParseNameAs(config::ResourceKind::kApi, api_.name());
    if (!api_.name().empty() && !own.ok()) {
      Add("name", config::kInvalidField, "must be of the form apis/{api}");
    }
    for (int i = 0; i < api_.plans_size(); ++i) {
      const std::string& name = api_.plans(i).name();
      const auto parsed = config::ParseNameAs(config::ResourceKind::kPlan, name);
      if (!name.empty() && (!parsed.ok() || config::ApiName(parsed->api()) != api_.name())) {
        Add(Child(Item("plans", At(i)), "name"), config::kInvalidField,
            "must be of the form apis/{api}/plans/{plan}, of this API");
      }
    }
  }

  // Entrypoints that are reached by a path: all but webhook.
  static bool NeedsListener(const v1::Entrypoint& entrypoint) {
    return entrypoint.kind_case() != v1::Entrypoint::KIND_NOT_SET &&
           !entrypoint.has_webhook();
  }

  void Listeners() {
    for (int i = 0; i < api_.entrypoints_size(); ++i) {
      if (api_.listeners_size() > 0 || !NeedsListener(api_.entrypoints(i))) continue;
      Add("listeners", config::kRequiredField,
          "must have at least one item: the " + KindWord(api_.entrypoints(i)) +
              " entrypoint is reached by a path");
      break;
    }
    std::set<std::string> seen;
    for (int i = 0; i < api_.listeners_size(); ++i) {
      const v1::Listener& listener = api_.listeners(i);
      const std::string key = ToLower(listener.host()) + " " + listener.path();
      if (!seen.insert(key).second) {
        Add(Item("listeners", At(i)), config::kDuplicate,
            "has the host and path of another listener of this API");
      }
    }
  }

  void CorsRules() {
    if (!api_.has_cors()) return;
    const v1::Cors& cors = api_.cors();
    for (const std::string& origin : cors.allow_origins()) {
      if (origin == "*" && cors.allow_credentials()) {
        Add("cors.allowCredentials", config::kInvalidField,
            "cannot be true beside the origin *: name the origins");
      }
    }
  }

  static std::string KindWord(const v1::Entrypoint& entrypoint) {
    const google::protobuf::FieldDescriptor* arm =
        entrypoint.GetReflection()->GetOneofFieldDescriptor(
            entrypoint, entrypoint.GetDescriptor()->FindOneofByName("kind"));
    return arm == nullptr ? "" : config::KebabOfCamel(arm->json_name());
  }

  void Entrypoints() {
    std::set<std::string> seen;
    for (int i = 0; i < api_.entrypoints_size(); ++i) {
      const v1::Entrypoint& entrypoint = api_.entrypoints(i);
      const std::string path = Item("entrypoints", At(i));
      const std::string kind = KindWord(entrypoint);
      if (kind.empty()) continue;
      if (!seen.insert(kind).second) {
        Add(path, config::kDuplicate, "a kind of entrypoint stands once in an API, and " + kind +
                                          " stands twice");
      }
      CheckQos(entrypoint, kind, path);
      if (entrypoint.has_websocket()) CheckWebsocket(entrypoint.websocket(), path);
    }
  }

  // What the kinds can promise at all; what the endpoint can is server/flow's question.
  void CheckQos(const v1::Entrypoint& entrypoint, const std::string& kind,
                const std::string& path) {
    if (!entrypoint.has_qos()) return;
    const v1::Qos qos = entrypoint.qos();
    if (entrypoint.has_http_get() && qos == v1::QOS_NONE) {
      Add(Child(path, "qos"), config::kInvalidField,
          kind + " takes auto, at-most-once and at-least-once, not none");
    }
    const bool two = entrypoint.has_http_post() || entrypoint.has_websocket();
    if (two && qos != v1::QOS_NONE && qos != v1::QOS_AUTO && qos != v1::QOS_UNSPECIFIED) {
      Add(Child(path, "qos"), config::kInvalidField,
          kind + " takes none and auto, not at-most-once and at-least-once");
    }
  }

  static bool IsOff(bool present, const v1::Direction& direction) {
    return present && direction.has_enabled() && !direction.enabled();
  }

  void CheckWebsocket(const v1::WebsocketEntrypoint& websocket, const std::string& path) {
    if (IsOff(websocket.has_publisher(), websocket.publisher()) &&
        IsOff(websocket.has_subscriber(), websocket.subscriber())) {
      Add(Child(path, "websocket"), config::kInvalidField,
          "publisher and subscriber cannot both be off");
    }
    if (websocket.has_max_frame_size() && websocket.has_max_message_size() &&
        websocket.max_frame_size() > websocket.max_message_size()) {
      Add(Child(path, "websocket.maxMessageSize"), config::kInvalidField,
          "must be at least maxFrameSize");
    }
  }

  void Group(int index) {
    const v1::EndpointGroup& group = api_.endpoint_groups(index);
    const std::string path = Item("endpointGroups", At(index));
    TakeName(group.name(), Child(path, "name"));
    const std::string shared = group.has_shared() ? KindOf(group.shared()) : "";
    std::string first;
    for (int i = 0; i < group.endpoints_size(); ++i) {
      const v1::Endpoint& endpoint = group.endpoints(i);
      const std::string at = Item(Child(path, "endpoints"), At(i));
      // The group's own list says it when two endpoints of it share a name.
      TakeName(endpoint.name(), Child(at, "name"));
      const std::string kind = KindOf(endpoint);
      if (kind.empty()) continue;
      if (first.empty()) first = kind;
      if (kind != first) {
        Add(at, config::kInvalidField, "is of kind " + kind + ", but the group's endpoints are " +
                                           first + ": all endpoints of a group are of one kind");
      }
      if (!shared.empty() && shared != kind && (i == 0 || kind == first)) {
        Add(Child(path, "shared"), config::kInvalidField,
            "is of kind " + shared + ", but endpoint " + endpoint.name() + " is " + kind);
      }
      if (endpoint.has_kafka()) Kafka(group, endpoint, at);
    }
  }

  void TakeName(const std::string& name, const std::string& path) {
    if (name.empty()) return;
    const auto [at, fresh] = names_.emplace(name, path);
    if (fresh) return;
    for (const config::Violation& violation : violations_) {
      if (violation.path == path && violation.reason == config::kDuplicate) return;
    }
    Add(path, config::kDuplicate,
        "is the name of another group or endpoint of this API (" + at->second + ")");
  }

  void Kafka(const v1::EndpointGroup& group, const v1::Endpoint& endpoint,
             const std::string& path) {
    const auto settings = EffectiveSettings(group, endpoint);
    const auto& kafka = static_cast<const v1::KafkaEndpoint&>(*settings);
    const std::string at = Child(path, "kafka");
    if (kafka.bootstrap_servers_size() == 0) {
      Add(Child(at, "bootstrapServers"), config::kRequiredField,
          "must have at least one item, here or in the group's shared settings");
    }
    const model::Directions on = DirectionsOf(kafka);
    if (on.producer && kafka.producer().topics_size() == 0) {
      Add(Child(at, "producer.topics"), config::kRequiredField, "must have at least one item");
    }
    if (!on.consumer) return;
    const bool topics = kafka.consumer().topics_size() > 0;
    const bool pattern = !kafka.consumer().topics_pattern().empty();
    if (!topics && !pattern) {
      Add(Child(at, "consumer.topics"), config::kRequiredField,
          "is required, unless topicsPattern names the topics");
    } else if (topics && pattern) {
      Add(Child(at, "consumer.topicsPattern"), config::kInvalidField,
          "cannot stand beside topics; only one of them can be given");
    }
  }

  // Whether every entrypoint and endpoint is of a kind that is built: else a direction that is
  // missing may be one that nobody knows yet.
  bool AllBuilt() const {
    for (const config::Violation& violation : violations_) {
      if (violation.reason == config::kNotBuilt || violation.reason == config::kRequiredField) {
        return false;
      }
    }
    return api_.endpoint_groups_size() > 0;
  }

  // What an entrypoint needs and no endpoint of the first group has.
  void Directions() {
    const v1::EndpointGroup& group = api_.endpoint_groups(0);
    model::Directions has;
    for (const v1::Endpoint& endpoint : group.endpoints()) {
      const auto settings = EffectiveSettings(group, endpoint);
      if (settings == nullptr) return;
      const model::Directions on = DirectionsOf(*settings);
      has.producer = has.producer || on.producer;
      has.consumer = has.consumer || on.consumer;
    }
    for (int i = 0; i < api_.entrypoints_size(); ++i) {
      const v1::Entrypoint& entrypoint = api_.entrypoints(i);
      const std::string path = Item("entrypoints", At(i));
      const std::string kind = KindWord(entrypoint);
      bool publishes = entrypoint.has_http_post();
      bool subscribes = entrypoint.has_http_get() || entrypoint.has_sse();
      if (entrypoint.has_websocket()) {
        const v1::WebsocketEntrypoint& websocket = entrypoint.websocket();
        publishes = websocket.has_publisher() && !IsOff(true, websocket.publisher());
        subscribes = websocket.has_subscriber() && !IsOff(true, websocket.subscriber());
        const bool can_publish = has.producer && !IsOff(websocket.has_publisher(),
                                                        websocket.publisher());
        const bool can_subscribe = has.consumer && !IsOff(websocket.has_subscriber(),
                                                          websocket.subscriber());
        if (!publishes && !subscribes && !can_publish && !can_subscribe) subscribes = true;
      }
      if (publishes && !has.producer) Missing(path, kind, "publishes", "producer", group.name());
      if (subscribes && !has.consumer) Missing(path, kind, "subscribes", "consumer", group.name());
    }
  }

  void Missing(const std::string& path, const std::string& kind, const char* verb,
               const std::string& block, const std::string& group) {
    Add(path, "ENDPOINT_CANNOT_" + std::string(block == "producer" ? "PUBLISH" : "SUBSCRIBE"),
        kind + " " + verb + ", but no endpoint of group " + group + " has a " + block +
            " that is on");
  }

  const v1::Api& api_;
  Violations& violations_;
  std::unordered_map<std::string, std::string> names_;
};

}  // namespace

void Validate(const v1::Api& api, Violations& violations) {
  Violations found;
  config::ValidateFields(api, found);
  ApiValidator(api, found).Run();
  violations.insert(violations.end(), found.begin(), found.end());
}

void Lint(const v1::Api& api, Violations& warnings) {
  const auto warn = [&warnings](const std::string& path, const std::string& text) {
    warnings.push_back(config::FieldViolation(path, "LINT", text));
  };
  bool keyless = false;
  for (int i = 0; i < api.plans_size(); ++i) {
    const v1::Plan& plan = api.plans(i);
    const bool offered = !plan.has_stage() || plan.stage() == v1::PLAN_STAGE_PUBLISHED ||
                         plan.stage() == v1::PLAN_STAGE_DEPRECATED;
    if (!offered || !plan.has_keyless()) continue;
    if (keyless) warn(Item("plans", At(i)), "is never reached: a keyless plan stands before it");
    keyless = true;
  }
  // A mock makes messages for every consumer by itself.
  const bool shared = api.endpoint_groups_size() > 0 &&
                      api.endpoint_groups(0).endpoints_size() > 0 &&
                      !api.endpoint_groups(0).endpoints(0).has_mock();
  if (api.plans_size() == 0) warn("plans", "nobody can use an API that has no plan");
  for (int i = 0; i < api.entrypoints_size(); ++i) {
    const v1::Entrypoint& entrypoint = api.entrypoints(i);
    const bool consumes =
        entrypoint.has_sse() || entrypoint.has_http_get() || entrypoint.has_websocket();
    const bool automatic = !entrypoint.has_qos() || entrypoint.qos() == v1::QOS_AUTO;
    if (keyless && shared && consumes && automatic && entrypoint.share() == v1::SHARE_UNSPECIFIED) {
      warn(Item("entrypoints", At(i)),
           "with qos auto and a keyless plan, all clients behind one address share the messages; "
           "share: each gives them to every one");
    }
  }
}

}  // namespace tidegate::model
