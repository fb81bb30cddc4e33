#include "server/admin/api_operations.h"

#include "server/admin/definitions.h"
#include "server/admin/messages.h"
#include "server/admin/rendering.h"
#include "server/admin/stored.h"
#include "server/flow/data_plane.h"
#include "tidegate/config/v1/api.pb.h"

namespace tidegate::admin {
namespace {

constexpr Shelf<cfg::Api> kShelf{config::ResourceKind::kApi, "tidegate.config.v1.Api", &State::apis,
                                 &Change::FindApi};
constexpr std::size_t kApisMax = 10'000;  // what start-up and routing were measured with

constexpr std::string_view kKept = "; what was there before goes on";

// Whether the secrets, certificates and stores it names are used as they stand now.
void AddResolvedRefs(const Deployer& deployer, const Deployment& deployment, cfg::Api& api) {
  const RefsState refs = deployer.RefsOf(api.name());
  cfg::Condition& resolved = *api.add_conditions();
  resolved.set_type("ResolvedRefs");
  resolved.set_status(refs.problem.empty() ? cfg::CONDITION_STATUS_TRUE
                                           : cfg::CONDITION_STATUS_FALSE);
  resolved.set_reason(refs.problem.empty() ? "Resolved" : "SecretRejected");
  if (!refs.problem.empty()) resolved.set_message(refs.problem + std::string(kKept));
  resolved.set_observed_revision(static_cast<std::int64_t>(deployment.revision));
  auto& since = *resolved.mutable_last_transition_time();
  since = deployment.record->create_time();
  if (refs.since != model::WallTime()) since = ToTimestamp(refs.since);
}

// Ready says whether the brokers answer: a condition, never a reason to refuse a deployment.
void AddLive(const Deployer& deployer, const std::vector<flow::EndpointHealth>& endpoints,
             const State& state, cfg::Api& api) {
  const auto found = state.deployments.find(api.name());
  if (found == state.deployments.end() || found->second->model == nullptr) return;
  AddResolvedRefs(deployer, *found->second, api);
  cfg::Condition& ready = *api.add_conditions();
  ready.set_type("Ready");
  ready.set_status(cfg::CONDITION_STATUS_TRUE);
  ready.set_reason(found->second->stopped ? "Stopped" : "Serving");
  ready.set_observed_revision(static_cast<std::int64_t>(found->second->revision));
  *ready.mutable_last_transition_time() = found->second->record->create_time();
  if (found->second->stopped) ready.set_status(cfg::CONDITION_STATUS_FALSE);
  for (const flow::EndpointHealth& endpoint : endpoints) {
    if (endpoint.api != found->second->model->name) continue;
    const bool bad = endpoint.health.state == connectors::HealthState::kDegraded ||
                     endpoint.health.state == connectors::HealthState::kFailed;
    if (!bad) continue;
    ready.set_status(cfg::CONDITION_STATUS_FALSE);
    ready.set_reason("EndpointUnreachable");
    ready.set_message(endpoint.endpoint + ": " + endpoint.health.last_error_text);
    ready.mutable_last_transition_time()->set_seconds(endpoint.health.since_unix_ms / 1000);
    return;
  }
}

Status Store(Change& change, Call& call, cfg::Api api, bool force, cfg::Api& response) {
  const std::string name = api.name();
  WriteOptions options;
  options.path = "api";
  options.force = force;
  config::Violations violations;
  TG_RETURN_IF_ERROR(StoreApi(change, std::move(api), options, violations));
  if (!violations.empty()) return Refuse(violations);
  const cfg::Api& stored = *change.FindApi(name);
  call.audit.etag_after = stored.etag();
  response = Render(change.now(), stored);
  return OkStatus();
}

Status Create(Change& change, Call& call, const std::string& name, cfg::Api api,
              cfg::Api& response) {
  if (change.FindApi(name) != nullptr) return ResourceExists(kShelf.type, name);
  if (change.now().apis.size() >= kApisMax) {
    return LimitReached("apis", "there are " + std::to_string(kApisMax) + " already");
  }
  api.set_name(name);
  return Store(change, call, std::move(api), false, response);
}

}  // namespace

Status CreateApi(Deployer& deployer, Call& call, const v1::CreateApiRequest& request,
                 cfg::Api& response) {
  if (!request.has_api()) return InvalidField("api", "is required", config::kRequiredField);
  TG_ASSIGN_OR_RETURN(const std::string name,
                      CreateName(config::ResourceKind::kApi, "", "api_id", request.api_id(),
                                 "api.name", request.api().name()));
  call.audit.resource = name;
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    return Create(change, call, name, request.api(), response);
  });
}

Status GetApi(Deployer& deployer, Call& call, const v1::GetApiRequest& request,
              cfg::Api& response) {
  const StatePtr state = deployer.Read();
  TG_ASSIGN_OR_RETURN(const auto stored, ReadStored(call, kShelf, request, *state));
  if (request.view() == v1::API_VIEW_BASIC) {
    response = RenderBasic(*state, *stored);
    return OkStatus();
  }
  response = Render(*state, *stored);
  AddLive(deployer, deployer.data_plane().Endpoints(), *state, response);
  return OkStatus();
}

Status ListApis(Deployer& deployer, Call&, const v1::ListApisRequest& request,
                v1::ListApisResponse& response) {
  TG_ASSIGN_OR_RETURN(const Page page, ReadPage("apis", request.page_size(),
                                                request.page_token()));
  const StatePtr state = deployer.Read();
  const bool full = request.view() == v1::API_VIEW_FULL;
  std::vector<flow::EndpointHealth> endpoints;
  if (full) endpoints = deployer.data_plane().Endpoints();
  response.set_next_page_token(TakePage(
      "apis", page, state->apis, [](const auto& item) { return item.first; },
      [&](const auto& item) {
        cfg::Api& api = *response.add_apis();
        api = full ? Render(*state, *item.second) : RenderBasic(*state, *item.second);
        if (full) AddLive(deployer, endpoints, *state, api);
      }));
  return OkStatus();
}

Status UpdateApi(Deployer& deployer, Call& call, const v1::UpdateApiRequest& request,
                 cfg::Api& response) {
  cfg::Api update = request.api();
  const std::string etag = update.etag();
  TG_ASSIGN_OR_RETURN(const std::string name,
                      CreateName(config::ResourceKind::kApi, "", "api.name", "", "api.name",
                                 update.name()));
  call.audit.resource = name;
  config::Violations violations;
  Normalize(update, "api", violations);
  if (!violations.empty()) return Refuse(violations);
  const auto make = [&](Change& change) { return Create(change, call, name, update, response); };
  const auto put = [&](Change& change, cfg::Api merged) {
    return Store(change, call, std::move(merged), request.force(), response);
  };
  return UpdateStored(deployer, call, kShelf, name, update, etag, request, make, put);
}

Status DeleteApi(Deployer& deployer, Call& call, const v1::DeleteApiRequest& request,
                 google::protobuf::Empty&) {
  return DeleteStored(deployer, call, kShelf, request, [&](Change& change) {
    return DeleteApi(change, request.name(), request.force());
  });
}

}  // namespace tidegate::admin
