// The grammar of names and destinations (AMQP 0-9-1: short strings, UTF-8, at most 255 bytes).
//
// A destination that a flow hands in is written `KEY` (the configured exchange with this routing
// key) or `EXCHANGE/KEY`; a key that holds a slash is written `/KEY`.
// Thread: pure functions. Fails: InvalidArgument, reason INVALID_DESTINATION, never echoing.
#pragma once

#include <string>
#include <string_view>

#include "server/base/status.h"

namespace tidegate::rabbitmq {

// Valid UTF-8 without control characters, at most 255 bytes.
bool IsShortText(std::string_view text);
// The same, not empty.
bool IsExchangeName(std::string_view text);
// Whether one of the words between dots is `*` or `#`.
bool HasWildcard(std::string_view routing_key);
// Exchanges that the broker makes itself and nobody may declare.
bool IsBrokersOwn(std::string_view exchange);

struct Destination {
  std::string exchange;
  std::string routing_key;
};

// `wildcards`: whether the key may hold them (bindings of a topic exchange). An empty exchange part
// stands for `exchange`. The broker's own exchanges are refused.
StatusOr<Destination> ParseDestination(std::string_view text, std::string_view exchange,
                                       bool wildcards);

}  // namespace tidegate::rabbitmq
