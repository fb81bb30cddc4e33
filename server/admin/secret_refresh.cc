// What the deployer does when secrets change behind unchanged definitions.
#include <set>

#include "server/admin/definitions.h"
#include "server/admin/deployer.h"
#include "server/base/log.h"
#include "server/config/secrets.h"
#include "server/flow/data_plane.h"
#include "tidegate/config/v1/api.pb.h"

namespace tidegate::admin {

std::vector<std::string> Deployer::ReferencedFiles() const {
  std::set<std::string> files;
  for (const auto& [name, deployment] : Read()->deployments) {
    if (deployment->model == nullptr && deployment->problem.empty()) continue;
    for (std::string& file : config::ReferencedFiles(deployment->record->snapshot())) {
      files.insert(std::move(file));
    }
  }
  return std::vector<std::string>(files.begin(), files.end());
}

// An API that could not be served at the start, because a secret was not there yet, is served once
// it can be.
Status Deployer::ServeLeftOut() {
  auto state = std::make_shared<State>(*Read());
  std::set<std::string> tried;
  for (auto& [name, deployment] : state->deployments) {
    const cfg::Api& snapshot = deployment->record->snapshot();
    if (deployment->model != nullptr || deployment->problem.empty() || !Serves(snapshot)) continue;
    config::Violations violations;
    auto again = std::make_shared<Deployment>(*deployment);
    again->model = Compile(snapshot, deployment->revision, deployment->stopped, options_.tenant,
                           "", violations);
    if (!violations.empty()) continue;  // no secret will mend that
    again->problem.clear();
    deployment = std::move(again);
    tried.insert(name);
  }
  if (tried.empty()) return OkStatus();
  while (LeaveOutBroken(*state)) {
  }
  std::erase_if(tried, [&](const std::string& name) {
    return state->deployments.at(name)->model == nullptr;
  });
  if (tried.empty()) return OkStatus();
  std::vector<model::ApiPtr> models;
  for (const auto& [name, deployment] : state->deployments) {
    if (deployment->model != nullptr) models.push_back(deployment->model);
  }
  std::vector<flow::AssembleProblem> problems;
  TG_ASSIGN_OR_RETURN(SnapshotPtr snapshot, data_plane_.Assemble(models, problems));
  TG_RETURN_IF_ERROR(PublishSubscriptions(*state, tried, options_.publish_limit));
  TG_RETURN_IF_ERROR(data_plane_.Publish(std::move(snapshot), options_.publish_limit));
  repository_.Set(std::move(state));
  for (const std::string& name : tried) {
    Log(LogLevel::kInfo, "admin.api_served_again", {{"api", name}});
  }
  return OkStatus();
}

Status Deployer::RefreshSecrets() {
  std::vector<flow::AssembleProblem> kept;
  StatusOr<std::size_t> changed = std::size_t{0};
  {
    const std::unique_lock<std::timed_mutex> lock(mutation_, options_.publish_limit);
    if (!lock.owns_lock()) return Unavailable("refresh secrets: another change is running");
    TG_RETURN_IF_ERROR(ServeLeftOut());
    changed = data_plane_.RefreshSecrets(options_.publish_limit, kept);
  }
  for (const flow::AssembleProblem& problem : kept) {
    Log(LogLevel::kError, "secrets.rejected",
        {{"api", problem.api}, {"path", problem.path}, {"cause", problem.text},
         {"note", "the endpoint goes on with what it had"}});
  }
  if (!changed.ok()) return changed.status();
  if (*changed > 0 || !kept.empty()) CountApply("secrets", kept.empty());
  if (*changed > 0) {
    Log(LogLevel::kInfo, "secrets.refreshed", {{"apis", std::to_string(*changed)}});
  }
  return OkStatus();
}

}  // namespace tidegate::admin
