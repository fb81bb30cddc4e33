#include "server/flow/assembler.h"

#include <algorithm>

#include "server/config/fingerprint.h"
#include "server/flow/qos_rules.h"

namespace tidegate::flow {

std::string EndpointFingerprint(const model::Endpoint& endpoint,
                                const config::SecretResolver* secrets) {
  if (endpoint.settings == nullptr) return endpoint.kind;
  return endpoint.kind + ":" + config::SettingsFingerprint(*endpoint.settings, secrets);
}

// Builds the runtime of one API; problems go to the common list.
class Assembler::ApiBuilder {
 public:
  ApiBuilder(const DataPlaneOptions& options, net::WorkerPool& workers, const model::Api& api,
             const ApiRuntime* previous, std::vector<AssembleProblem>& problems)
      : options_(options), workers_(workers), api_(api), previous_(previous), problems_(problems) {}

  void Build(ApiRuntime& runtime) {
    BuildEndpoints(runtime);
    BuildBalancers(runtime);
    for (const EntrypointKind& kind : options_.entrypoints) {
      for (std::size_t i = 0; i < api_.entrypoints.size(); ++i) {
        if (api_.entrypoints[i].kind == kind.kind) BuildEntrypoint(kind, i, runtime);
      }
    }
    for (std::size_t i = 0; i < api_.entrypoints.size(); ++i) CheckKnown(i);
    runtime.authenticators = security::MakeAuthenticators(api_.plans);
    for (const security::AuthenticatorPtr& entry : runtime.authenticators) {
      runtime.auth_allowed.push_back(
          MakeAuthCounter(api_.name, std::string(entry->scheme()), "allowed"));
    }
    runtime.challenges = security::Challenges(runtime.authenticators, api_.name);
    runtime.metrics = MakeApiMetrics(api_.name);
    runtime.no_entrypoint = MakeEntrypointMetrics(api_.name, "none");
  }

 private:
  void Problem(std::string path, std::string reason, std::string text) {
    AssembleProblem problem;
    problem.api = api_.name;
    problem.path = std::move(path);
    problem.reason = std::move(reason);
    problem.text = std::move(text);
    problems_.push_back(std::move(problem));
  }

  static std::string EndpointPath(std::size_t group, std::size_t endpoint) {
    return "endpointGroups[" + std::to_string(group) + "].endpoints[" + std::to_string(endpoint) +
           "]";
  }

  void BuildEndpoints(ApiRuntime& runtime) {
    for (std::size_t g = 0; g < api_.groups.size(); ++g) {
      for (std::size_t e = 0; e < api_.groups[g].endpoints.size(); ++e) {
        const model::Endpoint& endpoint = api_.groups[g].endpoints[e];
        EndpointRuntime out;
        out.name = endpoint.name;
        out.group = api_.groups[g].name;
        out.kind = endpoint.kind;
        out.secondary = endpoint.secondary;
        out.fingerprint = EndpointFingerprint(endpoint, options_.secrets);
        out.connector = ConnectorFor(endpoint, out.fingerprint, EndpointPath(g, e));
        if (out.connector == nullptr) continue;
        out.destinations = std::make_shared<const DestinationRule>(endpoint.destination_pattern);
        out.metrics = MakeEndpointMetrics(api_.name, endpoint.name);
        out.traffic = OfEndpoint(api_.name, endpoint.name);
        if (g == 0) first_group_.push_back({runtime.endpoints.size(), endpoint.weight,
                                            endpoint.secondary});
        runtime.endpoints.push_back(std::move(out));
      }
    }
    if (api_.groups.empty() || api_.groups.front().endpoints.empty()) {
      Problem("endpointGroups", "ENDPOINT_MISSING", "an API needs an endpoint to serve from");
    }
  }

