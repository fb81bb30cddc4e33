// AMQP's reply codes as the classes that all connectors share, with the broker's own words, bounded
// and without control characters.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/base/status.h"

namespace tidegate::rabbitmq {

// What the broker said when it closed a channel or the connection.
struct CloseReason {
  std::uint16_t code = 0;
  std::uint32_t cause = 0;  // the method it is about, as on the wire; 0: none
  std::string text;
};

// A channel: 403 NotAuthorized, 404 DestinationMissing, 405 Overloaded (somebody else has it),
// 406 ConfigInvalid (declared differently), of a publish 311 and 406 MessageRejected.
Status ChannelError(std::string_view operation, const CloseReason& reason);
// The connection: 403 during login AuthFailed, 530 ConfigInvalid (no such vhost) or NotAuthorized,
// 320 ConnectionClosed, 501 to 506 and 540 ConfigInvalid, 541 Fatal.
Status ConnectionError(std::string_view operation, const CloseReason& reason, bool opened);
// basic.return: 312 and 313 NoRoute, 311 MessageRejected.
Status ReturnError(std::uint16_t code, std::string_view text);

// At most kReplyTextMax bytes on one line.
std::string Clean(std::string_view text);

}  // namespace tidegate::rabbitmq
