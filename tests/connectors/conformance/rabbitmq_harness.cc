#include "tests/connectors/conformance/rabbitmq_harness.h"

#include "connectors/rabbitmq/factory.h"
#include "server/base/codec.h"
#include "tidegate/config/v1/rabbitmq.pb.h"

namespace tidegate::connectors::conformance {
namespace {

class RabbitmqHarness final : public ProxiedHarness {
 public:
  void Begin() override {
    StartProxy("TIDEGATE_TEST_RABBITMQ", "tests/support/rabbitmq/start_rabbitmq.sh");
    exchange_ = "conformance-" + RandomToken(6);
  }
  ConnectorPtr Make(net::WorkerPool& workers, From /*from*/, std::int64_t /*count*/) override {
    return MakeWith(workers, "guest");
  }
  ConnectorPtr MakeRefused(net::WorkerPool& workers) override {
    return MakeWith(workers, std::string(kSecret));
  }

 private:
  ConnectorPtr MakeWith(net::WorkerPool& workers, const std::string& password) {
    config::v1::RabbitmqEndpoint settings;
    settings.set_server_host(host());
    settings.set_server_port(port());
    settings.mutable_heartbeat()->set_seconds(20);
    settings.mutable_connect_timeout()->set_seconds(5);
    config::v1::UserPassword* auth = settings.mutable_security()->mutable_auth();
    auth->set_username("guest");
    auth->mutable_password()->set_text(password);
    config::v1::RabbitmqProducer* producer = settings.mutable_producer();
    producer->mutable_exchange()->set_name(exchange_);
    producer->mutable_exchange()->set_type(config::v1::EXCHANGE_TYPE_TOPIC);
    producer->set_routing_key("conformance");
    // What is published while nobody listens is no error here; see publish_test.cc for mandatory.
    producer->set_mandatory(false);
    config::v1::RabbitmqConsumer* consumer = settings.mutable_consumer();
    *consumer->mutable_exchange() = producer->exchange();
    consumer->set_routing_key("#");
    consumer->mutable_queue()->mutable_expires()->set_seconds(120);
    ConnectorContext context;
    context.api = "conformance";
    context.endpoint = "rabbitmq";
    context.workers = &workers;
    auto made = rabbitmq::MakeRabbitmqFactory()(settings, context);
    EXPECT_TRUE(made.ok()) << MessageOf(made.status());
    return made.ok() ? *made : nullptr;
  }
  std::string exchange_;
};

}  // namespace

HarnessPtr MakeRabbitmqHarness() { return std::make_unique<RabbitmqHarness>(); }

}  // namespace tidegate::connectors::conformance
