#include "sidecar/version.h"

#include "sidecar/revision.h"

namespace tidegate::sidecar {

std::string Version() { return TIDEGATE_VERSION; }
std::string Revision() { return TIDEGATE_REVISION; }

}  // namespace tidegate::sidecar
