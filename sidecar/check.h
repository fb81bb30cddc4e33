// `tidegate check`: validates bootstrap and definitions with the arguments of serve; starts
// nothing.
#pragma once

#include "sidecar/options.h"

namespace tidegate::sidecar {

// 0, or 3 with all violations on standard error. Secrets that cannot be read here only warn.
int Check(const Options& options);

}  // namespace tidegate::sidecar
