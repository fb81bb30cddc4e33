// Definition directories: applied at start, watched afterwards.
//
// Each directory is an owner of its own ("file:DIR") and is applied with prune. A change that is
// wrong keeps the last good state, is logged once and counted.
// Thread: main. Owner: lifecycle. Fails: at start by violations or Status, later never.
#pragma once

#include <string>
#include <vector>

#include "server/admin/deployer.h"
#include "server/base/status.h"
#include "server/config/secrets.h"
#include "server/config/violation.h"

namespace tidegate::sidecar {

class Definitions {
 public:
  Definitions(std::vector<std::string> directories, admin::Deployer& deployer,
              const config::SecretResolver& secrets);

  // All directories; what is wrong with their files is in `violations`, all of it.
  Status ApplyAll(config::Violations& violations);
  // Applies the directories that changed since.
  void Tick();

 private:
  struct Directory {
    std::string path;
    std::string stamp;               // of what was last tried
    std::vector<std::string> files;  // that its references name
    std::string files_stamp;
  };
  Status Apply(Directory& directory, config::Violations& violations);

  std::vector<Directory> directories_;
  admin::Deployer& deployer_;
  const config::SecretResolver& secrets_;
};

// Applies definitions that come as text (`tidegate dev`), as owner "dev".
Status ApplyText(const std::string& text, admin::Deployer& deployer,
                 const config::SecretResolver& secrets, config::Violations& violations);

}  // namespace tidegate::sidecar
