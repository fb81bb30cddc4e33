// Completion: the scripts are small and ask the hidden verb `__complete`, so that they never lag
// behind the tables.
#pragma once

#include <string>
#include <vector>

#include "sidecar/ctl/environment.h"

namespace tidegate::ctl {

// `words` are those after the program's name; the last is the one at the cursor. Prints candidates,
// one a line; names come from the server, within a second, else they are left out.
int RunComplete(const std::vector<std::string>& words, const Environment& environment);

}  // namespace tidegate::ctl
