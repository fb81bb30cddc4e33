// Notices when files change that deployed APIs name (passwords, tokens, certificates, key stores),
// whoever deployed them, and has their endpoints looked at again.
//
// Definition directories watch the files of their own documents as well: that is for what a
// definition stores (API keys); this is for what connectors hold.
// Thread: main. Owner: lifecycle. Fails: never; what is refused is logged and tried again when the
// files change again.
#pragma once

#include <string>
#include <vector>

#include "server/admin/deployer.h"

namespace tidegate::sidecar {

class SecretWatch {
 public:
  explicit SecretWatch(admin::Deployer& deployer) : deployer_(deployer) {}
  // Looks once; a few stat calls unless something changed.
  void Tick();

 private:
  admin::Deployer& deployer_;
  admin::StatePtr state_;           // whose files are watched
  std::vector<std::string> files_;
  std::string stamp_;
};

}  // namespace tidegate::sidecar
