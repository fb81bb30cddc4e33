#include "connectors/solace/solace_config.h"

#include <algorithm>
#include <limits>

#include "connectors/api/settings_check.h"
#include "connectors/solace/topics.h"
#include "server/base/strings.h"
#include "server/config/secrets.h"
#include "tidegate/config/v1/mqtt5.pb.h"
#include "tidegate/config/v1/solace.pb.h"

namespace tidegate::solace {
namespace {

namespace pb = ::tidegate::config::v1;
using Check = connectors::SettingsCheck;
using connectors::At;

constexpr std::uint16_t kAmqpPort = 5672;
constexpr std::uint16_t kAmqpsPort = 5671;
constexpr std::uint16_t kMqttPort = 1883;
constexpr std::uint16_t kMqttsPort = 8883;
constexpr int kMqttAttemptsMax = 10;
constexpr std::int64_t kNeverSeconds = 36500LL * 24 * 3600;  // longer is what `never` is kept as

void ReadUrl(const pb::SolaceEndpoint& in, SolaceConfig& out, Check& check) {
  Url url;
  std::string_view rule;
  if (!ParseUrl(in.url(), url, rule)) {
    check.Add("url", rule);
    return;
  }
  out.host = url.host;
  out.transport = StartsWith(url.scheme, "mqtt") ? Transport::kMqtt : Transport::kAmqp;
  out.tls_on = url.scheme.back() == 's';
  const bool mqtt = out.transport == Transport::kMqtt;
  const std::uint16_t plain = mqtt ? kMqttPort : kAmqpPort;
  const std::uint16_t secure = mqtt ? kMqttsPort : kAmqpsPort;
  out.port = url.port != 0 ? url.port : out.tls_on ? secure : plain;
}

void ReadVpn(const pb::SolaceEndpoint& in, SolaceConfig& out, Check& check) {
  out.vpn = in.vpn_name();
  if (out.vpn.empty()) {
    check.Add("vpnName", "the message VPN is needed");
  } else if (out.vpn.size() > kVpnNameBytesMax) {
    check.Add("vpnName", "at most 32 characters");
  }
  const bool sni = in.vpn_selection() == pb::SOLACE_VPN_SELECTION_SNI;
  if (sni && (out.transport == Transport::kMqtt || !out.tls_on)) {
    check.Add("vpnSelection", "sni needs an amqps url: only there a server name is sent that "
                              "Solace maps to a VPN");
  }
  if (!in.sni_hostname().empty() && !sni) {
    check.Add("sniHostname", "only with vpnSelection: sni");
  }
  out.tls_host = !sni ? out.host : in.sni_hostname().empty() ? out.vpn : in.sni_hostname();
}

void ReadSecurity(const pb::SolaceEndpoint& in, const config::SecretResolver& secrets,
                  SolaceConfig& out, Check& check) {
  if (in.security().has_auth()) {
    const pb::UserPassword& auth = in.security().auth();
    out.username = auth.username();
    if (out.username.empty()) check.Add("security.auth.username", "a name is needed");
    auto password = config::ValueOf(auth.password(), secrets);
    if (!password.ok()) {
      check.Add("security.auth.password", MessageOf(password.status()));
    } else if (password->find('\0') != std::string::npos) {
      check.Add("security.auth.password", "no NUL byte");
    } else {
      out.password = std::move(*password);
    }
  }
  if (in.security().has_tls() && !out.tls_on) {
    check.Add("security.tls", out.transport == Transport::kMqtt ? "needs an mqtts url"
                                                                : "needs an amqps url");
  }
  if (out.tls_on) out.tls = std::make_shared<pb::Tls>(in.security().tls());
}

void ReadExpiry(const pb::SolaceProducer& in, SolaceConfig& out, Check& check) {
  if (!in.has_message_expiry() || in.message_expiry().seconds() >= kNeverSeconds) return;
  const auto& expiry = in.message_expiry();
  const std::int64_t millis = expiry.seconds() * 1000 + expiry.nanos() / 1'000'000;
  if (millis < 1000) {
    check.Add("producer.messageExpiry", "at least 1s, or never");
    return;
  }
  if (out.transport == Transport::kMqtt) return;
  if (millis > std::numeric_limits<std::uint32_t>::max()) {
    check.Add("producer.messageExpiry", "over amqp at most 49d, or never; mqtt can say more");
    return;
  }
  out.producer.ttl_ms = static_cast<std::uint32_t>(millis);
}

void ReadProducer(const pb::SolaceEndpoint& in, SolaceConfig& out, Check& check) {
  if (!in.has_producer()) return;
  const pb::SolaceProducer& producer = in.producer();
  const bool mqtt = out.transport == Transport::kMqtt;
  out.producer.enabled = !producer.has_enabled() || producer.enabled();
  for (int i = 0; i < producer.topics_size(); ++i) {
    const std::string& topic = producer.topics(i);
    const std::string_view rule = PublishTopicRule(topic);
    if (!rule.empty()) check.Add(At("producer.topics", i), rule);
    if (mqtt && !IsMqttTopic(topic)) {
      check.Add(At("producer.topics", i), "'+' and '#' cannot be sent over mqtt; amqp can");
    }
    const auto& known = out.producer.topics;
    if (std::find(known.begin(), known.end(), topic) != known.end()) {
      check.Add(At("producer.topics", i), "a topic is named once");
    }
    out.producer.topics.push_back(topic);
  }
  if (out.producer.enabled && out.producer.topics.empty()) {
    check.Add("producer.topics", "a producer needs at least one topic");
  }
  if (producer.retained() && !mqtt) {
    check.Add("producer.retained", "amqp knows no retained messages; an mqtt or mqtts url does");
  }
  ReadExpiry(producer, out, check);
  out.producer.response_topic = producer.response_topic();
  if (!producer.response_topic().empty()) {
    const std::string_view rule = PublishTopicRule(producer.response_topic());
    if (!rule.empty()) check.Add("producer.responseTopic", rule);
  }
  out.producer.persistent = producer.delivery_mode() != pb::SOLACE_DELIVERY_MODE_DIRECT;
  if (mqtt && !out.producer.persistent) {
    check.Add("producer.deliveryMode", "over mqtt messages are published with QoS 1 and are "
                                       "persistent; direct needs an amqp or amqps url");
  }
}

void ReadConsumer(const pb::SolaceEndpoint& in, SolaceConfig& out, Check& check) {
  if (!in.has_consumer()) return;
  const pb::SolaceConsumer& consumer = in.consumer();
  const bool mqtt = out.transport == Transport::kMqtt;
  out.consumer.enabled = !consumer.has_enabled() || consumer.enabled();
  for (int i = 0; i < consumer.topics_size(); ++i) {
    const std::string& topic = consumer.topics(i);
    const std::string_view rule = SubscriptionRule(topic);
    if (!rule.empty()) {
      check.Add(At("consumer.topics", i), rule);
    } else if (mqtt && !ToMqttFilter(topic)) {
      check.Add(At("consumer.topics", i),
                "over mqtt '*' is a whole level, and '+' and '#' cannot be matched; amqp can");
    }
    const auto& known = out.consumer.topics;
    if (std::find(known.begin(), known.end(), topic) != known.end()) {
      check.Add(At("consumer.topics", i), "a topic is named once");
    }
    out.consumer.topics.push_back(topic);
  }
  out.consumer.queue = consumer.queue();
  if (!consumer.queue().empty()) {
    const std::string_view rule = QueueRule(consumer.queue());
    if (!rule.empty()) check.Add("consumer.queue", rule);
    if (mqtt) check.Add("consumer.queue", "mqtt reads no queues; an amqp or amqps url does");
  }
  if (out.consumer.enabled && out.consumer.topics.empty() == out.consumer.queue.empty()) {
    check.Add("consumer", "either topics or a queue is given");
  }
}

}  // namespace

bool ParseUrl(std::string_view text, Url& url, std::string_view& rule) {
  rule = "written as SCHEME://HOST[:PORT], scheme amqp, amqps, mqtt or mqtts";
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return false;
  url.scheme = ToLower(text.substr(0, colon));
  if (url.scheme == "tcp" || url.scheme == "tcps") {
    rule = "tcp and tcps mean SMF, Solace's own protocol, for which no free client exists: use "
           "amqp or amqps (AMQP 1.0, by default on 5672 and 5671), or mqtt or mqtts (1883, 8883)";
    return false;
  }
  if (url.scheme != "amqp" && url.scheme != "amqps" && url.scheme != "mqtt" &&
      url.scheme != "mqtts") {
    return false;
  }
  std::string_view rest = text.substr(colon + 3);
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  if (rest.find('@') != std::string_view::npos) {
    rule = "user and password stand in security.auth, not in the url";
    return false;
  }
  std::string_view host = rest;
  const std::size_t end = StartsWith(rest, "[") ? rest.find(']') : std::string_view::npos;
  const std::size_t mark = rest.find(':', end == std::string_view::npos ? 0 : end);
  if (mark != std::string_view::npos) {
    const auto port = ParseUint(rest.substr(mark + 1));
    if (!port || *port == 0 || *port > 65535) return false;
    url.port = static_cast<std::uint16_t>(*port);
    host = rest.substr(0, mark);
  }
  const bool bracketed = end != std::string_view::npos;
  if (bracketed) {
    if (host.size() < 4 || host.back() != ']') return false;
    host = host.substr(1, host.size() - 2);
  }
  url.host = std::string(host);
  return !host.empty() && host.size() <= 253 &&
         std::all_of(host.begin(), host.end(), [bracketed](unsigned char c) {
           if (bracketed) return std::isxdigit(c) != 0 || c == ':' || c == '.' || c == '%';
           return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
         });
}

std::vector<Violation> CheckSolace(const google::protobuf::Message& settings,
                                   const config::SecretResolver& secrets, SolaceConfig& config) {
  std::vector<Violation> violations;
  Check check(violations);
  const auto* in = dynamic_cast<const pb::SolaceEndpoint*>(&settings);
  if (in == nullptr) {
    check.Add("", "the settings are those of a solace endpoint");
    return violations;
  }
  ReadUrl(*in, config, check);
  if (!violations.empty()) return violations;  // what else is allowed depends on the transport
  ReadVpn(*in, config, check);
  ReadSecurity(*in, secrets, config, check);
  ReadProducer(*in, config, check);
  ReadConsumer(*in, config, check);
  if (in->has_reconnect_attempts()) config.reconnect_attempts = in->reconnect_attempts();
  const int most = config.transport == Transport::kMqtt ? kMqttAttemptsMax : 1000;
  if (config.reconnect_attempts < 0 || config.reconnect_attempts > most) {
    check.Add("reconnectAttempts", "from 0 to 1000, over mqtt to 10");
  }
  return violations;
}

StatusOr<SolaceConfig> ReadSolaceConfig(const google::protobuf::Message& settings,
                                        const config::SecretResolver& secrets) {
  SolaceConfig config;
  const std::vector<Violation> violations = CheckSolace(settings, secrets, config);
  if (violations.empty()) return config;
  std::string text = "solace endpoint: ";
  for (std::size_t i = 0; i < violations.size(); ++i) {
    if (i > 0) text += "; ";
    text += violations[i].field + ": " + violations[i].rule;
  }
  return WithReason(InvalidArgument(text), "INVALID_SETTINGS");
}

}  // namespace tidegate::solace
