// What the deployer does when secrets change behind unchanged definitions.
#include <map>
#include <set>

#include "server/admin/definitions.h"
#include "server/admin/deployer.h"
#include "server/base/log.h"
#include "server/config/names.h"
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

// A new deployment was assembled with what stood there then: what was said before counts no more.
RefsState Deployer::RefsOf(const std::string& api) const {
  const StatePtr state = Read();
  const auto found = state->deployments.find(api);
  if (found == state->deployments.end()) return RefsState();
  const std::lock_guard lock(refs_mutex_);
  const auto noted = refs_.find(api);
  if (noted == refs_.end() || noted->second.model != found->second->model) return RefsState();
  return noted->second.state;
}

void Deployer::NoteRefs(const std::vector<flow::AssembleProblem>& kept) {
  const StatePtr state = Read();
  std::map<std::string, std::string> problems;
  for (const flow::AssembleProblem& problem : kept) {
    problems.emplace(config::ApiName(problem.api), problem.path + ": " + problem.text);
  }
  const std::lock_guard lock(refs_mutex_);
  std::erase_if(refs_, [&](const auto& item) {
    const auto found = state->deployments.find(item.first);
    return found == state->deployments.end() || found->second->model != item.second.model;
  });
  for (auto& [api, noted] : refs_) {
    if (noted.state.problem.empty() || problems.count(api) != 0) continue;
    noted.state.problem.clear();
    noted.state.since = now();
  }
  for (auto& [api, problem] : problems) {
    const auto found = state->deployments.find(api);
    if (found == state->deployments.end()) continue;
    NotedRefs& noted = refs_[api];
    if (noted.state.problem.empty()) noted.state.since = now();
    noted.model = found->second->model;
    noted.state.problem = problem;
  }
}

Status Deployer::RefreshSecrets() {
  std::vector<flow::AssembleProblem> kept;
  StatusOr<std::size_t> changed = std::size_t{0};
  {
    const std::unique_lock<std::timed_mutex> lock(mutation_, options_.publish_limit);
    if (!lock.owns_lock()) return Unavailable("refresh secrets: another change is running");
    TG_RETURN_IF_ERROR(ServeLeftOut());
    changed = data_plane_.RefreshSecrets(options_.publish_limit, kept);
    if (changed.ok()) NoteRefs(kept);
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
