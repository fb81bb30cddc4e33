#include "connectors/rabbitmq/error_map.h"

#include "connectors/rabbitmq/limits.h"
#include "connectors/rabbitmq/method_codec.h"

namespace tidegate::rabbitmq {
namespace {

bool IsPublish(std::uint32_t cause) {
  return cause == static_cast<std::uint32_t>(MethodId::kBasicPublish);
}

std::string TextOf(std::string_view operation, std::uint16_t code, std::string_view text) {
  return std::string(operation) + ": " + Clean(text) + " (" + std::to_string(code) + ")";
}

ErrorClass ChannelClass(const CloseReason& reason) {
  switch (reason.code) {
    case 311: return ErrorClass::kMessageRejected;
    case 312:
    case 313: return ErrorClass::kNoRoute;
    case 403: return ErrorClass::kNotAuthorized;
    case 404: return ErrorClass::kDestinationMissing;
    case 405: return ErrorClass::kOverloaded;
    case 406:
      return IsPublish(reason.cause) ? ErrorClass::kMessageRejected : ErrorClass::kConfigInvalid;
    case 541: return ErrorClass::kFatal;
    default: return ErrorClass::kConnectionClosed;
  }
}

ErrorClass ConnectionClass(const CloseReason& reason, bool opened) {
  const bool refused = reason.text.find("refused") != std::string::npos;
  switch (reason.code) {
    case 320: return ErrorClass::kConnectionClosed;
    case 403: return opened ? ErrorClass::kNotAuthorized : ErrorClass::kAuthFailed;
    case 402:
    case 530: return refused ? ErrorClass::kNotAuthorized : ErrorClass::kConfigInvalid;
    case 501:
    case 502:
    case 503:
    case 504:
    case 505:
    case 506:
    case 540: return ErrorClass::kConfigInvalid;
    case 541: return ErrorClass::kFatal;
    default: return ErrorClass::kConnectionClosed;
  }
}

}  // namespace

std::string Clean(std::string_view text) {
  std::string out(text.substr(0, kReplyTextMax));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return out;
}

Status ChannelError(std::string_view operation, const CloseReason& reason) {
  return MakeError(ChannelClass(reason), TextOf(operation, reason.code, reason.text));
}

Status ConnectionError(std::string_view operation, const CloseReason& reason, bool opened) {
  return MakeError(ConnectionClass(reason, opened), TextOf(operation, reason.code, reason.text));
}

Status ReturnError(std::uint16_t code, std::string_view text) {
  const ErrorClass error_class =
      code == 311 ? ErrorClass::kMessageRejected : ErrorClass::kNoRoute;
  return MakeError(error_class,
                   TextOf("publish to rabbitmq: no queue took the message", code, text));
}

}  // namespace tidegate::rabbitmq
