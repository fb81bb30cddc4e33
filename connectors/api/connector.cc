#include "connectors/api/connector.h"

namespace tidegate::connectors {

std::string_view NameOf(HealthState state) {
  switch (state) {
    case HealthState::kIdle: return "idle";
    case HealthState::kConnecting: return "connecting";
    case HealthState::kReady: return "ready";
    case HealthState::kDegraded: return "degraded";
    case HealthState::kFailed: return "failed";
  }
  return "?";
}

}  // namespace tidegate::connectors
