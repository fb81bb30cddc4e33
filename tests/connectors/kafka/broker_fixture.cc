#include "tests/connectors/kafka/broker_fixture.h"

#include <librdkafka/rdkafka.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "connectors/kafka/factory.h"
#include "server/base/codec.h"
#include "server/base/strings.h"
#include "server/config/yaml_reader.h"
#include "tidegate/config/v1/api.pb.h"

namespace tidegate::kafka {
namespace {

namespace pb = ::tidegate::config::v1;

// The environment is set before any thread is there.
class Realm final : public ::testing::Environment {
 public:
  void SetUp() override {
    ASSERT_FALSE(BrokerTest::Dir().empty())
        << "TIDEGATE_TEST_KAFKA_DIR is not set: start a broker with "
           "tests/support/kafka/start_kafka.sh, or run tests/run.sh";
    ::setenv("KRB5_CONFIG", (BrokerTest::Dir() + "/kdc/krb5.conf").c_str(), 1);
    ::setenv("TEST_SASL_PASSWORD", BrokerTest::File("sasl.password").c_str(), 1);
  }
};
const auto* const kRealm = ::testing::AddGlobalTestEnvironment(new Realm);

// A client of the open listener, whose user may do anything.
class Admin {
 public:
  Admin() {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    std::array<char, 256> text{};
    rd_kafka_conf_set(conf, "bootstrap.servers", BrokerTest::Address("").c_str(), text.data(),
                      text.size());
    rk_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text.data(), text.size());
    queue_ = rd_kafka_queue_new(rk_);
  }
  ~Admin() {
    rd_kafka_queue_destroy(queue_);
    rd_kafka_destroy(rk_);
  }

  void Create(const std::string& topic, int partitions) {
    std::array<char, 256> text{};
    rd_kafka_NewTopic_t* wanted =
        rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, text.data(), text.size());
    rd_kafka_CreateTopics(rk_, &wanted, 1, nullptr, queue_);
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue_, 15'000);
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR)
        << rd_kafka_event_error_string(event);
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(wanted);
  }

  void Acl(rd_kafka_ResourceType_t type, const std::string& name, const std::string& user,
           rd_kafka_AclOperation_t operation) {
    std::array<char, 256> text{};
    rd_kafka_AclBinding_t* binding = rd_kafka_AclBinding_new(
        type, name.c_str(), RD_KAFKA_RESOURCE_PATTERN_LITERAL,
        ("User:" + user).c_str(), "*", operation, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, text.data(),
        text.size());
    ASSERT_NE(binding, nullptr) << text.data();
    rd_kafka_CreateAcls(rk_, &binding, 1, nullptr, queue_);
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue_, 15'000);
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR)
        << rd_kafka_event_error_string(event);
    rd_kafka_event_destroy(event);
    rd_kafka_AclBinding_destroy(binding);
  }

 private:
  rd_kafka_t* rk_ = nullptr;
  rd_kafka_queue_t* queue_ = nullptr;
};

std::string Said(const Status& status) {
  if (status.ok()) return "";
  return std::string(NameOf(ClassOf(status))) + ": " + MessageOf(status);
}

}  // namespace

std::string BrokerTest::Dir() {
  const char* dir = std::getenv("TIDEGATE_TEST_KAFKA_DIR");
  return dir == nullptr ? "" : dir;
}

std::string BrokerTest::Env(const std::string& name) {
  std::ifstream in(Dir() + "/kafka.env");
  for (std::string line; std::getline(in, line);) {
    if (StartsWith(line, name + "=")) return line.substr(name.size() + 1);
  }
  return "";
}

std::string BrokerTest::File(const std::string& name) {
  std::ifstream in(Dir() + "/" + name);
  std::stringstream text;
  text << in.rdbuf();
  return std::string(Trim(text.str()));
}

config::SecretRules BrokerTest::Everything() {
  config::SecretRules rules;
  rules.files.emplace_back("/");
  rules.env.emplace_back("*");
  return rules;
}

void BrokerTest::SetUp() {
  workers_ = std::make_unique<net::WorkerPool>(2);
  workers_->Start();
}

