#include "connectors/api/connector.h"

namespace tidegate::connectors {

Status Connector::CheckDestination(std::string_view /*destination*/,
                                   Direction /*direction*/) const {
  return WithReason(InvalidArgument("this kind of endpoint takes no other destination"),
                    "INVALID_DESTINATION");
}

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
