#include "connectors/rabbitmq/rabbitmq_config.h"

#include <algorithm>
#include <map>

#include "connectors/api/settings_check.h"
#include "connectors/rabbitmq/names.h"
#include "server/config/secrets.h"
#include "tidegate/config/v1/rabbitmq.pb.h"

namespace tidegate::rabbitmq {
namespace {

namespace pb = ::tidegate::config::v1;
using Check = connectors::SettingsCheck;
using std::chrono::milliseconds;

constexpr std::string_view kKeyRule = "at most 255 bytes of UTF-8 without control characters";
constexpr std::string_view kNameRule = "1 to 255 bytes of UTF-8 without control characters";

milliseconds ToMillis(const google::protobuf::Duration& value) {
  return milliseconds(value.seconds() * 1000 + value.nanos() / 1'000'000);
}

Declare ToDeclare(pb::DeclareMode mode) {
  switch (mode) {
    case pb::DECLARE_MODE_PASSIVE: return Declare::kPassive;
    case pb::DECLARE_MODE_NONE: return Declare::kNone;
    default: return Declare::kActive;
  }
}

void ReadServer(const pb::RabbitmqEndpoint& in, RabbitmqConfig& out, Check& check) {
  out.host = in.server_host();
  if (out.host.empty()) check.Add("serverHost", "a name or an address is needed");
  if (out.host.find("://") != std::string::npos || out.host.find(' ') != std::string::npos) {
    check.Add("serverHost", "a name or an address, without a scheme");
  }
  if (in.has_server_port()) {
    if (in.server_port() < 1 || in.server_port() > 65535) check.Add("serverPort", "1 to 65535");
    out.port = static_cast<std::uint16_t>(in.server_port());
  }
  if (in.has_virtual_host()) out.vhost = in.virtual_host();
  if (!IsExchangeName(out.vhost)) check.Add("virtualHost", kNameRule);
  if (in.has_heartbeat()) {
    out.heartbeat = std::chrono::duration_cast<std::chrono::seconds>(ToMillis(in.heartbeat()));
  }
  if (in.has_connect_timeout()) out.connect_timeout = ToMillis(in.connect_timeout());
  if (out.heartbeat.count() < 2 || out.heartbeat.count() > 600) {
    check.Add("heartbeat", "from 2s to 10m");
  }
  if (out.connect_timeout < milliseconds(100) || out.connect_timeout > milliseconds(30'000)) {
    check.Add("connectTimeout", "from 100ms to 30s");
  }
}

void ReadSecurity(const pb::RabbitmqEndpoint& in, RabbitmqConfig& out, Check& check) {
  const pb::UserPassword& auth = in.security().auth();
  out.username = auth.username();
  out.tls = in.security().has_tls();
  if (out.username.empty()) check.Add("security.auth.username", "a user is needed");
  // PLAIN separates its three texts by NUL (RFC 4616).
  if (out.username.find('\0') != std::string::npos) {
    check.Add("security.auth.username", "without NUL");
  }
  if (!auth.has_password()) check.Add("security.auth.password", "a password is needed");
}

void ReadExchange(const pb::Exchange& in, const std::string& field, ExchangeConfig& out,
                  Check& check) {
  out.name = in.name();
  if (!IsExchangeName(out.name)) check.Add(field + ".name", kNameRule);
  switch (in.type()) {
    case pb::EXCHANGE_TYPE_DIRECT: out.type = ExchangeType::kDirect; break;
    case pb::EXCHANGE_TYPE_TOPIC: out.type = ExchangeType::kTopic; break;
    case pb::EXCHANGE_TYPE_FANOUT: out.type = ExchangeType::kFanout; break;
    case pb::EXCHANGE_TYPE_HEADERS: out.type = ExchangeType::kHeaders; break;
    default: check.Add(field + ".type", "direct, topic, fanout or headers");
  }
  if (in.has_durable()) out.durable = in.durable();
  out.auto_delete = in.auto_delete();
  out.declare = ToDeclare(in.declare());
}

void ReadProducer(const pb::RabbitmqEndpoint& in, RabbitmqConfig::Producer& out, Check& check) {
  if (!in.has_producer()) return;
  const pb::RabbitmqProducer& producer = in.producer();
  out.enabled = !producer.has_enabled() || producer.enabled();
  if (!out.enabled) return;
  ReadExchange(producer.exchange(), "producer.exchange", out.exchange, check);
  out.routing_key = producer.routing_key();
  if (!IsShortText(out.routing_key)) check.Add("producer.routingKey", kKeyRule);
  if (HasWildcard(out.routing_key)) {
    check.Add("producer.routingKey", "without * and #, which stand in bindings");
  }
  if (producer.has_mandatory()) out.mandatory = producer.mandatory();
  if (producer.has_persistent()) out.persistent = producer.persistent();
}

void ReadQueue(const pb::RabbitmqQueue& in, RabbitmqConfig::Consumer& out, Check& check) {
  out.quorum = in.type() == pb::QUEUE_TYPE_QUORUM;
  out.declare = ToDeclare(in.declare());
  if (in.has_expires()) {
    const milliseconds expires = ToMillis(in.expires());
    out.expires = expires;
    if (expires < milliseconds(1000)) {
      check.Add("consumer.queue.expires", "from 1s to 28d, or never");
    }
    // The largest duration is `never`.
    if (expires > std::chrono::hours(24 * 28)) out.expires.reset();
  }
  if (in.has_delivery_limit()) {
    out.delivery_limit = in.delivery_limit();
    if (!out.quorum) {
      check.Add("consumer.queue.deliveryLimit", "only queues of type quorum have it");
    }
    if (in.delivery_limit() < 1) check.Add("consumer.queue.deliveryLimit", "at least 1");
  }
}

void ReadConsumer(const pb::RabbitmqEndpoint& in, RabbitmqConfig::Consumer& out, Check& check) {
  if (!in.has_consumer()) return;
  const pb::RabbitmqConsumer& consumer = in.consumer();
  out.enabled = !consumer.has_enabled() || consumer.enabled();
  if (!out.enabled) return;
  ReadExchange(consumer.exchange(), "consumer.exchange", out.exchange, check);
  out.routing_key = consumer.routing_key();
  if (!IsShortText(out.routing_key)) check.Add("consumer.routingKey", kKeyRule);
  if (out.exchange.type != ExchangeType::kTopic && HasWildcard(out.routing_key)) {
    check.Add("consumer.routingKey", "* and # only with an exchange of type topic");
  }
  if (consumer.has_prefetch()) {
    if (consumer.prefetch() < 1 || consumer.prefetch() > 10'000) {
      check.Add("consumer.prefetch", "1 to 10000");
    }
    out.prefetch = static_cast<std::uint16_t>(consumer.prefetch());
  }
  ReadQueue(consumer.queue(), out, check);
  const std::map<std::string, std::string> sorted(consumer.binding_arguments().begin(),
                                                  consumer.binding_arguments().end());
  for (const auto& [name, value] : sorted) {
    if (!IsExchangeName(name)) check.Add("consumer.bindingArguments", kNameRule);
    out.binding_arguments.emplace_back(name, value);
  }
}

// One exchange cannot be declared in two ways.
bool DeclaredTwice(const RabbitmqConfig& config) {
  const ExchangeConfig& out = config.producer.exchange;
  const ExchangeConfig& in = config.consumer.exchange;
  if (!config.producer.enabled || !config.consumer.enabled || out.name != in.name) return false;
  if (out.declare != Declare::kActive || in.declare != Declare::kActive) return false;
  return out.type != in.type || out.durable != in.durable || out.auto_delete != in.auto_delete;
}

}  // namespace

std::string_view NameOf(ExchangeType type) {
  switch (type) {
    case ExchangeType::kDirect: return "direct";
    case ExchangeType::kTopic: return "topic";
    case ExchangeType::kFanout: return "fanout";
    case ExchangeType::kHeaders: return "headers";
  }
  return "topic";
}

std::vector<Violation> CheckRabbitmq(const google::protobuf::Message& settings,
                                     RabbitmqConfig& config) {
  std::vector<Violation> violations;
  Check check(violations);
  const auto* in = dynamic_cast<const pb::RabbitmqEndpoint*>(&settings);
  if (in == nullptr) {
    check.Add("", "the settings are those of a rabbitmq endpoint");
    return violations;
  }
  ReadServer(*in, config, check);
  ReadSecurity(*in, config, check);
  ReadProducer(*in, config.producer, check);
  ReadConsumer(*in, config.consumer, check);
  if (DeclaredTwice(config)) {
    check.Add("consumer.exchange", "declared as producer.exchange is, whose name it has");
  }
  return violations;
}

StatusOr<RabbitmqConfig> ReadRabbitmqConfig(const google::protobuf::Message& settings,
                                            const config::SecretResolver& secrets) {
  RabbitmqConfig config;
  const std::vector<Violation> violations = CheckRabbitmq(settings, config);
  if (!violations.empty()) {
    std::string text = "rabbitmq endpoint: ";
    for (std::size_t i = 0; i < violations.size(); ++i) {
      if (i > 0) text += "; ";
      text += violations[i].field + ": " + violations[i].rule;
    }
    return WithReason(InvalidArgument(text), "INVALID_SETTINGS");
  }
  const auto& in = dynamic_cast<const pb::RabbitmqEndpoint&>(settings);
  TG_ASSIGN_OR_RETURN(config.password,
                      config::ValueOf(in.security().auth().password(), secrets));
  if (config.password.find('\0') != std::string::npos) {
    return WithReason(InvalidArgument("rabbitmq endpoint: security.auth.password: without NUL"),
                      "INVALID_SETTINGS");
  }
  return config;
}

const google::protobuf::Message* TlsOf(const google::protobuf::Message& settings) {
  const auto* in = dynamic_cast<const pb::RabbitmqEndpoint*>(&settings);
  return in != nullptr && in->security().has_tls() ? &in->security().tls() : nullptr;
}

}  // namespace tidegate::rabbitmq
