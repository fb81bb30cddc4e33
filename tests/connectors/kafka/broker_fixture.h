// Kafka connectors made from YAML as people write it, on the real broker of the run and its
// listeners (tests/support/kafka), which TIDEGATE_TEST_KAFKA_DIR names.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "server/config/secrets.h"
#include "tests/connectors/kafka/fixture.h"

namespace tidegate::kafka {

class BrokerTest : public ClusterTest {
 public:
  // A value of kafka.env; empty where the broker is not there.
  static std::string Env(const std::string& name);
  static std::string Dir();
  static std::string Address(const std::string& listener) {  // "", "SSL", "SASL_SSL", …
    return Env(listener.empty() ? "TIDEGATE_TEST_KAFKA" : "TIDEGATE_TEST_KAFKA_" + listener);
  }
  static std::string File(const std::string& name);  // the text of a file below Dir()

 protected:
  void SetUp() override;

  // A topic of this test alone.
  std::string NewTopic(const std::string& prefix = "secure", int partitions = 1);
  // Only `user` may use `topic`; everybody may describe it with `describe`.
  void Allow(const std::string& user, const std::string& topic, bool describe);
  // Only `user` may be a member of `group`.
  void AllowGroup(const std::string& user, const std::string& group);

  // `settings` stands in the flow mapping of a kafka endpoint, beside its bootstrap servers.
  StatusOr<connectors::ConnectorPtr> TryMake(const std::string& listener,
                                             const std::string& settings,
                                             const std::string& endpoint = "kafka");
  std::shared_ptr<KafkaConnector> MakeOn(const std::string& listener, const std::string& settings);
  // security + a producer and a consumer of `topic`.
  static std::string Both(const std::string& security, const std::string& topic);

  // Publishes `content` and says how that ended: "" or "class: text".
  std::string TryPublish(KafkaConnector& connector, const std::string& content);
  // Opens a reader of each from the beginning: "" or "class: text".
  std::string TryOpen(KafkaConnector& connector);
  // What `count` messages from the beginning are, by a reader of each or a member of a group.
  std::vector<std::string> ReadAll(KafkaConnector& connector, std::size_t count, bool group);
  // "dns ok, tcp ok, tls failed: …".
  std::string Stages(KafkaConnector& connector);

  config::SecretResolver secrets_{Everything()};

 private:
  static config::SecretRules Everything();
};

}  // namespace tidegate::kafka
