// The settings of a Kafka endpoint as a plain struct, read from tidegate.config.v1.KafkaEndpoint
// and checked. This target links no broker library: `tidegatectl validate` uses it.
//
// Thread: pure functions. Fails: ReadKafkaConfig by InvalidArgument, whose text lists every
// violation ("field: rule"), values never echoed.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/api/settings_check.h"
#include "connectors/kafka/security.h"
#include "server/base/status.h"

namespace google::protobuf {
class Message;
}
namespace tidegate::config {
class SecretResolver;
}

namespace tidegate::kafka {

enum class Reset : std::uint8_t { kLatest, kEarliest, kNone };

struct KafkaConfig {
  struct Producer {
    bool enabled = false;
    std::vector<std::string> topics;
    std::string compression = "none";
    bool acks_all = true;  // false: the leader alone
    std::chrono::milliseconds linger{1};
    std::chrono::milliseconds delivery_timeout{10'000};
    std::string key_header;
  };
  struct Consumer {
    bool enabled = false;
    std::vector<std::string> topics;
    std::string topics_pattern;  // RE2 syntax, the whole name must match
    Reset reset = Reset::kLatest;
    bool encode_message_id = true;
    bool check_topic_existence = false;
    bool remove_confluent_header = false;
  };

  std::string bootstrap;  // comma list
  SecuritySettings security;
  Producer producer;
  Consumer consumer;
  std::vector<std::pair<std::string, std::string>> properties;  // allow-listed
};

using connectors::Violation;

// All violations of `settings`, a KafkaEndpoint; whatever could be read is in `config`. References
// are read by `secrets`; without it they are violations.
std::vector<Violation> CheckKafka(const google::protobuf::Message& settings, KafkaConfig& config,
                                  const config::SecretResolver* secrets = nullptr);
StatusOr<KafkaConfig> ReadKafkaConfig(const google::protobuf::Message& settings,
                                      const config::SecretResolver* secrets = nullptr);
// The config.v1.Tls of calls to the token endpoint, for connectors::MakeTlsClient.
const google::protobuf::Message* TokenTls(const google::protobuf::Message& settings);

// HOST:PORT with an IPv6 host in brackets, port 1 to 65535.
bool IsHostPort(std::string_view text);
// 1 to 249 of A-Z a-z 0-9 . _ -, neither "." nor "..".
bool IsTopicName(std::string_view text);

}  // namespace tidegate::kafka
