// What the operations listener answers: /metrics /livez /readyz /startupz /version.
//
// It runs on a worker of its own (the control thread), so that a stuck consumer-facing worker
// cannot hide: /livez fails when a worker has not answered a beat for kBeatMax.
// Thread: its worker. Owner: the process.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/http/handler.h"

namespace tidegate::sidecar {

// One line of /readyz?verbose.
struct ReadyCheck {
  std::string name;
  bool ok = false;
  std::string detail;
};

struct OperationsSources {
  std::function<std::vector<ReadyCheck>()> ready;   // all must be ok
  std::function<std::vector<ReadyCheck>()> live;
  std::function<bool()> started;
  std::string version;
  std::string revision;
  std::string node;
};

std::unique_ptr<http::Handler> MakeOperationsHandler(OperationsSources sources);

}  // namespace tidegate::sidecar
