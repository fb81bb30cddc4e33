#include "sidecar/version.h"

namespace tidegate::sidecar {

std::string Version() { return TIDEGATE_VERSION; }
std::string Revision() { return TIDEGATE_REVISION; }

}  // namespace tidegate::sidecar
