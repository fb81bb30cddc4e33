#include "connectors/mqtt5/reason.h"

#include <algorithm>
#include <array>

#include "connectors/mqtt5/limits.h"
#include "server/base/codec.h"
#include "server/base/strings.h"

namespace tidegate::mqtt5 {
namespace {

using enum ErrorClass;

struct Row {
  std::uint8_t reason;
  std::string_view name;
  ErrorClass error_class;
};

constexpr std::array kRows{
    Row{0x10, "no matching subscribers", kNone},
    Row{0x11, "no subscription existed", kNone},
    Row{0x80, "unspecified error", kFatal},
    Row{0x81, "malformed packet", kFatal},
    Row{0x82, "protocol error", kFatal},
    Row{0x83, "implementation specific error", kFatal},
    Row{0x84, "unsupported protocol version", kConfigInvalid},
    Row{0x85, "client identifier not valid", kConfigInvalid},
    Row{0x86, "bad user name or password", kAuthFailed},
    Row{0x87, "not authorized", kNotAuthorized},
    Row{0x88, "server unavailable", kConnectFailed},
    Row{0x89, "server busy", kConnectFailed},
    Row{0x8A, "banned", kNotAuthorized},
    Row{0x8B, "server shutting down", kConnectionClosed},
    Row{0x8C, "bad authentication method", kAuthFailed},
    Row{0x8D, "keep alive timeout", kConnectionClosed},
    Row{0x8E, "session taken over", kConnectionClosed},
    Row{0x8F, "topic filter invalid", kConfigInvalid},
    Row{0x90, "topic name invalid", kConfigInvalid},
    Row{0x91, "packet identifier in use", kOverloaded},
    Row{0x93, "receive maximum exceeded", kOverloaded},
    Row{0x94, "topic alias invalid", kFatal},
    Row{0x95, "packet too large", kMessageRejected},
    Row{0x96, "message rate too high", kOverloaded},
    Row{0x97, "quota exceeded", kOverloaded},
    Row{0x98, "administrative action", kConnectionClosed},
    Row{0x99, "payload format invalid", kMessageRejected},
    Row{0x9A, "retain not supported", kConfigInvalid},
    Row{0x9B, "QoS not supported", kConfigInvalid},
    Row{0x9C, "use another server", kConnectFailed},
    Row{0x9D, "server moved", kConnectFailed},
    Row{0x9E, "shared subscriptions not supported", kConfigInvalid},
    Row{0x9F, "connection rate exceeded", kOverloaded},
    Row{0xA0, "maximum connect time", kConnectionClosed},
    Row{0xA1, "subscription identifiers not supported", kConfigInvalid},
    Row{0xA2, "wildcard subscriptions not supported", kConfigInvalid},
};

const Row* Find(std::uint8_t reason) {
  const auto row = std::find_if(kRows.begin(), kRows.end(),
                                [reason](const Row& entry) { return entry.reason == reason; });
  return row == kRows.end() ? nullptr : &*row;
}

}  // namespace

std::string_view NameOfReason(std::uint8_t reason) {
  const Row* row = Find(reason);
  if (row != nullptr) return row->name;
  return reason < 0x80 ? "success" : "unknown reason";
}

ErrorClass ClassOfReason(std::uint8_t reason) {
  const Row* row = Find(reason);
  if (row != nullptr) return row->error_class;
  return reason < 0x80 ? kNone : kFatal;
}

Status ReasonError(std::string_view operation, std::uint8_t reason,
                   std::string_view broker_words) {
  std::string text(operation);
  text += ": ";
  text += NameOfReason(reason);
  text += " (0x" + Hex(&reason, 1) + ")";
  std::string words(broker_words.substr(0, kReasonTextMax));
  words.erase(std::remove_if(words.begin(), words.end(),
                             [](unsigned char c) { return c < 0x20 || c >= 0x7F; }),
              words.end());
  if (!words.empty()) text += ", the broker says: " + words;
  const ErrorClass error_class = ClassOfReason(reason);
  return MakeError(error_class == kNone ? kConnectionClosed : error_class, text);
}

ServerAddress FirstReference(std::string_view reference) {
  ServerAddress address;
  const std::vector<std::string_view> parts = Split(Trim(reference), ' ');
  std::string_view first = parts.empty() ? std::string_view() : parts.front();
  const bool bracketed = !first.empty() && first.front() == '[';
  const std::size_t host_end = bracketed ? first.find(']') : std::string_view::npos;
  const std::size_t colon = first.rfind(':');
  const bool has_port = colon != std::string_view::npos &&
                        (bracketed ? host_end != std::string_view::npos && colon > host_end
                                   : first.find(':') == colon);
  if (has_port) {
    const auto port = ParseUint(first.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return address;
    address.port = static_cast<std::uint16_t>(*port);
    first = first.substr(0, colon);
  }
  const bool plain = std::all_of(first.begin(), first.end(),
                                 [](unsigned char c) { return c > 0x20 && c < 0x7F; });
  if (plain && first.size() <= 255) address.host = std::string(first);
  return address;
}

}  // namespace tidegate::mqtt5
