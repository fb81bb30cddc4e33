#include <fstream>
#include <sstream>

#include "tests/connectors/rabbitmq/fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::rabbitmq {
namespace {

using connectors::Outcome;
using connectors::Qos;

class SettingsTest : public BrokerTest {
 protected:
  static std::string Contents(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  Settings WithTls(const std::string& authority) const {
    Settings settings = Base();
    settings.set_server_port(tls_port_);
    settings.mutable_security()->mutable_tls()->mutable_trust_store()->mutable_pem()
        ->mutable_certificates()->set_text(Contents(directory_ + "/tls/" + authority + ".crt"));
    return settings;
  }
  // The last stage of the endpoint's test, which must have failed.
  connectors::TestStage Failing(const Settings& settings) {
    auto connector = Make(settings);
    const auto stages = Await(worker(), connector->Test(worker()));
    EXPECT_FALSE(stages.back().ok) << stages.back().stage << ": " << stages.back().detail;
    for (const auto& stage : stages) {
      EXPECT_EQ(stage.detail.find("wrong-password"), std::string::npos);
    }
    return stages.back();
  }
  ErrorClass Refused(const Settings& settings) {
    auto connector = Make(settings);
    const auto result = Publish(*connector, "x");
    EXPECT_EQ(result.outcome, Outcome::kNo);
    auto source = Open(*connector, Member(Qos::kAuto));
    EXPECT_FALSE(source.ok());
    EXPECT_EQ(ClassOf(source.status()), ClassOf(result.status)) << MessageOf(result.status);
    text_ = MessageOf(result.status);
    EXPECT_EQ(connector->health().last_error, ClassOf(result.status));
    return ClassOf(result.status);
  }
  std::string text_;
};

TEST_F(SettingsTest, TheStagesOfATestInTheirOrder) {
  auto connector = Make(Base());
  auto stages = Await(worker(), connector->Test(worker()));
  std::string names;
  for (const auto& stage : stages) names += stage.stage + (stage.ok ? " " : "! ");
  EXPECT_EQ(names, "dns tcp auth metadata ");
  EXPECT_NE(stages.back().detail.find("does not exist yet"), std::string::npos);
  EXPECT_EQ(Ctl("list_exchanges name").find(name_), std::string::npos);  // it made nothing
}

TEST_F(SettingsTest, AWrongPasswordIsAuthFailed) {
  Settings settings = Base();
  settings.mutable_security()->mutable_auth()->mutable_password()->set_text("wrong-password");
  EXPECT_EQ(Refused(settings), ErrorClass::kAuthFailed);
  EXPECT_EQ(text_.find("wrong-password"), std::string::npos);
  EXPECT_EQ(Failing(settings).stage, "auth");
}

TEST_F(SettingsTest, AnUnknownVirtualHostIsConfigInvalid) {
  Settings settings = Base();
  settings.set_virtual_host("nowhere");
  EXPECT_EQ(Refused(settings), ErrorClass::kConfigInvalid);
  EXPECT_NE(text_.find("nowhere"), std::string::npos);
  EXPECT_EQ(Failing(settings).stage, "auth");
}

TEST_F(SettingsTest, AVirtualHostWithoutRightsIsNotAuthorized) {
  Settings settings = Base();
  settings.mutable_security()->mutable_auth()->set_username("nobody");
  settings.mutable_security()->mutable_auth()->mutable_password()->set_text("nobody");
  EXPECT_EQ(Refused(settings), ErrorClass::kNotAuthorized);
}

TEST_F(SettingsTest, AnotherVirtualHostIsAnotherWorld) {
  Settings settings = Base();
  settings.set_virtual_host("side");
  auto side = Make(settings);
  auto source = Open(*side, Each());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  Close(*source);
  EXPECT_NE(Ctl("-p side list_exchanges name").find(name_), std::string::npos);
  EXPECT_EQ(Ctl("list_exchanges name").find(name_), std::string::npos);
}

TEST_F(SettingsTest, NobodyAtThePortIsConnectFailed) {
  Settings settings = Base();
  settings.set_server_port(1);
  EXPECT_EQ(Refused(settings), ErrorClass::kConnectFailed);
  EXPECT_EQ(Failing(settings).stage, "tcp");
  settings.set_server_host("no-such-host.invalid");
  EXPECT_EQ(Failing(settings).stage, "dns");
}

TEST_F(SettingsTest, TlsWithATrustedAuthority) {
  auto connector = Make(WithTls("ca"));
  auto source = Open(*connector, Each());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  const std::string large(300'000, 'x');
  ASSERT_EQ(Publish(*connector, large).outcome, Outcome::kOk);
  const auto got = Read(**source, 1);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ((*got)[0].content, large);
  Close(*source);
  const auto stages = Await(worker(), connector->Test(worker()));
  ASSERT_EQ(stages.size(), 5u);
  EXPECT_EQ(stages[2].stage, "tls");
}

TEST_F(SettingsTest, AnUntrustedAuthorityIsTlsFailed) {
  EXPECT_EQ(Refused(WithTls("stranger")), ErrorClass::kTlsFailed);
  EXPECT_EQ(Failing(WithTls("stranger")).stage, "tls");
}

TEST_F(SettingsTest, AnExchangeDeclaredDifferentlyIsConfigInvalid) {
  auto connector = Make(Base());
  ASSERT_EQ(Publish(*connector, "x").outcome, Outcome::kNo);  // declared, nobody listens
  Settings durable = Base();
  durable.mutable_producer()->mutable_exchange()->set_durable(true);
  durable.mutable_consumer()->mutable_exchange()->set_durable(true);
  EXPECT_EQ(Refused(durable), ErrorClass::kConfigInvalid);
  EXPECT_NE(text_.find("durable"), std::string::npos) << text_;
  EXPECT_EQ(Failing(durable).stage, "metadata");
  Settings direct = Base();
  direct.mutable_producer()->mutable_exchange()->set_type(config::v1::EXCHANGE_TYPE_DIRECT);
  direct.mutable_consumer()->mutable_exchange()->set_type(config::v1::EXCHANGE_TYPE_DIRECT);
  direct.mutable_consumer()->set_routing_key("k");
  EXPECT_EQ(Refused(direct), ErrorClass::kConfigInvalid);
  EXPECT_NE(text_.find("type"), std::string::npos) << text_;
  Settings temporary = Base();
  temporary.mutable_producer()->mutable_exchange()->set_auto_delete(true);
  temporary.mutable_consumer()->mutable_exchange()->set_auto_delete(true);
  EXPECT_EQ(Refused(temporary), ErrorClass::kConfigInvalid);
  EXPECT_NE(text_.find("auto_delete"), std::string::npos) << text_;
}

TEST_F(SettingsTest, ExchangesAreMadeAsTheSettingsSayAndGoWithTheLastBinding) {
  const std::vector<std::pair<config::v1::ExchangeType, std::string>> types = {
      {config::v1::EXCHANGE_TYPE_DIRECT, "direct"}, {config::v1::EXCHANGE_TYPE_FANOUT, "fanout"},
      {config::v1::EXCHANGE_TYPE_TOPIC, "topic"}, {config::v1::EXCHANGE_TYPE_HEADERS, "headers"}};
  std::vector<connectors::ConnectorPtr> connectors;
  std::vector<connectors::SourcePtr> sources;
  for (const auto& [type, type_name] : types) {
    Settings settings = Base();
    config::v1::Exchange* exchange = settings.mutable_producer()->mutable_exchange();
    exchange->set_name(name_ + "-" + type_name);
    exchange->set_type(type);
    exchange->set_durable(true);
    exchange->set_auto_delete(true);
    *settings.mutable_consumer()->mutable_exchange() = *exchange;
    settings.mutable_consumer()->set_routing_key("k");
    connectors.push_back(Make(settings));
    auto source = Open(*connectors.back(), Each());
    ASSERT_TRUE(source.ok()) << MessageOf(source.status());
    sources.push_back(std::move(*source));
    ASSERT_EQ(Publish(*connectors.back(), "x").outcome, Outcome::kOk);
    ASSERT_TRUE(IsOk(Read(*sources.back(), 1)));
  }
  const std::string there = Ctl("list_exchanges name type durable auto_delete");
  for (const auto& [type, type_name] : types) {
    const std::string line = name_ + "-" + type_name + "\t" + type_name + "\ttrue\ttrue";
    EXPECT_NE(there.find(line), std::string::npos) << there;
  }
  for (auto& source : sources) Close(source);
  EXPECT_EQ(Ctl("list_exchanges name").find(name_), std::string::npos);
}

TEST_F(SettingsTest, AHeadersExchangeRoutesByTheBindingsArguments) {
  Settings settings = Base();
  settings.mutable_producer()->mutable_exchange()->set_type(config::v1::EXCHANGE_TYPE_HEADERS);
  settings.mutable_consumer()->mutable_exchange()->set_type(config::v1::EXCHANGE_TYPE_HEADERS);
  settings.mutable_consumer()->set_routing_key("");
  auto& arguments = *settings.mutable_consumer()->mutable_binding_arguments();
  arguments["x-match"] = "all";
  arguments["kind"] = "wanted";
  auto connector = Make(settings);
  auto source = Open(*connector, Each());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  connectors::OutMessage message;
  const connectors::HeaderField other{"kind", "other"};
  message.headers = std::span(&other, 1);
  EXPECT_EQ(ClassOf(Publish(*connector, message).status), ErrorClass::kNoRoute);
  const connectors::HeaderField wanted{"kind", "wanted"};
  message.headers = std::span(&wanted, 1);
  EXPECT_EQ(Publish(*connector, message).outcome, Outcome::kOk);
  Close(*source);
}

TEST_F(SettingsTest, PassiveWantsItToBeThere) {
  Settings settings = Base();
  settings.mutable_producer()->mutable_exchange()->set_declare(config::v1::DECLARE_MODE_PASSIVE);
  settings.mutable_consumer()->mutable_exchange()->set_declare(config::v1::DECLARE_MODE_PASSIVE);
  EXPECT_EQ(Refused(settings), ErrorClass::kDestinationMissing);
  EXPECT_EQ(Failing(settings).stage, "metadata");
  auto maker = Make(Base());
  ASSERT_EQ(ClassOf(Publish(*maker, "x").status), ErrorClass::kNoRoute);
  auto connector = Make(settings);
  EXPECT_EQ(ClassOf(Publish(*connector, "x").status), ErrorClass::kNoRoute);
}

TEST_F(SettingsTest, WithoutTheRightToConfigureDeclareNoneWorks) {
  auto maker = Make(Base());
  auto source = Open(*maker, Member(Qos::kAtLeastOnce));  // exchange, queue and binding
  ASSERT_TRUE(IsOk(source));
  Close(*source);
  Settings settings = Base();
  settings.mutable_security()->mutable_auth()->set_username("writer");
  settings.mutable_security()->mutable_auth()->mutable_password()->set_text("writer");
  EXPECT_EQ(Refused(settings), ErrorClass::kNotAuthorized);
  for (auto* exchange : {settings.mutable_producer()->mutable_exchange(),
                         settings.mutable_consumer()->mutable_exchange()}) {
    exchange->set_declare(config::v1::DECLARE_MODE_NONE);
  }
  settings.mutable_consumer()->mutable_queue()->set_declare(config::v1::DECLARE_MODE_NONE);
  auto connector = Make(settings);
  ASSERT_EQ(Publish(*connector, "mine").outcome, Outcome::kOk);
  auto reader = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(reader.ok()) << MessageOf(reader.status());
  const auto got = Read(**reader, 1);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ((*got)[0].content, "mine");
  Close(*reader);
}

TEST_F(SettingsTest, AQueueDeclaredDifferentlyIsConfigInvalid) {
  auto connector = Make(Base());
  auto source = Open(*connector, Member(Qos::kAuto));
  ASSERT_TRUE(IsOk(source));
  Close(*source);
  Settings settings = Base();
  settings.mutable_consumer()->mutable_queue()->mutable_expires()->set_seconds(90);
  auto other = Make(settings);
  auto refused = Open(*other, Member(Qos::kAuto));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(ClassOf(refused.status()), ErrorClass::kConfigInvalid);
  EXPECT_NE(MessageOf(refused.status()).find("x-expires"), std::string::npos);
}

TEST_F(SettingsTest, ADirectionThatIsOffIsRefused) {
  Settings settings = Base();
  settings.mutable_producer()->set_enabled(false);
  auto reader = Make(settings);
  EXPECT_FALSE(reader->capabilities().publish);
  EXPECT_EQ(ClassOf(Publish(*reader, "x").status), ErrorClass::kConfigInvalid);
  settings = Base();
  settings.clear_consumer();
  auto writer = Make(settings);
  EXPECT_FALSE(writer->capabilities().subscribe);
  EXPECT_EQ(ClassOf(Open(*writer, Each()).status()), ErrorClass::kConfigInvalid);
}

TEST_F(SettingsTest, DestinationsAreCheckedByTheGrammar) {
  auto connector = Make(Base());
  using connectors::Direction;
  EXPECT_TRUE(IsOk(connector->CheckDestination("a.b", Direction::kPublish)));
  EXPECT_TRUE(IsOk(connector->CheckDestination("a.#", Direction::kSubscribe)));
  EXPECT_FALSE(connector->CheckDestination("a.#", Direction::kPublish).ok());
  const auto refused =
      connector->CheckDestination("amq.rabbitmq.log/x", Direction::kSubscribe);
  EXPECT_EQ(ReasonOf(refused), "INVALID_DESTINATION");
}

}  // namespace
}  // namespace tidegate::rabbitmq
