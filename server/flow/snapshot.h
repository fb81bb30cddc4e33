// What workers serve from: the routes and runtimes of all deployed APIs (DESIGN §7).
//
// Immutable; posted to every worker, which swaps its own pointer. An API that did not change keeps
// its runtime, an endpoint that did not change keeps its connector.
// Thread: any. Owner: shared_ptr per worker (see WorkerSnapshot), handed to requests and streams.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "connectors/api/connector.h"
#include "server/base/strings.h"
#include "server/flow/assemble_problem.h"
#include "server/flow/balancer.h"
#include "server/flow/destinations.h"
#include "server/flow/endpoint_traffic.h"
#include "server/flow/entrypoint.h"
#include "server/flow/runtime_metrics.h"
#include "server/http/router.h"
#include "server/model/api.h"
#include "server/security/authenticator.h"

namespace tidegate::flow {

struct EndpointRuntime {
  std::string name;
  std::string group;
  std::string kind;
  std::string fingerprint;  // of kind and settings: equal ones share a connector
  bool secondary = false;
  connectors::ConnectorPtr connector;
  std::shared_ptr<const DestinationRule> destinations;  // what flows may hand in
  EndpointMetrics metrics;
  const EndpointTraffic* traffic = nullptr;
};

struct EntrypointRuntime {
  std::string kind;
  std::shared_ptr<const Entrypoint> entrypoint;
  connectors::Qos qos = connectors::Qos::kAuto;
  connectors::Share share = connectors::Share::kEach;
  const EntrypointMetrics* metrics = nullptr;
};

// One deployed API as workers use it.
struct ApiRuntime {
  model::ApiPtr api;
  std::vector<security::AuthenticatorPtr> authenticators;
  std::vector<telemetry::Counter*> auth_allowed;  // beside authenticators
  std::vector<EndpointRuntime> endpoints;         // of all groups
  Balancer publishers;                            // over the first group, indexes into endpoints
  Balancer subscribers;
  std::vector<EntrypointRuntime> entrypoints;     // in the order in which they are tried
  ApiMetrics metrics;
  const EntrypointMetrics* no_entrypoint = nullptr;  // 401, 404 and the like
  std::string challenges;                         // WWW-Authenticate
};

class Snapshot {
 public:
  std::uint64_t generation = 0;
  std::vector<std::shared_ptr<const ApiRuntime>> apis;  // by name
  http::Router routes;                                  // to indexes into apis
  // APIs that go on as they were: their definition is the same, but what their references stand for
  // now makes no connector.
  std::vector<AssembleProblem> kept;

  // nullptr: no listener takes this host and path.
  const ApiRuntime* Route(std::string_view host, std::string_view path) const;
  const ApiRuntime* FindApi(std::string_view name) const;
  std::shared_ptr<const ApiRuntime> SharedApi(std::string_view name) const;
};

// The snapshot as one worker holds it: requests count references here, on a cache line that no
// other worker touches.
struct WorkerSnapshot {
  explicit WorkerSnapshot(std::shared_ptr<const Snapshot> from) : snapshot(std::move(from)) {}
  const std::shared_ptr<const Snapshot> snapshot;
};

// A runtime that keeps its snapshot alive through the worker's own count.
using RuntimePtr = std::shared_ptr<const ApiRuntime>;

}  // namespace tidegate::flow
