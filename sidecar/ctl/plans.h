// What `close` does to a plan; the other verbs of plans stand in verbs.h.
#pragma once

#include "sidecar/ctl/context.h"

namespace tidegate::ctl {

int ClosePlan(Context& context, const Target& target);

}  // namespace tidegate::ctl
