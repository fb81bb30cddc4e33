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
    if (deployment->model == nullptr) continue;
    for (std::string& file : config::ReferencedFiles(deployment->record->snapshot())) {
      files.insert(std::move(file));
    }
  }
  return std::vector<std::string>(files.begin(), files.end());
}

Status Deployer::RefreshSecrets() {
  std::vector<flow::AssembleProblem> kept;
  StatusOr<std::size_t> changed = std::size_t{0};
  {
    const std::unique_lock<std::timed_mutex> lock(mutation_, options_.publish_limit);
    if (!lock.owns_lock()) return Unavailable("refresh secrets: another change is running");
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
