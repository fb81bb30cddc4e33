#include "connectors/kafka/kafka_config.h"

#include <algorithm>
#include <map>

#include "connectors/kafka/config_check.h"
#include "connectors/kafka/properties.h"
#include "server/base/strings.h"
#include "tidegate/config/v1/kafka.pb.h"

namespace tidegate::kafka {
namespace {

namespace pb = ::tidegate::config::v1;
using connectors::At;
using std::chrono::milliseconds;

constexpr std::string_view kTopicRule =
    "a topic has 1 to 249 characters of letters, digits, '.', '_' and '-'";

milliseconds ToMillis(const google::protobuf::Duration& value) {
  return milliseconds(value.seconds() * 1000 + value.nanos() / 1'000'000);
}

template <typename List>
std::vector<std::string> ReadTopics(const List& list, std::string_view field, Check& check) {
  std::vector<std::string> topics;
  for (int i = 0; i < list.size(); ++i) {
    if (!IsTopicName(list[i])) check.Add(At(field, i), kTopicRule);
    if (std::find(topics.begin(), topics.end(), list[i]) != topics.end()) {
      check.Add(At(field, i), "a topic is named once");
    }
    topics.push_back(list[i]);
  }
  return topics;
}

void ReadBootstrap(const pb::KafkaEndpoint& in, KafkaConfig& out, Check& check) {
  if (in.bootstrap_servers().empty()) {
    check.Add("bootstrapServers", "at least one HOST:PORT is needed");
  }
  for (int i = 0; i < in.bootstrap_servers_size(); ++i) {
    const std::string_view server = Trim(in.bootstrap_servers(i));
    if (server.find("://") != std::string_view::npos) {
      check.Add(At("bootstrapServers", i), "written as HOST:PORT, without a scheme");
    } else if (!IsHostPort(server)) {
      check.Add(At("bootstrapServers", i), "written as HOST:PORT, port 1 to 65535");
    }
    if (!out.bootstrap.empty()) out.bootstrap += ',';
    out.bootstrap += server;
  }
}

std::string CompressionName(pb::KafkaCompression compression) {
  switch (compression) {
    case pb::KAFKA_COMPRESSION_GZIP: return "gzip";
    case pb::KAFKA_COMPRESSION_SNAPPY: return "snappy";
    case pb::KAFKA_COMPRESSION_LZ4: return "lz4";
    case pb::KAFKA_COMPRESSION_ZSTD: return "zstd";
    default: return "none";
  }
}

void ReadProducer(const pb::KafkaEndpoint& in, KafkaConfig::Producer& out, Check& check) {
  if (!in.has_producer()) return;
  const pb::KafkaProducer& producer = in.producer();
  out.enabled = !producer.has_enabled() || producer.enabled();
  out.topics = ReadTopics(producer.topics(), "producer.topics", check);
  if (out.enabled && out.topics.empty()) {
    check.Add("producer.topics", "a producer needs at least one topic");
  }
  out.compression = CompressionName(producer.compression());
  out.acks_all = producer.acks() != pb::KAFKA_ACKS_LEADER;
  if (producer.has_linger()) out.linger = ToMillis(producer.linger());
  if (producer.has_delivery_timeout()) out.delivery_timeout = ToMillis(producer.delivery_timeout());
  if (out.linger < milliseconds(0) || out.linger > milliseconds(1000)) {
    check.Add("producer.linger", "from 0s to 1s");
  }
  if (out.delivery_timeout < milliseconds(100) || out.delivery_timeout > milliseconds(300'000)) {
    check.Add("producer.deliveryTimeout", "from 100ms to 5m");
  } else if (out.linger >= out.delivery_timeout) {
    check.Add("producer.linger", "less than producer.deliveryTimeout");
  }
  out.key_header = producer.key_header();
}

void ReadConsumer(const pb::KafkaEndpoint& in, KafkaConfig::Consumer& out, Check& check) {
  if (!in.has_consumer()) return;
  const pb::KafkaConsumer& consumer = in.consumer();
  out.enabled = !consumer.has_enabled() || consumer.enabled();
  out.topics = ReadTopics(consumer.topics(), "consumer.topics", check);
  out.topics_pattern = consumer.topics_pattern();
  if (out.enabled && out.topics.empty() == out.topics_pattern.empty()) {
    check.Add("consumer", "either topics or topicsPattern is given");
  }
  switch (consumer.auto_offset_reset()) {
    case pb::AUTO_OFFSET_RESET_EARLIEST: out.reset = Reset::kEarliest; break;
    case pb::AUTO_OFFSET_RESET_NONE: out.reset = Reset::kNone; break;
    default: out.reset = Reset::kLatest; break;
  }
  out.encode_message_id = !consumer.has_encode_message_id() || consumer.encode_message_id();
  out.check_topic_existence = consumer.check_topic_existence();
  out.remove_confluent_header = consumer.remove_confluent_header();
}

void ReadProperties(const pb::KafkaEndpoint& in, KafkaConfig& out, Check& check) {
  const std::map<std::string, std::string> sorted(in.properties().begin(), in.properties().end());
  for (const auto& [name, value] : sorted) {
    const std::string rule = PropertyRule(name);
    if (!rule.empty()) check.Add("properties." + name, rule);
    if (value.size() > 255) check.Add("properties." + name, "at most 255 characters");
    out.properties.emplace_back(name, value);
  }
}

}  // namespace

bool IsHostPort(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const auto port = ParseUint(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) return false;
  std::string_view host = text.substr(0, colon);
  if (host.front() == '[') {
    if (host.size() < 4 || host.back() != ']') return false;
    host = host.substr(1, host.size() - 2);
    return std::all_of(host.begin(), host.end(), [](unsigned char c) {
      return std::isxdigit(c) != 0 || c == ':' || c == '.' || c == '%';
    });
  }
  return host.size() <= 253 && std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
         });
}

bool IsTopicName(std::string_view text) {
  if (text.empty() || text.size() > 249 || text == "." || text == "..") return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (std::isalnum(c) != 0 && c < 128) || c == '.' || c == '_' || c == '-';
  });
}

std::vector<Violation> CheckKafka(const google::protobuf::Message& settings, KafkaConfig& config,
                                  const config::SecretResolver* secrets) {
  std::vector<Violation> violations;
  Check check(violations, secrets);
  const auto* in = dynamic_cast<const pb::KafkaEndpoint*>(&settings);
  if (in == nullptr) {
    check.Add("", "the settings are those of a kafka endpoint");
    return violations;
  }
  ReadBootstrap(*in, config, check);
  ReadProducer(*in, config.producer, check);
  ReadConsumer(*in, config.consumer, check);
  ReadProperties(*in, config, check);
  ReadSecurity(*in, config, check);
  return violations;
}

StatusOr<KafkaConfig> ReadKafkaConfig(const google::protobuf::Message& settings,
                                      const config::SecretResolver* secrets) {
  KafkaConfig config;
  const std::vector<Violation> violations = CheckKafka(settings, config, secrets);
  if (violations.empty()) return config;
  std::string text = "kafka endpoint: ";
  for (std::size_t i = 0; i < violations.size(); ++i) {
    if (i > 0) text += "; ";
    text += violations[i].field + ": " + violations[i].rule;
  }
  return WithReason(InvalidArgument(text), "INVALID_SETTINGS");
}

}  // namespace tidegate::kafka
