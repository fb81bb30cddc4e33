// Owns everything that runs, and the order in which it starts and ends.
//
// Start: operations listener (so that probes see the start) → HTTP ports bound → store loaded →
// definition directories applied → HTTP accepts → admin listens.
// End: not ready, new requests refused → streams told to go → listeners and connections closed →
// sinks and connectors drained → workers stopped.
//
// Thread: main, which also calls Tick() about once a second. Owner: main.
// Fails: Start by Status; with `violations` where definition files are wrong.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "connectors/api/connector.h"
#include "server/base/status.h"
#include "server/config/violation.h"
#include "server/flow/entrypoint.h"
#include "server/model/gateway.h"
#include "sidecar/ports_file.h"

namespace tidegate::sidecar {

struct LifecycleOptions {
  LifecycleOptions() = default;
  std::vector<connectors::ConnectorKind> connectors;
  std::vector<flow::EntrypointKind> entrypoints;
  // Definitions that come with the process (`tidegate dev`), as text; applied as owner "dev".
  std::string builtin_definitions;
};

class Lifecycle {
 public:
  static StatusOr<std::unique_ptr<Lifecycle>> Start(model::Gateway gateway,
                                                    LifecycleOptions options,
                                                    config::Violations& violations);
  ~Lifecycle();

  const BoundAddresses& addresses() const;
  // Looks after changed directories, certificates and stuck workers. About once a second.
  void Tick();
  // The whole end, within the bootstrap's drain.timeout.
  void Stop();

 private:
  struct Impl;
  explicit Lifecycle(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidegate::sidecar
