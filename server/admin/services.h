// The gRPC services: thin, one line for each rpc; what they do stands in the *_operations files.
// Thread: gRPC's own. Owner: AdminServer. Fails: with google.rpc.Status details on every error.
#pragma once

#include <memory>
#include <vector>

#include "server/admin/deployer.h"
#include "server/admin/runtime_operations.h"

namespace grpc {
class Service;
}

namespace tidegate::admin {

struct ServicesOptions {
  ServicesOptions() = default;
  ProcessView process;
  std::size_t request_bytes_max = 4 * 1024 * 1024;
  // What references of callers on this machine, and of others, may reach; null: nothing.
  const config::SecretResolver* local_secrets = nullptr;
  const config::SecretResolver* remote_secrets = nullptr;
};

class Services {
 public:
  virtual ~Services() = default;
  // To be registered with a server that dies before this.
  virtual std::vector<grpc::Service*> all() = 0;
  virtual std::vector<std::string> names() const = 0;  // full, as health is asked for them
};

std::unique_ptr<Services> MakeServices(Deployer& deployer, ServicesOptions options);

}  // namespace tidegate::admin
