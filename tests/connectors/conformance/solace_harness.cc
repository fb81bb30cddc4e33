#include "tests/connectors/conformance/solace_harness.h"

#include <cstdlib>
#include <map>

#include "connectors/solace/connector.h"
#include "connectors/solace/source_core.h"
#include "server/base/codec.h"
#include "tests/connectors/solace/peer.h"
#include "tests/support/fault_proxy/fault_proxy.h"

namespace tidegate::connectors::conformance {
namespace {

ConnectorPtr Connect(const solace::SolaceConfig& config, net::WorkerPool& workers) {
  ConnectorContext context;
  context.api = "conformance";
  context.endpoint = "solace";
  context.workers = &workers;
  return solace::SolaceConnector::Make(config, nullptr, context);
}

solace::SolaceConfig Config(std::uint16_t port, const std::string& topic) {
  solace::SolaceConfig config;
  config.host = "127.0.0.1";
  config.port = port;
  config.vpn = "default";
  config.producer.enabled = true;
  config.producer.topics = {topic};
  config.consumer.enabled = true;
  config.consumer.topics = {topic};
  config.reconnect_attempts = 1000;
  return config;
}

class PeerHarness final : public Harness {
 public:
  bool repeats_headers() const override { return false; }
  void Begin() override {
    peer_ = amqp10::Peer::Start({"--user", "gateway:right"});
    ASSERT_NE(peer_, nullptr);
    proxy_ = faults::FaultProxy::Start("127.0.0.1", peer_->port());
    ASSERT_NE(proxy_, nullptr);
    topic_ = "conformance/" + RandomToken(6);
  }
  ConnectorPtr Make(net::WorkerPool& workers, From /*from*/, std::int64_t /*count*/) override {
    return MakeWith(workers, "right");
  }
  ConnectorPtr MakeRefused(net::WorkerPool& workers) override {
    return MakeWith(workers, std::string(kSecret));
  }
  faults::FaultProxy* proxy() override { return proxy_.get(); }

 private:
  ConnectorPtr MakeWith(net::WorkerPool& workers, const std::string& password) {
    solace::SolaceConfig config = Config(proxy_->port(), topic_);
    config.username = "gateway";
    config.password = password;
    return Connect(config, workers);
  }
  std::unique_ptr<amqp10::Peer> peer_;
  std::unique_ptr<faults::FaultProxy> proxy_;
  std::string topic_;
};

// A connector whose groups read queues that are bound to the topic when they are first asked for:
// what an operator of a broker without durable topic endpoints would do.
class BoundQueues final : public Connector {
 public:
  BoundQueues(solace::SolaceConfig config, std::string broker, net::WorkerPool& workers)
      : config_(std::move(config)), broker_(std::move(broker)), workers_(workers),
        topics_(Connect(config_, workers)) {}

  std::string_view kind() const override { return topics_->kind(); }
  const Capabilities& capabilities() const override { return topics_->capabilities(); }
  Task<StatusOr<SourcePtr>> OpenSource(SourceSpec spec, net::Worker& worker) override {
    if (spec.share != Share::kGroup) return topics_->OpenSource(std::move(spec), worker);
    return OfGroup(spec.group)->OpenSource(std::move(spec), worker);
  }
  StatusOr<Sink*> SinkFor(net::Worker& worker) override { return topics_->SinkFor(worker); }
  void AppendId(const Position& position, std::string& out) const override {
    topics_->AppendId(position, out);
  }
  StatusOr<Position> ParseId(std::string_view id) const override { return topics_->ParseId(id); }
  Status CheckDestination(std::string_view name, Direction direction) const override {
    return topics_->CheckDestination(name, direction);
  }
  Health health() const override { return topics_->health(); }
  Task<std::vector<TestStage>> Test(net::Worker& worker) override { return topics_->Test(worker); }
  Task<void> Drain(TimePoint deadline, net::Worker& worker) override {
    return topics_->Drain(deadline, worker);
  }

