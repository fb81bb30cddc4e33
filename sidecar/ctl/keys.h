// API keys on the command line: the key itself goes to stdout alone, so that
// `KEY=$(tidegatectl create key/…)` works; the talk around it goes to stderr.
#pragma once

#include <string>

#include "sidecar/ctl/context.h"

namespace tidegate::ctl {

int CreateKey(Context& context, const Target& target);

// A key that the person chose, from a file or standard input. Not 0: reported.
int ReadChosenKey(Context& context, std::string& key);

}  // namespace tidegate::ctl
