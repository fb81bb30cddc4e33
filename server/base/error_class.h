// The classes of failure that all connectors share (DESIGN §5). What a consumer sees of each stands
// in one table, server/exchange/error_map.cc.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidegate {

enum class ErrorClass : std::uint8_t {
  kNone,                 // no failure
  kConfigInvalid,        // the library or broker refuses the settings
  kTlsFailed,            // handshake or trust
  kAuthFailed,           // credentials refused
  kNotAuthorized,        // known, but not allowed (ACL)
  kConnectFailed,        // never reached
  kConnectionClosed,     // reached, then lost
  kDestinationMissing,   // no such topic, queue, partition
  kPositionUnavailable,  // the position is gone, or there is none and the rule is `none`
  kMessageRejected,      // the broker will not have this message
  kNoRoute,              // nobody takes it
  kOverloaded,           // a bounded queue is full; safe to retry
  kTimeout,              // no answer in time; the outcome is unknown
  kFatal,                // the client must be made anew
  kInternal,             // a bug of ours
};

std::string_view NameOf(ErrorClass error_class);
// The class with this name ("ConnectFailed", any case, with or without dashes); kNone if none.
ErrorClass ErrorClassFromName(std::string_view name);

}  // namespace tidegate
