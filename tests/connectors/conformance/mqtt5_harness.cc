#include "tests/connectors/conformance/mqtt5_harness.h"

#include <cstdlib>

#include "connectors/mqtt5/connector.h"
#include "server/base/codec.h"

namespace tidegate::connectors::conformance {
namespace {

class Mqtt5Harness final : public ProxiedHarness {
 public:
  void Begin() override {
    StartProxy("TIDEGATE_TEST_MQTT", "tests/support/mosquitto/start_mosquitto.sh");
    topic_ = "conformance/" + RandomToken(6);
  }
  ConnectorPtr Make(net::WorkerPool& workers, From /*from*/, std::int64_t /*count*/) override {
    return MakeWith(Settings(host(), port()), workers);
  }
  ConnectorPtr MakeRefused(net::WorkerPool& workers) override {
    const char* address = std::getenv("TIDEGATE_TEST_MQTT_AUTH");
    EXPECT_NE(address, nullptr) << "TIDEGATE_TEST_MQTT_AUTH is not set";
    if (address == nullptr) return nullptr;
    const std::string text = address;
    const std::size_t colon = text.rfind(':');
    mqtt5::Mqtt5Config config =
        Settings(text.substr(0, colon),
                 static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1))));
    config.username = "gateway";
    config.password = std::string(kSecret);
    return MakeWith(std::move(config), workers);
  }

 private:
  mqtt5::Mqtt5Config Settings(const std::string& host, std::uint16_t port) const {
    mqtt5::Mqtt5Config config;
    config.host = host;
    config.port = port;
    config.reconnect_attempts = 10;
    config.session_expiry = 600;
    config.producer.enabled = true;
    config.producer.topics = {topic_};
    config.consumer.enabled = true;
    config.consumer.topics = {topic_};
    return config;
  }
  static ConnectorPtr MakeWith(mqtt5::Mqtt5Config config, net::WorkerPool& workers) {
    ConnectorContext context;
    context.api = "conformance";
    context.endpoint = "mqtt5";
    context.workers = &workers;
    return mqtt5::Mqtt5Connector::Make(std::move(config), context);
  }
  std::string topic_;
};

}  // namespace

HarnessPtr MakeMqtt5Harness() { return std::make_unique<Mqtt5Harness>(); }

}  // namespace tidegate::connectors::conformance
