// What the readers of settings share: a list of violations, and secrets as texts.
//
// Thread: one reader. Owner: the caller of CheckKafka.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/api/settings_check.h"
#include "connectors/kafka/kafka_config.h"

namespace tidegate::config::v1 {
class KafkaEndpoint;
}

namespace tidegate::kafka {

class Check : public connectors::SettingsCheck {
 public:
  // Without `secrets` references cannot be read, and are violations.
  Check(std::vector<Violation>& out, const config::SecretResolver* secrets)
      : SettingsCheck(out), secrets_(secrets) {}

  // The value of a config.v1.Secret; empty with a violation when it cannot be had.
  std::string Secret(const google::protobuf::Message& secret, const std::string& field);
  // Whether a path of the settings may be read.
  void Path(const std::string& path, const std::string& field);
  const config::SecretResolver* secrets() const { return secrets_; }

 private:
  const config::SecretResolver* secrets_;
};

// Fills config.security (security_config.cc).
void ReadSecurity(const config::v1::KafkaEndpoint& in, KafkaConfig& out, Check& check);

}  // namespace tidegate::kafka
