#include "tests/connectors/conformance/kafka_harness.h"

#include <cstdlib>
#include <fstream>

#include "connectors/kafka/connector.h"
#include "connectors/kafka/dev_cluster.h"
#include "connectors/kafka/factory.h"
#include "server/base/codec.h"
#include "tests/support/patience.h"

namespace tidegate::connectors::conformance {
namespace {

constexpr int kPartitions = 2;

class KafkaHarness : public Harness {
 public:
  ConnectorPtr Make(net::WorkerPool& workers, From from, std::int64_t /*count*/) override {
    kafka::KafkaConfig config;
    config.bootstrap = Bootstrap();
    config.producer.enabled = true;
    config.producer.topics = {topic_};
    config.consumer.enabled = true;
    config.consumer.topics = {topic_};
    config.consumer.reset =
        from == From::kEarliest ? kafka::Reset::kEarliest : kafka::Reset::kLatest;
    config.properties.emplace_back("session.timeout.ms", "6000");
    config.properties.emplace_back("heartbeat.interval.ms", "500");
    ConnectorContext context;
    context.api = "conformance";
    context.endpoint = "kafka";
    context.workers = &workers;
    auto made = kafka::KafkaConnector::Make(std::move(config), context);
    EXPECT_TRUE(made.ok()) << MessageOf(made.status());
    return made.ok() ? *made : nullptr;
  }
  bool Settle() override { return kafka::SettleKafka(Clock::now() + kPatience); }

 protected:
  virtual std::string Bootstrap() const = 0;
  std::string topic_;
};

class EmbeddedKafka final : public KafkaHarness {
 public:
  void Begin() override {
    topic_ = "conformance";
    auto cluster = kafka::DevCluster::Start(1, {{topic_, kPartitions}});
    ASSERT_TRUE(cluster.ok()) << MessageOf(cluster.status());
    cluster_ = std::move(*cluster);
  }
  bool in_process() const override { return true; }
  void Cut() override { cluster_->SetDown(1); }
  void Restore() override { cluster_->SetUp(1); }

 private:
  std::string Bootstrap() const override { return cluster_->bootstrap(); }
  std::unique_ptr<kafka::DevCluster> cluster_;
};

// The real broker behind the fault proxy: it tells the clients of one listener to come to the port
// where the proxy is.
class BrokerKafka final : public KafkaHarness {
 public:
  void Begin() override {
    const char* directory = std::getenv("TIDEGATE_TEST_KAFKA_DIR");
    ASSERT_NE(directory, nullptr)
        << "TIDEGATE_TEST_KAFKA_DIR is not set: start a broker with "
           "tests/support/kafka/start_kafka.sh, or run tests/run.sh";
    directory_ = directory;
    const std::uint16_t broker = PortOf("PROXIED_PORT");
    const std::uint16_t here = PortOf("PROXY_PORT");
    ASSERT_TRUE(broker != 0 && here != 0) << "no proxied listener in " << directory_;
    proxy_ = faults::FaultProxy::Start("127.0.0.1", broker, here);
    ASSERT_NE(proxy_, nullptr) << "port " << here << " is taken";
    topic_ = "conformance-" + RandomToken(6);
    const std::string command = "tests/support/kafka/topic.sh '" + directory_ + "' create " +
                                topic_ + " " + std::to_string(kPartitions) + " >/dev/null 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT: our own script and words
  }
  faults::FaultProxy* proxy() override { return proxy_.get(); }
  // Each client has several connections with many requests each.
  std::size_t steps_max() const override { return 2; }

 private:
  std::string Bootstrap() const override { return "127.0.0.1:" + std::to_string(proxy_->port()); }
  std::uint16_t PortOf(const std::string& name) const {
    std::ifstream ports(directory_ + "/kafka.ports");
    for (std::string line; std::getline(ports, line);) {
      if (line.substr(0, name.size() + 1) != name + "=") continue;
      return static_cast<std::uint16_t>(std::stoi(line.substr(name.size() + 1)));
    }
    return 0;
  }
  std::string directory_;
  std::unique_ptr<faults::FaultProxy> proxy_;
};

}  // namespace

HarnessPtr MakeEmbeddedKafkaHarness() { return std::make_unique<EmbeddedKafka>(); }
HarnessPtr MakeBrokerKafkaHarness() { return std::make_unique<BrokerKafka>(); }

}  // namespace tidegate::connectors::conformance
