#include "server/admin/runtime_operations.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "server/admin/apply.h"
#include "server/admin/errors.h"
#include "server/admin/messages.h"
#include "server/config/names.h"
#include "server/flow/data_plane.h"
#include "tidegate/config/v1/api.pb.h"

namespace tidegate::admin {
namespace {

constexpr std::size_t kConnectionsMax = 100'000;  // looked at for one answer

std::string OwnerOf(const std::string& owner) {
  return owner.empty() ? std::string(kAdminOwner) : owner;
}

v1::EndpointState StateOf(connectors::HealthState state) {
  switch (state) {
    case connectors::HealthState::kReady:
      return v1::ENDPOINT_STATE_UP;
    case connectors::HealthState::kIdle:
    case connectors::HealthState::kConnecting:
      return v1::ENDPOINT_STATE_IDLE;
    case connectors::HealthState::kDegraded:
    case connectors::HealthState::kFailed:
      return v1::ENDPOINT_STATE_DOWN;
  }
  return v1::ENDPOINT_STATE_UNSPECIFIED;
}

std::string GroupOf(const State& state, const std::string& api, const std::string& endpoint) {
  const auto found = state.deployments.find(api);
  if (found == state.deployments.end() || found->second->model == nullptr) return {};
  for (const model::EndpointGroup& group : found->second->model->groups) {
    for (const model::Endpoint& one : group.endpoints) {
      if (one.name == endpoint) return group.name;
    }
  }
  return {};
}

google::protobuf::Timestamp OfMillis(std::int64_t millis) {
  google::protobuf::Timestamp time;
  time.set_seconds(millis / 1000);
  time.set_nanos(static_cast<std::int32_t>(millis % 1000) * 1'000'000);
  return time;
}

void Describe(const State& state, const flow::ConnectionInfo& info, v1::Connection& out) {
  out.set_id(info.id);
  const std::string api = info.api.empty() ? "" : config::ApiName(info.api);
  out.set_api(api);
  out.set_entrypoint(info.entrypoint);
  if (!info.plan.empty()) out.set_plan(config::PlanName(info.api, info.plan));
  if (!info.subscription.empty()) {
    out.set_subscription(config::SubscriptionName(info.api, info.subscription));
    const auto found = state.subscriptions.find(out.subscription());
    if (found != state.subscriptions.end()) out.set_application(found->second->application());
  }
  out.set_client_address(info.client);
  if (info.started_unix_ms > 0) *out.mutable_start_time() = OfMillis(info.started_unix_ms);
  out.set_pending_bytes(static_cast<std::int64_t>(info.pending_bytes));
  const bool publishes = info.entrypoint == "http-post";
  (publishes ? out.set_messages_received(static_cast<std::int64_t>(info.messages))
             : out.set_messages_sent(static_cast<std::int64_t>(info.messages)));
}

v1::DrainStatus DrainOf(flow::DataPlane& data_plane) {
  v1::DrainStatus status;
  status.set_draining(data_plane.draining());
  status.set_connections(static_cast<int>(data_plane.Connections(kConnectionsMax).size()));
  return status;
}

void AddCheck(v1::Readiness& response, const ReadinessView& view) {
  cfg::Condition& condition = *response.add_conditions();
  condition.set_type(view.check);
  condition.set_status(view.ok ? cfg::CONDITION_STATUS_TRUE : cfg::CONDITION_STATUS_FALSE);
  condition.set_reason(view.reason);
  condition.set_message(view.message);
  if (!view.ok) response.set_ready(false);
}

}  // namespace

Status ApplyConfig(Deployer& deployer, Call& call, const v1::ApplyConfigRequest& request,
                   v1::ApplyConfigResponse& response) {
  ApplyOptions options;
  options.owner = OwnerOf(request.owner());
  options.prune = request.prune();
  options.force = request.force();
  options.validate_only = request.validate_only();
  options.no_deploy = request.no_deploy();
  options.secrets = call.secrets;
  if (options.owner.compare(0, kFileOwnerPrefix.size(), kFileOwnerPrefix) == 0) {
    return InvalidField("owner", "must not begin with `file:`: definition directories do");
  }
  TG_ASSIGN_OR_RETURN(response, ApplyBundle(deployer, request.bundle(), options, call));
  return OkStatus();
}

Status DiffConfig(Deployer& deployer, Call& call, const v1::DiffConfigRequest& request,
                  v1::DiffConfigResponse& response) {
  ApplyOptions options;
  options.owner = OwnerOf(request.owner());
  options.prune = request.prune();
  options.force = true;  // a question takes nothing over
  options.secrets = call.secrets;
  TG_ASSIGN_OR_RETURN(response, DiffBundle(deployer, request.bundle(), options, call));
  return OkStatus();
}

Status DumpConfig(Deployer& deployer, Call&, const v1::DumpConfigRequest& request,
                  v1::DumpConfigResponse& response) {
  Dump(*deployer.Read(), request.owner(), response);
  return OkStatus();
}

Status GetServerInfo(Deployer& deployer, const ProcessView& process, v1::ServerInfo& response) {
  response.set_version(process.version);
  response.set_node(process.node);
  response.mutable_start_time()->set_seconds(process.start_unix_seconds);
  response.set_workers(static_cast<int>(process.workers));
  response.set_config_revision(static_cast<std::int64_t>(deployer.Read()->revision));
  for (const std::string& feature : process.features) response.add_features(feature);
  response.set_pid(::getpid());
  return OkStatus();
}

Status GetReadiness(Deployer& deployer, const ProcessView& process, v1::Readiness& response) {
  response.set_ready(true);
  if (process.readiness) {
    for (const ReadinessView& view : process.readiness()) AddCheck(response, view);
  }
  const bool draining = deployer.data_plane().draining();
  AddCheck(response, ReadinessView{"Accepting", !draining, draining ? "Draining" : "Serving", ""});
  return OkStatus();
}

Status ListEndpointHealth(Deployer& deployer, const v1::ListEndpointHealthRequest& request,
                          v1::ListEndpointHealthResponse& response) {
  TG_ASSIGN_OR_RETURN(const std::string parent, ListParent(request.parent()));
  const std::string what = request.parent() + "/endpoints";
  TG_ASSIGN_OR_RETURN(const Page page,
                      ReadPage(what, request.page_size(), request.page_token()));
  const StatePtr state = deployer.Read();
  std::map<std::string, flow::EndpointHealth> endpoints;
  for (flow::EndpointHealth& one : deployer.data_plane().Endpoints()) {
    const std::string api = config::ApiName(one.api);
    if (!parent.empty() && api != parent) continue;
    std::string key = api + "/" + one.endpoint;
    endpoints.emplace(std::move(key), std::move(one));
  }
  response.set_next_page_token(TakePage(
      what, page, endpoints, [](const auto& item) { return item.first; },
      [&](const auto& item) {
        const flow::EndpointHealth& one = item.second;
        v1::EndpointHealth& out = *response.add_endpoints();
        out.set_api(config::ApiName(one.api));
        out.set_group(GroupOf(*state, out.api(), one.endpoint));
        out.set_endpoint(one.endpoint);
        out.set_kind(one.kind);
        out.set_state(StateOf(one.health.state));
        if (one.health.since_unix_ms > 0) {
          *out.mutable_since() = OfMillis(one.health.since_unix_ms);
        }
        if (one.health.last_error != ErrorClass::kNone) {
          out.set_error_class(std::string(NameOf(one.health.last_error)));
        }
        out.set_message(one.health.last_error_text);
        out.set_readers(static_cast<int>(one.health.clients));
      }));
  return OkStatus();
}

Status ListConnections(Deployer& deployer, const v1::ListConnectionsRequest& request,
                       v1::ListConnectionsResponse& response) {
  TG_ASSIGN_OR_RETURN(const std::string parent, ListParent(request.parent()));
  const std::string what = request.parent() + "/connections";
  TG_ASSIGN_OR_RETURN(const Page page,
                      ReadPage(what, request.page_size(), request.page_token()));
  const StatePtr state = deployer.Read();
  std::map<std::string, flow::ConnectionInfo> connections;
  for (flow::ConnectionInfo& one : deployer.data_plane().Connections(kConnectionsMax)) {
    if (!parent.empty() && config::ApiName(one.api) != parent) continue;
    std::string key = one.id;
    connections.emplace(std::move(key), std::move(one));
  }
  response.set_next_page_token(TakePage(
      what, page, connections, [](const auto& item) { return item.first; },
      [&](const auto& item) { Describe(*state, item.second, *response.add_connections()); }));
  return OkStatus();
}

Status CloseConnection(Deployer& deployer, Call& call,
                       const v1::CloseConnectionRequest& request) {
  call.audit.resource = "connections/" + request.id();
  if (request.id().empty()) return InvalidField("id", "is required", config::kRequiredField);
  if (deployer.data_plane().CloseConnection(request.id())) return OkStatus();
  return ResourceMissing("tidegate.admin.v1.Connection", request.id());
}

Status StartDrain(Deployer& deployer, const ProcessView& process, v1::DrainStatus& response) {
  if (process.start_drain) {
    process.start_drain();
  } else {
    deployer.data_plane().StartDrain();
  }
  response = DrainOf(deployer.data_plane());
  return OkStatus();
}

Status CancelDrain(Deployer& deployer, const ProcessView& process, v1::DrainStatus& response) {
  if (process.cancel_drain) {
    process.cancel_drain();
  } else {
    deployer.data_plane().CancelDrain();
  }
  response = DrainOf(deployer.data_plane());
  return OkStatus();
}

Status ListListeners(const ProcessView& process, v1::ListListenersResponse& response) {
  if (!process.listeners) return OkStatus();
  for (const ListenerView& view : process.listeners()) {
    v1::ListenerInfo& out = *response.add_listeners();
    out.set_name(view.name);
    out.set_address(view.address);
    out.set_purpose(view.purpose);
    out.set_tls(view.tls);
    out.set_connections(static_cast<int>(view.connections));
  }
  return OkStatus();
}

Status TestEndpoint(Deployer& deployer, Call& call, const v1::TestEndpointRequest& request,
                    v1::TestEndpointResponse& response) {
  TG_ASSIGN_OR_RETURN(const config::ResourceName api,
                      RequestName(config::ResourceKind::kApi, "api", request.api()));
  call.audit.resource = request.api() + "/" + request.endpoint();
  if (request.endpoint().empty()) {
    return InvalidField("endpoint", "is required", config::kRequiredField);
  }
  const StatePtr state = deployer.Read();
  if (state->apis.count(request.api()) == 0) {
    return ResourceMissing("tidegate.config.v1.Api", request.api());
  }
  if (state->deployments.count(request.api()) == 0) {
    return Precondition("WRONG_STATE", request.api(), "it is not deployed: deploy it first");
  }
  const auto stages = deployer.data_plane().TestEndpoint(api.id(), request.endpoint());
  if (stages.status().code() == StatusCode::kNotFound) {
    return ResourceMissing("tidegate.config.v1.Endpoint", call.audit.resource);
  }
  if (!stages.ok()) return stages.status();
  response.set_ok(true);
  for (const connectors::TestStage& stage : *stages) {
    v1::EndpointTestStep& step = *response.add_steps();
    step.set_name(stage.stage);
    step.set_ok(stage.ok);
    step.set_message(stage.detail);
    if (!stage.ok) response.set_ok(false);
  }
  return OkStatus();
}

}  // namespace tidegate::admin