  // The one that runs, while its settings and secrets stay equal.
  connectors::ConnectorPtr ConnectorFor(const model::Endpoint& endpoint,
                                        const std::string& fingerprint, const std::string& path) {
    if (previous_ != nullptr) {
      for (const EndpointRuntime& old : previous_->endpoints) {
        if (old.name == endpoint.name && old.fingerprint == fingerprint) return old.connector;
      }
    }
    const auto kind = std::find_if(
        options_.connectors.begin(), options_.connectors.end(),
        [&](const connectors::ConnectorKind& entry) { return entry.kind == endpoint.kind; });
    if (kind == options_.connectors.end() || endpoint.settings == nullptr) {
      Problem(path, "CONNECTOR_UNKNOWN",
              "no connector of kind '" + endpoint.kind + "' is part of this build");
      return nullptr;
    }
    connectors::ConnectorContext context;
    context.api = api_.name;
    context.endpoint = endpoint.name;
    context.secrets = options_.secrets;
    context.workers = &workers_;
    StatusOr<connectors::ConnectorPtr> made = kind->make(*endpoint.settings, context);
    if (made.ok()) return std::move(*made);
    const std::string reason = ReasonOf(made.status());
    Problem(path + "." + endpoint.kind, reason.empty() ? "ENDPOINT_INVALID" : reason,
            MessageOf(made.status()));
    return nullptr;
  }

  void BuildBalancers(ApiRuntime& runtime) {
    if (api_.groups.empty()) return;
    std::vector<Balancer::Candidate> publishers;
    std::vector<Balancer::Candidate> subscribers;
    for (const Balancer::Candidate& candidate : first_group_) {
      const auto& offer = runtime.endpoints[candidate.index].connector->capabilities();
      if (offer.publish) publishers.push_back(candidate);
      if (offer.subscribe) subscribers.push_back(candidate);
    }
    const model::LoadBalancer rule = api_.groups.front().load_balancer;
    runtime.publishers.Set(rule, std::move(publishers));
    runtime.subscribers.Set(rule, std::move(subscribers));
  }

  void BuildEntrypoint(const EntrypointKind& kind, std::size_t index, ApiRuntime& runtime) {
    const model::Entrypoint& settings = api_.entrypoints[index];
    const std::string path = "entrypoints[" + std::to_string(index) + "]";
    EntrypointContext context;
    context.api = api_.name;
    context.qos = ToConnectorQos(settings.qos);
    context.can_publish = !runtime.publishers.empty();
    context.can_subscribe = !runtime.subscribers.empty();
    if (settings.settings == nullptr) {
      Problem(path, "ENTRYPOINT_INVALID", "the entrypoint has no settings");
      return;
    }
    auto made = kind.make(*settings.settings, context);
    if (!made.ok()) {
      const std::string reason = ReasonOf(made.status());
      Problem(path, reason.empty() ? "ENTRYPOINT_INVALID" : reason, MessageOf(made.status()));
      return;
    }
    EntrypointRuntime out;
    out.kind = settings.kind;
    out.entrypoint = std::move(*made);
    out.qos = context.qos;
    out.metrics = MakeEntrypointMetrics(api_.name, settings.kind);
    Negotiate(settings, path, runtime, out);
    runtime.entrypoints.push_back(std::move(out));
  }

  // Directions first, then levels and capabilities against every endpoint that would serve it.
  void Negotiate(const model::Entrypoint& settings, const std::string& path,
                 const ApiRuntime& runtime, EntrypointRuntime& out) {
    if (runtime.endpoints.empty()) return;  // said already
    const Needs needs = out.entrypoint->needs();
    if (needs.publish && runtime.publishers.empty()) {
      Problem(path, "ENDPOINT_CANNOT_PUBLISH",
              settings.kind + " publishes, but no endpoint of the first group has a producer");
    }
    if (needs.subscribe && runtime.subscribers.empty()) {
      Problem(path, "ENDPOINT_CANNOT_SUBSCRIBE",
              settings.kind + " subscribes, but no endpoint of the first group has a consumer");
    }
    bool shared = false;
    for (const Balancer::Candidate& candidate : first_group_) {
      const EndpointRuntime& endpoint = runtime.endpoints[candidate.index];
      const connectors::Capabilities& offer = endpoint.connector->capabilities();
      if (!(needs.publish && offer.publish) && !(needs.subscribe && offer.subscribe)) continue;
      const std::string name = "endpoint '" + endpoint.name + "' (" + endpoint.kind + ")";
      QosParties parties;
      parties.entrypoint = settings.kind;
      parties.endpoint = name;
      if (auto problem = CheckQos(needs, out.qos, offer, parties)) {
        Problem(path + ".qos", problem->reason, problem->text);
        continue;
      }
      if (!needs.subscribe || !offer.subscribe) continue;
      if (auto problem = CheckShare(settings.share, out.qos, offer, parties)) {
        Problem(path + ".share", problem->reason, problem->text);
        continue;
      }
      if (shared) continue;
      shared = true;
      out.share = settings.share == model::Share::kEach    ? connectors::Share::kEach
                  : settings.share == model::Share::kGroup ? connectors::Share::kGroup
                                                           : DefaultShare(needs, out.qos, offer);
    }
  }

