// The settings of a RabbitMQ endpoint as a plain struct, read from
// tidegate.config.v1.RabbitmqEndpoint and checked. This target links no broker library:
// `tidegatectl validate` uses it.
//
// Thread: pure functions; Read also reads what secrets refer to. Fails: by InvalidArgument, whose
// text lists every violation ("field: rule"), values never echoed; SECRET_UNRESOLVED.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/api/settings_check.h"
#include "server/base/status.h"

namespace google::protobuf {
class Message;
}
namespace tidegate::config {
class SecretResolver;
}

namespace tidegate::rabbitmq {

enum class ExchangeType : std::uint8_t { kDirect, kTopic, kFanout, kHeaders };
std::string_view NameOf(ExchangeType type);

enum class Declare : std::uint8_t { kActive, kPassive, kNone };

struct ExchangeConfig {
  std::string name;
  ExchangeType type = ExchangeType::kTopic;
  bool durable = true;
  bool auto_delete = false;
  Declare declare = Declare::kActive;
};

struct RabbitmqConfig {
  struct Producer {
    bool enabled = false;
    ExchangeConfig exchange;
    std::string routing_key;
    bool mandatory = true;
    bool persistent = true;
  };
  struct Consumer {
    bool enabled = false;
    ExchangeConfig exchange;
    std::string routing_key;
    std::uint16_t prefetch = 256;
    bool quorum = false;
    std::optional<std::chrono::milliseconds> expires = std::chrono::hours(24);  // empty: never
    Declare declare = Declare::kActive;
    std::optional<std::int32_t> delivery_limit;
    std::vector<std::pair<std::string, std::string>> binding_arguments;  // sorted
  };

  std::string host;
  std::uint16_t port = 5672;
  std::string vhost = "/";
  std::string username;
  std::string password;
  bool tls = false;
  std::chrono::seconds heartbeat{30};
  std::chrono::milliseconds connect_timeout{5000};
  Producer producer;
  Consumer consumer;
};

using connectors::Violation;

// All violations of `settings`, a RabbitmqEndpoint; whatever could be read is in `config`, but for
// the password.
std::vector<Violation> CheckRabbitmq(const google::protobuf::Message& settings,
                                     RabbitmqConfig& config);
StatusOr<RabbitmqConfig> ReadRabbitmqConfig(const google::protobuf::Message& settings,
                                            const config::SecretResolver& secrets);
// The config.v1.Tls below `settings`; nullptr without TLS.
const google::protobuf::Message* TlsOf(const google::protobuf::Message& settings);

}  // namespace tidegate::rabbitmq
