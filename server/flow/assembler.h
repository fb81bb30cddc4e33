// Builds a snapshot from compiled APIs: connectors, entrypoints, negotiation, routes (DESIGN §7).
//
// Runs the broker libraries' configuration checks and nothing else; a failure names every problem
// and leaves what runs untouched. What stays equal is carried over: a runtime whose API and secrets
// did not change, a connector whose endpoint did not change. An API that is the same, but whose
// secrets now make no connector (a rotation that is half done), goes on as it was: Snapshot::kept.
// Thread: control. Owner: DataPlane. Fails: InvalidArgument reason CANNOT_SERVE, with `problems`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/flow/data_plane.h"
#include "server/flow/snapshot.h"

namespace tidegate::flow {

class Assembler {
 public:
  Assembler(const DataPlaneOptions& options, net::WorkerPool& workers)
      : options_(options), workers_(workers) {}

  StatusOr<std::shared_ptr<Snapshot>> Assemble(const std::vector<model::ApiPtr>& apis,
                                               const Snapshot* previous,
                                               std::vector<AssembleProblem>& problems);

 private:
  class ApiBuilder;

  const DataPlaneOptions& options_;
  net::WorkerPool& workers_;
};

// Equal for equal kind, settings and secret values; no secret can be read from it.
std::string EndpointFingerprint(const model::Endpoint& endpoint,
                                const config::SecretResolver* secrets);

}  // namespace tidegate::flow
