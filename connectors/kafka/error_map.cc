#include "connectors/kafka/error_map.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>

#include "server/base/strings.h"

namespace tidegate::kafka {
namespace {

constexpr std::size_t kTextMax = 300;

// Words after which a value follows that must not be shown.
constexpr std::array<std::string_view, 5> kSecretWords = {"password", "secret", "token", "jaas",
                                                          "credential"};

}  // namespace

ErrorClass ClassOfCode(int code, bool connected) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return ErrorClass::kNone;
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS:
      return ErrorClass::kConfigInvalid;
    case RD_KAFKA_RESP_ERR__SSL: return ErrorClass::kTlsFailed;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
      return ErrorClass::kAuthFailed;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return ErrorClass::kNotAuthorized;
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return connected ? ErrorClass::kConnectionClosed : ErrorClass::kConnectFailed;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return ErrorClass::kDestinationMissing;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR__NO_OFFSET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      return ErrorClass::kPositionUnavailable;
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      return ErrorClass::kTimeout;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
      return ErrorClass::kOverloaded;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
      return ErrorClass::kMessageRejected;
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
      return ErrorClass::kFatal;
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__DESTROY:
      return ErrorClass::kConnectionClosed;
    default: return ErrorClass::kInternal;
  }
}

Status ErrorOf(int code, std::string_view operation, std::string_view object, bool connected) {
  std::string text(operation);
  if (!object.empty()) {
    text += ' ';
    text += object;
  }
  text += ": ";
  text += Redact(rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code)));
  text += " (";
  text += rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code));
  text += ')';
  return MakeError(ClassOfCode(code, connected), text);
}

connectors::Outcome OutcomeOf(int message_status, int code) {
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return connectors::Outcome::kOk;
  if (message_status == RD_KAFKA_MSG_STATUS_NOT_PERSISTED) return connectors::Outcome::kNo;
  return connectors::Outcome::kUnknown;
}

std::string Redact(std::string_view text) {
  std::string out(text.substr(0, kTextMax));
  const std::string lower = ToLower(out);
  std::size_t cut = std::string::npos;
  for (std::string_view word : kSecretWords) {
    const std::size_t at = lower.find(word);
    if (at == std::string::npos) continue;
    // Only where a value follows: "sasl.password=…", "token: …".
    const std::size_t sign = lower.find_first_of("=:", at + word.size());
    if (sign != std::string::npos && sign - at < word.size() + 24) cut = std::min(cut, sign + 1);
  }
  if (cut != std::string::npos) {
    out.resize(cut);
    out += "[hidden]";
  }
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return out;
}

}  // namespace tidegate::kafka
