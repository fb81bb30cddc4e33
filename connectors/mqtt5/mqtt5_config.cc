#include "connectors/mqtt5/mqtt5_config.h"

#include <algorithm>

#include "connectors/api/settings_check.h"
#include "connectors/api/tls.h"
#include "connectors/mqtt5/topic.h"
#include "connectors/mqtt5/wire.h"
#include "server/config/secrets.h"
#include "tidegate/config/v1/mqtt5.pb.h"

namespace tidegate::mqtt5 {
namespace {

namespace pb = ::tidegate::config::v1;
using Check = connectors::SettingsCheck;
using connectors::At;

constexpr std::size_t kCredentialBytesMax = 65'535;  // both have two bytes of length

// Whole seconds, rounded up; `never` and what 32 bits cannot hold is the protocol's "never".
std::uint32_t ToSeconds(const google::protobuf::Duration& value) {
  const std::int64_t seconds = value.seconds() + (value.nanos() > 0 ? 1 : 0);
  if (seconds >= static_cast<std::int64_t>(kNeverExpires)) return kNeverExpires;
  return static_cast<std::uint32_t>(std::max<std::int64_t>(0, seconds));
}

void ReadServer(const pb::Mqtt5Endpoint& in, Mqtt5Config& out, Check& check) {
  out.host = in.server_host();
  const bool plain = std::all_of(out.host.begin(), out.host.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == ':' || c == '[' ||
           c == ']' || c == '%';
  });
  if (out.host.empty()) {
    check.Add("serverHost", "must be given");
  } else if (!plain) {
    check.Add("serverHost", "must be a host name or an address, without scheme or port");
  }
  const int port = in.has_server_port() ? in.server_port() : 1883;
  if (port < 1 || port > 65535) check.Add("serverPort", "from 1 to 65535");
  out.port = static_cast<std::uint16_t>(port);
  if (in.has_reconnect_attempts()) out.reconnect_attempts = in.reconnect_attempts();
  if (out.reconnect_attempts < 0 || out.reconnect_attempts > 10) {
    check.Add("reconnectAttempts", "from 0 to 10");
  }
  if (in.has_session_expiry()) out.session_expiry = ToSeconds(in.session_expiry());
  out.clean_start = in.clean_start();
}

void ReadProducer(const pb::Mqtt5Endpoint& in, Mqtt5Config::Producer& out, Check& check) {
  if (!in.has_producer()) return;
  const pb::Mqtt5Producer& producer = in.producer();
  out.enabled = !producer.has_enabled() || producer.enabled();
  for (int i = 0; i < producer.topics_size(); ++i) {
    const std::string_view rule = TopicNameRule(producer.topics(i));
    if (!rule.empty()) check.Add(At("producer.topics", i), rule);
    out.topics.push_back(producer.topics(i));
  }
  if (out.enabled && out.topics.empty()) {
    check.Add("producer.topics", "a producer needs at least one topic");
  }
  out.retained = producer.retained();
  if (producer.has_message_expiry()) {
    const std::uint32_t expiry = ToSeconds(producer.message_expiry());
    if (expiry == 0) check.Add("producer.messageExpiry", "at least 1s, or never");
    if (expiry != kNeverExpires) out.message_expiry = expiry;
  }
  out.response_topic = producer.response_topic();
  if (!out.response_topic.empty() && !IsTopicName(out.response_topic)) {
    check.Add("producer.responseTopic", TopicNameRule(out.response_topic));
  }
}

void ReadConsumer(const pb::Mqtt5Endpoint& in, Mqtt5Config::Consumer& out, Check& check) {
  if (!in.has_consumer()) return;
  const pb::Mqtt5Consumer& consumer = in.consumer();
  out.enabled = !consumer.has_enabled() || consumer.enabled();
  for (int i = 0; i < consumer.topics_size(); ++i) {
    const std::string_view rule = TopicFilterRule(consumer.topics(i));
    if (!rule.empty()) check.Add(At("consumer.topics", i), rule);
    out.topics.push_back(consumer.topics(i));
  }
  if (out.enabled && out.topics.empty()) {
    check.Add("consumer.topics", "a consumer needs at least one topic");
  }
}

Status ReadAuth(const pb::UserPassword& auth, const config::SecretResolver& secrets,
                Mqtt5Config& out) {
  out.username = auth.username();
  if (!IsMqttText(*out.username)) {
    return WithReason(
        InvalidArgument("mqtt5 endpoint: security.auth.username: must be UTF-8 without U+0000"),
        "INVALID_SETTINGS");
  }
  if (!auth.has_password()) return OkStatus();
  TG_ASSIGN_OR_RETURN(out.password, config::ValueOf(auth.password(), secrets));
  if (out.password->size() > kCredentialBytesMax) {
    return WithReason(InvalidArgument("mqtt5 endpoint: security.auth.password: at most 64 KiB"),
                      "INVALID_SETTINGS");
  }
  return OkStatus();
}

}  // namespace

std::vector<Violation> CheckMqtt5(const google::protobuf::Message& settings, Mqtt5Config& config) {
  std::vector<Violation> violations;
  Check check(violations);
  const auto* in = dynamic_cast<const pb::Mqtt5Endpoint*>(&settings);
  if (in == nullptr) {
    check.Add("", "the settings are those of an mqtt5 endpoint");
    return violations;
  }
  ReadServer(*in, config, check);
  ReadProducer(*in, config.producer, check);
  ReadConsumer(*in, config.consumer, check);
  if (in->security().has_auth() && in->security().auth().username().empty()) {
    check.Add("security.auth.username", "must be given");
  }
  return violations;
}

StatusOr<Mqtt5Config> ReadMqtt5Config(const google::protobuf::Message& settings,
                                      const config::SecretResolver* secrets) {
  Mqtt5Config config;
  const std::vector<Violation> violations = CheckMqtt5(settings, config);
  if (!violations.empty()) {
    std::string text = "mqtt5 endpoint: ";
    for (std::size_t i = 0; i < violations.size(); ++i) {
      if (i > 0) text += "; ";
      text += violations[i].field + ": " + violations[i].rule;
    }
    return WithReason(InvalidArgument(text), "INVALID_SETTINGS");
  }
  const auto& in = static_cast<const pb::Mqtt5Endpoint&>(settings);
  const config::SecretResolver none{config::SecretRules()};
  const config::SecretResolver& resolver = secrets != nullptr ? *secrets : none;
  if (in.security().has_auth()) {
    TG_RETURN_IF_ERROR(ReadAuth(in.security().auth(), resolver, config));
  }
  if (in.security().has_tls()) {
    TG_ASSIGN_OR_RETURN(config.tls, connectors::MakeTlsClient(in.security().tls(), resolver));
  }
  return config;
}

}  // namespace tidegate::mqtt5
