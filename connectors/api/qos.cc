#include "connectors/api/qos.h"

namespace tidegate::connectors {

std::string_view NameOf(Qos qos) {
  switch (qos) {
    case Qos::kNone: return "none";
    case Qos::kAuto: return "auto";
    case Qos::kAtMostOnce: return "at-most-once";
    case Qos::kAtLeastOnce: return "at-least-once";
  }
  return "?";
}

std::string_view NameOf(Share share) {
  switch (share) {
    case Share::kEach: return "each";
    case Share::kGroup: return "group";
    case Share::kPrivate: return "private";
  }
  return "?";
}

}  // namespace tidegate::connectors
