#include "connectors/rabbitmq/names.h"

#include <algorithm>

#include "connectors/rabbitmq/limits.h"
#include "server/base/strings.h"

namespace tidegate::rabbitmq {
namespace {

Status Refuse(std::string_view rule) {
  return WithReason(InvalidArgument("rabbitmq destination: " + std::string(rule)),
                    "INVALID_DESTINATION");
}

}  // namespace

bool IsShortText(std::string_view text) {
  if (text.size() > kNameBytesMax || !IsValidUtf8(text)) return false;
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

bool IsExchangeName(std::string_view text) { return !text.empty() && IsShortText(text); }

bool HasWildcard(std::string_view routing_key) {
  for (const std::string_view word : Split(routing_key, '.')) {
    if (word == "*" || word == "#") return true;
  }
  return false;
}

bool IsBrokersOwn(std::string_view exchange) {
  return exchange.empty() || StartsWith(exchange, "amq.");
}

StatusOr<Destination> ParseDestination(std::string_view text, std::string_view exchange,
                                       bool wildcards) {
  Destination destination;
  const std::size_t slash = text.find('/');
  const std::string_view named =
      slash == std::string_view::npos ? std::string_view() : text.substr(0, slash);
  const std::string_view key =
      slash == std::string_view::npos ? text : text.substr(slash + 1);
  if (text.empty()) return Refuse("it is empty");
  if (!named.empty()) {
    if (!IsExchangeName(named)) {
      return Refuse("an exchange has 1 to 255 bytes of UTF-8 without control characters");
    }
    if (IsBrokersOwn(named)) return Refuse("exchanges named amq. belong to the broker");
  }
  if (!IsShortText(key)) {
    return Refuse("a routing key has at most 255 bytes of UTF-8 without control characters");
  }
  if (!wildcards && HasWildcard(key)) {
    return Refuse("wildcards stand only in the bindings of a topic exchange");
  }
  destination.exchange = named.empty() ? exchange : named;
  destination.routing_key = key;
  return destination;
}

}  // namespace tidegate::rabbitmq
