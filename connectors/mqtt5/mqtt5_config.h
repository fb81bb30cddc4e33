// The settings of an MQTT 5 endpoint as a plain struct, read from tidegate.config.v1.Mqtt5Endpoint
// and checked. This target links no client: what validates offline uses it.
//
// Thread: pure functions. Fails: ReadMqtt5Config by InvalidArgument, reason INVALID_SETTINGS, whose
// text lists every violation ("field: rule"), values never echoed; FailedPrecondition, reason
// SECRET_UNRESOLVED, for a password that is not there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/api/settings_check.h"
#include "server/base/status.h"

namespace google::protobuf {
class Message;
}
namespace tidegate::config {
class SecretResolver;
}
namespace tidegate::net {
class TlsClient;
}

namespace tidegate::mqtt5 {

inline constexpr std::uint32_t kNeverExpires = 0xFFFFFFFF;

struct Mqtt5Config {
  struct Producer {
    bool enabled = false;
    std::vector<std::string> topics;
    bool retained = false;
    std::optional<std::uint32_t> message_expiry;  // seconds
    std::string response_topic;
  };
  struct Consumer {
    bool enabled = false;
    std::vector<std::string> topics;  // filters
  };

  std::string host;
  std::uint16_t port = 1883;
  int reconnect_attempts = 3;
  std::uint32_t session_expiry = 86'400;  // seconds; kNeverExpires
  bool clean_start = false;
  std::optional<std::string> username;
  std::optional<std::string> password;
  std::shared_ptr<net::TlsClient> tls;  // null: plain TCP
  Producer producer;
  Consumer consumer;
};

using connectors::Violation;

// All violations of `settings`, an Mqtt5Endpoint; whatever could be read is in `config`, but for
// secrets and TLS.
std::vector<Violation> CheckMqtt5(const google::protobuf::Message& settings, Mqtt5Config& config);
// With secrets and TLS. `secrets` may be null where the settings hold no reference.
StatusOr<Mqtt5Config> ReadMqtt5Config(const google::protobuf::Message& settings,
                                      const config::SecretResolver* secrets);

}  // namespace tidegate::mqtt5