 private:
  Connector* OfGroup(const std::string& group) {
    ConnectorPtr& known = groups_[group];
    if (known == nullptr) {
      const std::string command = "/usr/bin/python3 -B tests/support/amqp10/bind_queue.py " +
                                  broker_ + " '" + group + "' '" + config_.consumer.topics[0] + "'";
      EXPECT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT: our own words
      solace::SolaceConfig config = config_;
      config.producer.enabled = false;
      config.consumer.topics.clear();
      config.consumer.queue = group;
      known = Connect(config, workers_);
    }
    return known.get();
  }

  const solace::SolaceConfig config_;
  const std::string broker_;
  net::WorkerPool& workers_;
  const ConnectorPtr topics_;
  std::map<std::string, ConnectorPtr> groups_;
};

class RabbitmqHarness final : public ProxiedHarness {
 public:
  bool repeats_headers() const override { return false; }
  void Begin() override {
    StartProxy("TIDEGATE_TEST_AMQP10", "tests/support/rabbitmq/start_rabbitmq.sh");
    ASSERT_FALSE(HasFailure());
    broker_ = std::getenv("TIDEGATE_TEST_AMQP10");
    topic_ = "conformance-" + RandomToken(6);
    // What nobody listens to is released by RabbitMQ; Solace takes it.
    const std::string command = "/usr/bin/python3 -B tests/support/amqp10/bind_queue.py " +
                                broker_ + " --drop 'drop-" + topic_ + "' '" + topic_ + "'";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT: our own words
  }
  ConnectorPtr Make(net::WorkerPool& workers, From /*from*/, std::int64_t /*count*/) override {
    return std::make_shared<BoundQueues>(ConfigWith("guest"), broker_, workers);
  }
  ConnectorPtr MakeRefused(net::WorkerPool& workers) override {
    return Connect(ConfigWith(std::string(kSecret)), workers);
  }

 private:
  static bool HasFailure() { return ::testing::Test::HasFatalFailure(); }
  solace::SolaceConfig ConfigWith(const std::string& password) const {
    solace::SolaceConfig config = Config(port(), topic_);
    config.addressing = solace::Addressing::kRabbitmq;
    config.username = "guest";
    config.password = password;
    return config;
  }
  std::string broker_;
  std::string topic_;
};

// Brokers with durable subscriptions, user and password `admin`.
class AdminHarness : public ProxiedHarness {
 public:
  AdminHarness(const char* variable, const char* script, solace::Addressing addressing)
      : variable_(variable), script_(script), addressing_(addressing) {}
  bool repeats_headers() const override { return false; }
  void Begin() override {
    StartProxy(variable_, script_);
    topic_ = "conformance-" + RandomToken(6);
  }
  ConnectorPtr Make(net::WorkerPool& workers, From /*from*/, std::int64_t /*count*/) override {
    return MakeWith(workers, "admin");
  }
  ConnectorPtr MakeRefused(net::WorkerPool& workers) override {
    return MakeWith(workers, std::string(kSecret));
  }

 private:
  ConnectorPtr MakeWith(net::WorkerPool& workers, const std::string& password) const {
    solace::SolaceConfig config = Config(port(), topic_);
    config.addressing = addressing_;
    config.username = "admin";
    config.password = password;
    return Connect(config, workers);
  }
  const char* const variable_;
  const char* const script_;
  const solace::Addressing addressing_;
  std::string topic_;
};

}  // namespace

HarnessPtr MakeSolacePeerHarness() { return std::make_unique<PeerHarness>(); }
HarnessPtr MakeSolaceRabbitmqHarness() { return std::make_unique<RabbitmqHarness>(); }
HarnessPtr MakeSolaceArtemisHarness() {
  return std::make_unique<AdminHarness>("TIDEGATE_TEST_ARTEMIS",
                                        "tests/support/artemis/start_artemis.sh",
                                        solace::Addressing::kArtemis);
}
HarnessPtr MakeSolaceBrokerjHarness() {
  return std::make_unique<AdminHarness>("TIDEGATE_TEST_BROKERJ",
                                        "tests/support/brokerj/start_brokerj.sh",
                                        solace::Addressing::kBrokerj);
}

}  // namespace tidegate::connectors::conformance