  void CheckKnown(std::size_t index) {
    const std::string& kind = api_.entrypoints[index].kind;
    const bool known =
        std::any_of(options_.entrypoints.begin(), options_.entrypoints.end(),
                    [&](const EntrypointKind& entry) { return entry.kind == kind; });
    if (known) return;
    Problem("entrypoints[" + std::to_string(index) + "]", "ENTRYPOINT_UNKNOWN",
            "no entrypoint of kind '" + kind + "' is part of this build");
  }

  const DataPlaneOptions& options_;
  net::WorkerPool& workers_;
  const model::Api& api_;
  const ApiRuntime* previous_;
  std::vector<AssembleProblem>& problems_;
  std::vector<Balancer::Candidate> first_group_;
};

namespace {

// An API that is the very same object and whose secrets still say the same keeps its runtime.
bool Unchanged(const ApiRuntime& old, const model::ApiPtr& api,
               const config::SecretResolver* secrets) {
  if (old.api != api) return false;
  std::size_t index = 0;
  for (const model::EndpointGroup& group : api->groups) {
    for (const model::Endpoint& endpoint : group.endpoints) {
      if (index >= old.endpoints.size() ||
          old.endpoints[index++].fingerprint != EndpointFingerprint(endpoint, secrets)) {
        return false;
      }
    }
  }
  return true;
}

void AddRoutes(const model::Api& api, std::size_t index, Snapshot& snapshot,
               std::vector<AssembleProblem>& problems) {
  for (std::size_t i = 0; i < api.listeners.size(); ++i) {
    const model::Listener& listener = api.listeners[i];
    const auto target = static_cast<std::uint32_t>(index);
    if (snapshot.routes.Add(listener.host, listener.path, target)) continue;
    AssembleProblem problem;
    problem.api = api.name;
    problem.path = "listeners[" + std::to_string(i) + "]";
    problem.reason = "LISTENER_CONFLICT";
    problem.text = "another API, or this one, already listens on " +
                   (listener.host.empty() ? std::string("any host") : listener.host) + " at " +
                   (listener.path.empty() ? std::string("/") : listener.path);
    problems.push_back(std::move(problem));
  }
}

}  // namespace

StatusOr<std::shared_ptr<Snapshot>> Assembler::Assemble(const std::vector<model::ApiPtr>& apis,
                                                        const Snapshot* previous,
                                                        std::vector<AssembleProblem>& problems) {
  auto snapshot = std::make_shared<Snapshot>();
  std::vector<model::ApiPtr> ordered = apis;
  std::sort(ordered.begin(), ordered.end(), [](const model::ApiPtr& a, const model::ApiPtr& b) {
    return a->name < b->name;
  });
  const std::size_t before = problems.size();
  for (const model::ApiPtr& api : ordered) {
    const std::shared_ptr<const ApiRuntime> old =
        previous == nullptr ? nullptr : previous->SharedApi(api->name);
    const std::size_t index = snapshot->apis.size();
    if (old != nullptr && Unchanged(*old, api, options_.secrets)) {
      snapshot->apis.push_back(old);
    } else {
      auto runtime = std::make_shared<ApiRuntime>();
      runtime->api = api;
      std::vector<AssembleProblem> found;
      ApiBuilder builder(options_, workers_, *api, old.get(), found);
      builder.Build(*runtime);
      const bool keep = !found.empty() && old != nullptr && old->api == api;
      std::vector<AssembleProblem>& said = keep ? snapshot->kept : problems;
      said.insert(said.end(), found.begin(), found.end());
      snapshot->apis.push_back(keep ? old : std::move(runtime));
    }
    AddRoutes(*api, index, *snapshot, problems);
  }
  if (problems.size() > before) {
    const AssembleProblem& first = problems[before];
    return WithReason(
        InvalidArgument("assemble API " + first.api + ": " + first.path + ": " + first.text),
        "CANNOT_SERVE");
  }
  return snapshot;
}

}  // namespace tidegate::flow