std::string BrokerTest::NewTopic(const std::string& prefix, int partitions) {
  const std::string topic = prefix + "-" + RandomToken(5);
  Admin().Create(topic, partitions);
  return topic;
}

void BrokerTest::Allow(const std::string& user, const std::string& topic, bool describe) {
  Admin admin;
  admin.Acl(RD_KAFKA_RESOURCE_TOPIC, topic, user, RD_KAFKA_ACL_OPERATION_ALL);
  if (describe) admin.Acl(RD_KAFKA_RESOURCE_TOPIC, topic, "*", RD_KAFKA_ACL_OPERATION_DESCRIBE);
}

void BrokerTest::AllowGroup(const std::string& user, const std::string& group) {
  Admin().Acl(RD_KAFKA_RESOURCE_GROUP, group, user, RD_KAFKA_ACL_OPERATION_ALL);
}

StatusOr<connectors::ConnectorPtr> BrokerTest::TryMake(const std::string& listener,
                                                       const std::string& settings,
                                                       const std::string& endpoint) {
  config::Violations violations;
  const auto documents = config::ReadText(
      "t.yaml",
      "kind: Api\nname: a\nendpointGroups: [{name: g, endpoints: [{name: e, kafka: {"
      "bootstrapServers: '" + Address(listener) + "', " + settings + "}}]}]\n",
      "", violations);
  if (!violations.empty()) return InvalidArgument(ToText(violations.front()));
  const auto& api = static_cast<const pb::Api&>(*documents.at(0).message);
  connectors::ConnectorContext context;
  context.api = "test";
  context.endpoint = endpoint;
  context.secrets = &secrets_;
  context.workers = workers_.get();
  return MakeKafkaFactory()(api.endpoint_groups(0).endpoints(0).kafka(), context);
}

std::shared_ptr<KafkaConnector> BrokerTest::MakeOn(const std::string& listener,
                                                   const std::string& settings) {
  auto made = TryMake(listener, settings);
  EXPECT_TRUE(made.ok()) << MessageOf(made.status());
  return made.ok() ? std::static_pointer_cast<KafkaConnector>(*made) : nullptr;
}

std::string BrokerTest::Both(const std::string& security, const std::string& topic) {
  return "security: {" + security + "}, producer: {topics: " + topic + "}, consumer: {topics: " +
         topic + ", autoOffsetReset: earliest}";
}

std::string BrokerTest::TryPublish(KafkaConnector& connector, const std::string& content) {
  connectors::OutMessage message;
  message.content = content;
  const connectors::PublishResult result = Publish(connector, message, std::chrono::seconds(20));
  if (result.outcome == connectors::Outcome::kUnknown) return "unknown: " + Said(result.status);
  return Said(result.status);
}

std::string BrokerTest::TryOpen(KafkaConnector& connector) {
  auto source = Open(connector, connectors::SourceSpec());
  if (!source.ok()) return Said(source.status());
  Close(std::move(*source));
  return "";
}

std::vector<std::string> BrokerTest::ReadAll(KafkaConnector& connector, std::size_t count,
                                             bool group) {
  connectors::SourceSpec spec;
  if (group) {
    spec.share = connectors::Share::kGroup;
    spec.group = "secure-" + RandomToken(5);
    spec.qos = connectors::Qos::kAtLeastOnce;
  }
  std::vector<std::string> contents;
  auto source = Open(connector, std::move(spec));
  EXPECT_TRUE(source.ok()) << MessageOf(source.status());
  if (!source.ok()) return contents;
  const auto got = Read(**source, count);
  EXPECT_TRUE(got.ok()) << MessageOf(got.status());
  if (got.ok()) {
    for (const Got& one : *got) contents.push_back(one.content);
  }
  Close(std::move(*source));
  return contents;
}

std::string BrokerTest::Stages(KafkaConnector& connector) {
  std::string out;
  for (const connectors::TestStage& stage : Await(worker(), connector.Test(worker()))) {
    out += (out.empty() ? "" : ", ") + stage.stage;
    out += stage.ok ? " ok" : " failed: " + stage.detail;
  }
  return out;
}

}  // namespace tidegate::kafka
