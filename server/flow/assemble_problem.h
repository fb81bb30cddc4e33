// One finding of the assembler: what cannot be served, and where it stands in the definition.
// Thread: values. Owner: whoever asked for a snapshot.
#pragma once

#include <string>

namespace tidegate::flow {

struct AssembleProblem {
  std::string api;     // short name
  std::string path;    // field path, as in the files: entrypoints[0].qos
  std::string reason;  // UPPER_SNAKE, e.g. INCOMPATIBLE_QOS
  std::string text;
};

}  // namespace tidegate::flow
