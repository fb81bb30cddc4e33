// From the bootstrap file, variables and flags to the plain struct of how the process runs.
// Thread: main. Fails: by violations, all at once; without a file the defaults hold.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/config/violation.h"
#include "server/model/gateway.h"
#include "sidecar/options.h"

namespace tidegate::sidecar {

// nullopt exactly when violations were added.
std::optional<model::Gateway> LoadBootstrap(const Options& options,
                                            config::Violations& violations);

// $XDG_RUNTIME_DIR/tidegate/admin.sock, else /run/tidegate/admin.sock.
std::string DefaultAdminSocket();

// The CPU quota of the cgroup rounded up, at most the number of CPUs and kWorkersMax.
std::uint32_t DefaultWorkers();

// What an operator sees of violations: one line each, in order.
std::string Render(const config::Violations& violations);

}  // namespace tidegate::sidecar
