// Help, made from the tables of verbs and flags.
#pragma once

#include <iosfwd>
#include <string>

#include "sidecar/ctl/verbs.h"

namespace tidegate::ctl {

// tidegatectl deploy TYPE/NAME [flags]
std::string UsageLine(const Verb& verb);
void PrintHelp(const Verb& verb, std::ostream& out);
void PrintHelp(std::ostream& out);

}  // namespace tidegate::ctl
