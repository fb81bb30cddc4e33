// The settings of a Solace endpoint as a plain struct, read from tidegate.config.v1.SolaceEndpoint
// and checked; for mqtt(s) URLs the same endpoint as the settings of an MQTT one. This target links
// no broker library: `tidegatectl validate` uses it.
//
// Thread: pure functions; passwords given by reference are read by the resolver. Fails:
// InvalidArgument, reason INVALID_SETTINGS, whose text lists every violation ("field: rule"),
// values never echoed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/api/settings_check.h"
#include "connectors/solace/limits.h"
#include "server/base/status.h"

namespace google::protobuf {
class Message;
}
namespace tidegate::config {
class SecretResolver;
}

namespace tidegate::solace {

enum class Transport : std::uint8_t { kAmqp, kMqtt };

// How addresses are written. Only Solace's own form can be configured; the others serve the
// stand-ins of the tests.
enum class Addressing : std::uint8_t { kSolace, kRabbitmq, kArtemis, kBrokerj };

struct SolaceConfig {
  struct Producer {
    bool enabled = false;
    std::vector<std::string> topics;
    std::uint32_t ttl_ms = 0;  // 0: no end
    std::string response_topic;
    bool persistent = true;
  };
  struct Consumer {
    bool enabled = false;
    std::vector<std::string> topics;
    std::string queue;  // instead of topics
  };

  Transport transport = Transport::kAmqp;
  bool tls_on = false;
  std::string host;
  std::uint16_t port = 0;
  std::string vpn;
  std::string tls_host;  // whom TLS asks for and expects
  std::string username;  // empty: authentication is off
  std::string password;
  std::shared_ptr<const google::protobuf::Message> tls;  // config.v1.Tls, where tls_on
  int reconnect_attempts = 10;
  std::uint64_t message_bytes_max = kMessageBytesMax;
  Producer producer;
  Consumer consumer;
  Addressing addressing = Addressing::kSolace;
};

using connectors::Violation;

// All violations of `settings`, a SolaceEndpoint; whatever could be read is in `config`.
std::vector<Violation> CheckSolace(const google::protobuf::Message& settings,
                                   const config::SecretResolver& secrets, SolaceConfig& config);
StatusOr<SolaceConfig> ReadSolaceConfig(const google::protobuf::Message& settings,
                                        const config::SecretResolver& secrets);

// The settings of the same endpoint as a config.v1.Mqtt5Endpoint. Only for mqtt(s) URLs that
// ReadSolaceConfig has accepted.
std::shared_ptr<const google::protobuf::Message> ToMqttSettings(
    const google::protobuf::Message& settings);

struct Url {
  std::string scheme;
  std::string host;  // without brackets
  std::uint16_t port = 0;  // 0: none given
};
// SCHEME://HOST[:PORT][/]; what is wrong is in `rule`. Names and passwords do not stand in a URL.
bool ParseUrl(std::string_view text, Url& url, std::string_view& rule);

}  // namespace tidegate::solace
