#include "sidecar/secret_watch.h"

#include "server/base/log.h"
#include "sidecar/directory_watch.h"

namespace tidegate::sidecar {

void SecretWatch::Tick() {
  if (admin::StatePtr state = deployer_.Read(); state != state_) {
    state_ = std::move(state);
    files_ = deployer_.ReferencedFiles();
  }
  std::string stamp = FilesStamp(files_);
  // Another set of files has another stamp: a file that changed between the deployment and this
  // look is found as well. Where nothing differs a refresh changes nothing.
  if (stamp == stamp_) return;
  stamp_ = std::move(stamp);
  const Status status = deployer_.RefreshSecrets();
  if (status.ok()) return;
  Log(LogLevel::kError, "secrets.refresh_failed", {{"cause", MessageOf(status)}});
}

}  // namespace tidegate::sidecar
