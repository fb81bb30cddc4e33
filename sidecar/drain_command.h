// `tidegate drain`: asks a running process to drain, for preStop hooks.
#pragma once

#include "sidecar/options.h"

namespace tidegate::sidecar {

// 0 drained (or asked to, with --no-wait), 4 unreachable, 5 not drained in time.
int DrainRunning(const Options& options);

}  // namespace tidegate::sidecar
