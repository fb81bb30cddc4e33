// What is wrong is said: each wrong credential, certificate, right and topic on the real broker, as
// the publisher, the reader, the health and the connectivity test see it.
#include <gmock/gmock.h>

#include <fstream>

#include "connectors/kafka/kerberos.h"
#include "tests/connectors/kafka/broker_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::kafka {
namespace {

using connectors::HealthState;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Refused : public BrokerTest {
 protected:
  // All ways in say `error_class` and `text`, and the test ends at `stage`.
  void Expect(const std::string& listener, const std::string& security,
              const std::string& error_class, const std::string& text, const std::string& stage) {
    auto connector = MakeOn(listener, Both(security, topic_));
    ASSERT_NE(connector, nullptr);
    const auto said =
        AllOf(StartsWith(error_class + ": "), HasSubstr(text), Not(HasSubstr("hunter2")));
    EXPECT_THAT(TryOpen(*connector), said);
    const connectors::Health health = connector->health();
    EXPECT_EQ(health.state, HealthState::kFailed);
    EXPECT_EQ(NameOf(health.last_error), error_class);
    EXPECT_THAT(health.last_error_text, HasSubstr(text));
    EXPECT_THAT(TryPublish(*connector, "x"), said);
    const std::string stages = Stages(*connector);
    EXPECT_THAT(stages, HasSubstr(stage + " failed: "));
    EXPECT_THAT(stages, HasSubstr(text));
    EXPECT_THAT(stages, Not(HasSubstr("hunter2")));
  }
  std::string Tls(const std::string& more) const {
    return "protocol: ssl, tls: {" + more + "}";
  }
  std::string Trust() const { return "trustStore: {pem: {location: " + Dir() + "/tls/ca.crt}}"; }
  std::string Sasl(const std::string& sasl) const {
    return "protocol: sasl-plaintext, sasl: {mechanism: " + sasl + "}";
  }

  void SetUp() override {
    BrokerTest::SetUp();
    topic_ = NewTopic("refused");
  }
  // The configuration that MakeOn would use, for another address.
  KafkaConfig Config(const std::string& bootstrap, const std::string& trust) const {
    KafkaConfig config;
    config.bootstrap = bootstrap;
    config.consumer.enabled = true;
    config.consumer.topics = {topic_};
    config.consumer.reset = Reset::kEarliest;
    config.security.tls = true;
    config.security.trust_pem = trust;
    return config;
  }
  std::string topic_;
};

TEST_F(Refused, AWrongPassword) {
  for (const char* mechanism : {"plain", "scram-sha-256", "scram-sha-512"}) {
    Expect("SASL", Sasl(mechanism + std::string(", username: gateway, password: hunter2")),
           "AuthFailed", "Authentication failed", "auth");
  }
}

TEST_F(Refused, AWrongPasswordIsNotTriedAgainAtOnce) {
  auto connector =
      MakeOn("SASL", Both(Sasl("plain, username: gateway, password: hunter2"), topic_));
  ASSERT_NE(connector, nullptr);
  EXPECT_THAT(TryOpen(*connector), StartsWith("AuthFailed: "));
  const std::uint64_t failures = connector->health().connect_failures;
  for (int i = 0; i < 20; ++i) EXPECT_THAT(TryOpen(*connector), StartsWith("AuthFailed: "));
  EXPECT_LE(connector->health().connect_failures, failures + 3);
}

TEST_F(Refused, AnAuthorityThatIsNotTrusted) {
  Expect("SSL", Tls("trustStore: {pem: {location: " + Dir() + "/tls/other-ca.crt}}"), "TlsFailed",
         "is not trusted", "tls");
}

TEST_F(Refused, AnExpiredCertificate) {
  Expect("EXPIRED", Tls(Trust()), "TlsFailed", "has expired", "tls");
}

TEST_F(Refused, ACertificateOfAnotherName) {
  const std::string port = Address("SSL").substr(Address("SSL").find(':'));
  auto connector = MakeOn("SSL", "properties: {broker.address.family: v4}, " +
                                     Both(Tls(Trust()), topic_));
  ASSERT_NE(connector, nullptr);
  EXPECT_EQ(TryOpen(*connector), "");
  KafkaConfig config = Config("localhost" + port, File("tls/ca.crt"));
  auto other = Make(config);
  EXPECT_THAT(TryOpen(*other), AllOf(StartsWith("TlsFailed: "), HasSubstr("another name")));
  config.security.verify_hostname = false;
  EXPECT_EQ(TryOpen(*Make(config)), "");
  config.security.verify_hostname = true;
  config.security.trust_all = true;
  EXPECT_EQ(TryOpen(*Make(config)), "");
}

TEST_F(Refused, WithoutAClientCertificate) {
  auto connector = MakeOn("MTLS", Both(Tls(Trust()), topic_));
  ASSERT_NE(connector, nullptr);
  const std::string said = TryOpen(*connector);
  EXPECT_THAT(said, AllOf(StartsWith("TlsFailed: "), HasSubstr("wants a certificate"))) << said;
}

TEST_F(Refused, ATokenEndpointThatDoesNotKnowUs) {
  const std::string tokens = Env("TIDEGATE_TEST_KAFKA_TOKENS");
  Expect("SASL",
         Sasl("oauthbearer, oauth: {tokenEndpoint: '" + tokens +
              "', clientId: gateway, clientSecret: hunter2}"),
         "AuthFailed", "answered 401 invalid_client", "auth");
}

TEST_F(Refused, TokenEndpointsThatDoNotWork) {
  const std::string tokens = Env("TIDEGATE_TEST_KAFKA_TOKENS");
  const std::string base = tokens.substr(0, tokens.rfind('/'));
  const auto said = [&](const std::string& url, const std::string& patience = "4s") {
    auto connector = MakeOn("SASL", Both(Sasl("oauthbearer, oauth: {tokenEndpoint: '" + url +
                                              "', clientId: gateway, clientSecret: '" +
                                              File("token.secret") +
                                              "', http: {readTimeout: " + patience + "}}"),
                                         topic_));
    if (connector == nullptr) return std::string("not made");
    const std::string opened = TryOpen(*connector);
    EXPECT_EQ(connector->health().state, HealthState::kFailed) << opened;
    EXPECT_THAT(connector->health().last_error_text, HasSubstr("kafka token: ")) << opened;
    return opened;
  };
  EXPECT_THAT(said(base + "/broken"), AllOf(StartsWith("AuthFailed"), HasSubstr("not a JSON")));
  EXPECT_THAT(said(base + "/empty"), AllOf(StartsWith("AuthFailed"), HasSubstr("no access_token")));
  EXPECT_THAT(said(base + "/failing"),
              AllOf(StartsWith("ConnectFailed"), HasSubstr("answered 503")));
  EXPECT_THAT(said(base + "/slow", "1s"),
              AllOf(StartsWith("Timeout"), HasSubstr("no answer in time")));
  EXPECT_THAT(said("http://127.0.0.1:1/t"), StartsWith("ConnectFailed: kafka token: "));
  // The system's authorities do not know the endpoint's.
  EXPECT_THAT(said(Env("TIDEGATE_TEST_KAFKA_TOKENS_TLS")), StartsWith("TlsFailed: kafka token: "));
}

TEST_F(Refused, ATokenThatTheBrokerDoesNotTake) {
  Expect("SASL", Sasl("oauthbearer, oauth: {accessToken: 'bm90.YQ.dG9rZW4'}"), "AuthFailed", "",
         "auth");
}

TEST_F(Refused, KerberosWithAWrongKeyAndAnUnknownPrincipal) {
  const auto kerberos = [&](const std::string& principal, const std::string& keytab) {
    return Sasl("gssapi, kerberos: {principal: " + principal + ", keytab: " + Dir() + "/kdc/" +
                keytab + "}");
  };
  Expect("SASL", kerberos("gateway@TIDEGATE.TEST", "stranger.keytab"), "AuthFailed",
         "kerberos: tickets of gateway@TIDEGATE.TEST", "auth");
  auto missing = MakeOn("SASL", Both(kerberos("gateway@TIDEGATE.TEST", "brief.keytab"), topic_));
  ASSERT_NE(missing, nullptr);
  EXPECT_THAT(TryOpen(*missing), StartsWith("ConfigInvalid: kerberos: tickets of gateway"));
  missing.reset();
  auto realm = MakeOn("SASL", Both(kerberos("gateway@NOWHERE.TEST", "gateway.keytab"), topic_));
  ASSERT_NE(realm, nullptr);
  EXPECT_THAT(TryOpen(*realm), HasSubstr("kerberos: tickets of gateway@NOWHERE.TEST"));
}

TEST_F(Refused, ASecondKerberosPrincipal) {
  const auto kerberos = [&](const std::string& principal) {
    return Both(Sasl("gssapi, kerberos: {principal: " + principal + "@TIDEGATE.TEST, keytab: " +
                     Dir() + "/kdc/" + principal + ".keytab}"),
                topic_);
  };
  auto first = TryMake("SASL", kerberos("gateway"), "first");
  ASSERT_TRUE(first.ok()) << MessageOf(first.status());
  EXPECT_TRUE(IsOk(TryMake("SASL", kerberos("gateway"), "second")));
  const auto other = TryMake("SASL", kerberos("brief"), "second");
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(MessageOf(other.status()), HasSubstr("another Kerberos principal"));
  EXPECT_EQ(ReasonOf(other.status()), "KERBEROS_IDENTITY");
  // The same endpoint, changed.
  EXPECT_TRUE(IsOk(TryMake("SASL", kerberos("brief"), "first")));
}

TEST_F(Refused, RightsThatAreMissing) {
  const std::string mine = NewTopic("acl");
  const std::string seen = NewTopic("acl");
  Allow("gateway", mine, false);
  Allow("gateway", seen, true);
  const std::string stranger = Sasl("plain, username: stranger, password: '" +
                                    File("sasl.password") + "'");
  const std::string gateway = Sasl("plain, username: gateway, password: '" +
                                   File("sasl.password") + "'");
  EXPECT_EQ(TryPublish(*MakeOn("SASL", Both(gateway, mine)), "x"), "");
  auto hidden = MakeOn("SASL", Both(stranger, mine));
  EXPECT_THAT(TryOpen(*hidden),
              AllOf(StartsWith("NotAuthorized: "), HasSubstr(mine), HasSubstr("authorization")));
  EXPECT_THAT(TryPublish(*hidden, "x"), StartsWith("NotAuthorized: "));
  EXPECT_THAT(Stages(*hidden), HasSubstr("auth ok, metadata failed: "));
  // The login was fine: the endpoint is not down for others' topics.
  EXPECT_NE(hidden->health().state, HealthState::kFailed);
  auto readable = MakeOn("SASL", Both(stranger, seen));
  EXPECT_THAT(TryPublish(*readable, "x"), StartsWith("NotAuthorized: "));
}

TEST_F(Refused, AGroupThatBelongsToSomebodyElse) {
  const std::string group = "private-" + topic_;
  AllowGroup("gateway", group);
  auto connector = MakeOn("SASL", Both(Sasl("plain, username: stranger, password: '" +
                                            File("sasl.password") + "'"),
                                       topic_));
  ASSERT_NE(connector, nullptr);
  connectors::SourceSpec spec;
  spec.share = connectors::Share::kGroup;
  spec.group = group;
  spec.qos = connectors::Qos::kAtLeastOnce;
  auto source = Open(*connector, std::move(spec));
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  const auto got = Read(**source, 1);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(ClassOf(got.status()), ErrorClass::kNotAuthorized) << MessageOf(got.status());
  EXPECT_THAT(MessageOf(got.status()), HasSubstr("Group authorization failed"));
  Close(std::move(*source));
}

TEST_F(Refused, ATopicThatIsMissing) {
  const std::string gateway = Sasl("plain, username: gateway, password: '" +
                                   File("sasl.password") + "'");
  auto connector =
      MakeOn("SASL", "security: {" + gateway + "}, producer: {topics: no-such-topic}, consumer: "
                     "{topics: no-such-topic, checkTopicExistence: true}");
  ASSERT_NE(connector, nullptr);
  EXPECT_THAT(TryOpen(*connector),
              AllOf(StartsWith("DestinationMissing: "), HasSubstr("no-such-topic")));
  EXPECT_THAT(TryPublish(*connector, "x"), StartsWith("DestinationMissing: "));
  EXPECT_THAT(Stages(*connector),
              EndsWith("auth ok, metadata failed: no-such-topic does not exist"));
}

TEST_F(Refused, ABrokerThatSpeaksAnotherProtocol) {
  auto connector = MakeOn("SSL", Both("protocol: plaintext", topic_));
  ASSERT_NE(connector, nullptr);
  EXPECT_THAT(TryOpen(*connector), StartsWith("ConnectFailed: "));
  EXPECT_THAT(connector->health().last_error_text, HasSubstr("security.protocol"));
}

TEST_F(Refused, APasswordThatIsRightAgainHealsTheEndpoint) {
  const std::string path = ::testing::TempDir() + "password-" + topic_;
  const auto make = [&](const std::string& password) {
    std::ofstream(path) << password << "\n";
    return MakeOn("SASL",
                  Both(Sasl("plain, username: gateway, password: {file: " + path + "}"), topic_));
  };
  EXPECT_THAT(TryOpen(*make("hunter2")), StartsWith("AuthFailed: "));
  auto right = make(File("sasl.password"));
  EXPECT_EQ(TryOpen(*right), "");
  EXPECT_EQ(right->health().state, HealthState::kReady);
}

TEST_F(Refused, TicketsAreRenewedBeforeTheyEnd) {
  KerberosSettings settings;
  settings.principal = "brief@TIDEGATE.TEST";
  settings.keytab = Dir() + "/kdc/brief.keytab";
  auto monitor = std::make_shared<Monitor>("test", "tickets");
  auto made = KerberosCredentials::Make(settings, "test/tickets", monitor, worker());
  ASSERT_TRUE(made.ok()) << MessageOf(made.status());
  const Status prepared = (*made)->Prepare(Clock::now() + std::chrono::seconds(5));
  ASSERT_TRUE(prepared.ok()) << MessageOf(prepared);
  const std::int64_t first = (*made)->expires_unix_s();
  int handle = 0;
  ASSERT_TRUE(IsOk((*made)->Attach(reinterpret_cast<rd_kafka_t*>(&handle))));  // NOLINT: a name
  const TimePoint end = Clock::now() + std::chrono::seconds(40);
  while ((*made)->expires_unix_s() == first && Clock::now() < end) {
    Await(worker(), worker().wheel().Sleep(std::chrono::milliseconds(200)));
  }
  EXPECT_GT((*made)->expires_unix_s(), first);
  (*made)->Detach(reinterpret_cast<rd_kafka_t*>(&handle));  // NOLINT: a name
}

}  // namespace
}  // namespace tidegate::kafka
