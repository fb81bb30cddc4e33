#include "connectors/solace/condition.h"

#include <proton/condition.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tidegate::solace {
namespace {

constexpr std::size_t kTextMax = 300;

using Row = std::pair<std::string_view, ErrorClass>;
constexpr std::array<Row, 22> kTable = {{
    {"amqp:unauthorized-access", ErrorClass::kNotAuthorized},
    {"amqp:not-allowed", ErrorClass::kNotAuthorized},
    {"amqp:not-found", ErrorClass::kDestinationMissing},
    {"amqp:resource-deleted", ErrorClass::kDestinationMissing},
    {"amqp:not-implemented", ErrorClass::kConfigInvalid},
    {"amqp:invalid-field", ErrorClass::kConfigInvalid},
    {"amqp:precondition-failed", ErrorClass::kConfigInvalid},
    // Somebody else has it: a topic endpoint takes one consumer. It may go.
    {"amqp:resource-locked", ErrorClass::kOverloaded},
    {"amqp:resource-limit-exceeded", ErrorClass::kOverloaded},
    {"amqp:link:message-size-exceeded", ErrorClass::kMessageRejected},
    {"amqp:link:transfer-limit-exceeded", ErrorClass::kOverloaded},
    {"amqp:link:detach-forced", ErrorClass::kConnectionClosed},
    {"amqp:link:stolen", ErrorClass::kConnectionClosed},
    {"amqp:link:redirect", ErrorClass::kConnectFailed},
    {"amqp:connection:forced", ErrorClass::kConnectionClosed},
    {"amqp:connection:redirect", ErrorClass::kConnectFailed},
    {"amqp:connection:framing-error", ErrorClass::kFatal},
    {"amqp:decode-error", ErrorClass::kFatal},
    {"amqp:illegal-state", ErrorClass::kFatal},
    {"amqp:frame-size-too-small", ErrorClass::kFatal},
    {"amqp:internal-error", ErrorClass::kConnectionClosed},
    {"proton:io", ErrorClass::kConnectionClosed},
}};

std::string_view TextOf(const char* text) { return text == nullptr ? std::string_view() : text; }

std::string Describe(pn_condition_t* condition) {
  std::string text = OneLine(TextOf(pn_condition_get_name(condition)));
  const std::string more = OneLine(TextOf(pn_condition_get_description(condition)));
  if (!more.empty()) text += (text.empty() ? "" : ": ") + more;
  return text;
}

bool IsSet(pn_condition_t* condition) {
  return condition != nullptr && pn_condition_is_set(condition);
}

}  // namespace

ErrorClass ClassOfCondition(std::string_view name) {
  const auto* row = std::find_if(kTable.begin(), kTable.end(),
                                 [name](const Row& entry) { return entry.first == name; });
  return row == kTable.end() ? ErrorClass::kConnectionClosed : row->second;
}

std::string OneLine(std::string_view text) {
  std::string line(text.substr(0, kTextMax));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return line;
}

Status StatusOfCondition(pn_condition_t* condition, std::string_view what) {
  if (!IsSet(condition)) {
    return MakeError(ErrorClass::kConnectionClosed,
                     std::string(what) + ": ended by the broker without a reason");
  }
  return MakeError(ClassOfCondition(TextOf(pn_condition_get_name(condition))),
                   std::string(what) + ": " + Describe(condition));
}

Status RejectionOf(pn_condition_t* condition) {
  const std::string what = "publish to solace: rejected by the broker";
  if (!IsSet(condition)) return MakeError(ErrorClass::kMessageRejected, what);
  ErrorClass error_class = ClassOfCondition(TextOf(pn_condition_get_name(condition)));
  switch (error_class) {
    case ErrorClass::kNotAuthorized:
    case ErrorClass::kOverloaded: break;
    case ErrorClass::kDestinationMissing: error_class = ErrorClass::kNoRoute; break;
    default: error_class = ErrorClass::kMessageRejected; break;
  }
  return MakeError(error_class, what + ": " + Describe(condition));
}

bool IsPermanent(ErrorClass error_class) {
  return error_class == ErrorClass::kConfigInvalid || error_class == ErrorClass::kNotAuthorized;
}

}  // namespace tidegate::solace
