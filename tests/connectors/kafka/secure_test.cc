// Every protocol and mechanism on the real broker: publish, read by each and by group, and the
// stages of the connectivity test.
#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>

#include <fstream>

#include "connectors/kafka/oauth.h"
#include "tests/connectors/kafka/broker_fixture.h"
#include "tests/support/is_ok.h"
#include "tests/support/patience.h"

namespace tidegate::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Way {
  const char* name;
  const char* listener;
  const char* security;  // @DIR @PASSWORD @SECRET @CLIENT @TOKENS @HTTPS are filled in
  const char* stages;
};

void Fill(std::string& text, const std::string& word, const std::string& value) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word)) {
    text.replace(at, word.size(), value);
  }
}

std::string Filled(std::string text) {
  Fill(text, "@DIR", BrokerTest::Dir());
  Fill(text, "@PASSWORD", BrokerTest::File("sasl.password"));
  Fill(text, "@SECRET", BrokerTest::File("token.secret"));
  Fill(text, "@CLIENT", BrokerTest::File("tls/client.password"));
  Fill(text, "@HTTPS", BrokerTest::Env("TIDEGATE_TEST_KAFKA_TOKENS_TLS"));
  Fill(text, "@TOKENS", BrokerTest::Env("TIDEGATE_TEST_KAFKA_TOKENS"));
  return text;
}

#define TRUST "trustStore: {pem: {location: @DIR/tls/ca.crt}}"

const Way kWays[] = {
    {"Plaintext", "", "protocol: plaintext", ""},
    {"Ssl", "SSL", "protocol: ssl, tls: {" TRUST "}", "tls ok, "},
    // Encrypted key; the broker knows only the root, so the whole chain must have been sent.
    {"MutualTlsPem", "MTLS",
     "protocol: ssl, tls: {" TRUST ", keyStore: {pem: {certificateChain: {file: "
     "@DIR/tls/client.crt}, location: @DIR/tls/client.key, keyPassword: @CLIENT}}}",
     "tls ok, "},
    {"MutualTlsPkcs12", "MTLS",
     "protocol: ssl, tls: {" TRUST ", keyStore: {pkcs12: {location: @DIR/tls/client.p12, "
     "password: @CLIENT, alias: client}}}",
     "tls ok, "},
    {"PlainInTheOpen", "SASL",
     "protocol: sasl-plaintext, sasl: {mechanism: plain, username: gateway, password: {file: "
     "@DIR/sasl.password}}",
     "auth ok, "},
    {"PlainWithTls", "SASL_SSL",
     "protocol: sasl-ssl, sasl: {mechanism: plain, username: gateway, password: {env: "
     "TEST_SASL_PASSWORD}}, tls: {" TRUST "}",
     "tls ok, auth ok, "},
    {"PlainByJaas", "SASL",
     "protocol: sasl-plaintext, sasl: {mechanism: plain, jaasConfig: "
     "'org.apache.kafka.common.security.plain.PlainLoginModule required username=\"gateway\" "
     "password=\"@PASSWORD\";'}",
     "auth ok, "},
    {"Scram256", "SASL",
     "protocol: sasl-plaintext, sasl: {mechanism: SCRAM_SHA-256, username: gateway, password: "
     "'@PASSWORD'}",
     "auth ok, "},
    {"Scram512ByJaasWithTls", "SASL_SSL",
     "protocol: sasl-ssl, sasl: {mechanism: scram-sha-512, jaasConfig: "
     "'org.apache.kafka.common.security.scram.ScramLoginModule required username=\"gateway\" "
     "password=\"@PASSWORD\";'}, tls: {" TRUST "}",
     "tls ok, auth ok, "},
    {"OauthFromAnEndpoint", "SASL",
     "protocol: sasl-plaintext, sasl: {mechanism: oauthbearer, oauth: {tokenEndpoint: '@TOKENS', "
     "clientId: gateway, clientSecret: '@SECRET', scopes: [kafka], extensions: {logicalCluster: "
     "lkc-1, identityPoolId: pool-1}}}",
     "auth ok, "},
    {"OauthOverHttps", "SASL",
     "protocol: sasl-plaintext, sasl: {mechanism: oauthbearer, oauth: {tokenEndpoint: '@HTTPS', "
     "clientId: gateway, clientSecret: '@SECRET', http: {connectTimeout: 2s, tls: {" TRUST "}}}}",
     "auth ok, "},
    {"OauthByJaasWithTls", "SASL_SSL",
     "protocol: sasl-ssl, sasl: {mechanism: oauthbearer, jaasConfig: "
     "'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
     "clientId=gateway clientSecret=\"@SECRET\" tokenEndpointUrl=\"@TOKENS\" "
     "extension_logicalCluster=lkc-1;'}, tls: {" TRUST "}",
     "tls ok, auth ok, "},
    {"OauthUnsigned", "UNSIGNED",
     "protocol: sasl-plaintext, sasl: {mechanism: oauthbearer, jaasConfig: "
     "'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
     "unsecuredLoginStringClaim_sub=gateway;'}",
     "auth ok, "},
    {"Kerberos", "SASL",
     "protocol: sasl-plaintext, sasl: {mechanism: gssapi, kerberos: {principal: "
     "gateway@TIDEGATE.TEST, keytab: @DIR/kdc/gateway.keytab, serviceName: kafka}}",
     "auth ok, "},
    {"KerberosByJaasWithTls", "SASL_SSL",
     "protocol: sasl-ssl, sasl: {mechanism: gssapi, jaasConfig: "
     "'com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true "
     "keyTab=\"@DIR/kdc/gateway.keytab\" principal=\"gateway@TIDEGATE.TEST\";'}, tls: {" TRUST "}",
     "tls ok, auth ok, "},
};

class SecureWay : public BrokerTest, public ::testing::WithParamInterface<Way> {};

TEST_P(SecureWay, PublishesAndReads) {
  const std::string topic = NewTopic();
  auto connector = MakeOn(GetParam().listener, Both(Filled(GetParam().security), topic));
  ASSERT_NE(connector, nullptr);
  const std::string stages = "dns ok, tcp ok, " + std::string(GetParam().stages) + "metadata ok";
  EXPECT_EQ(Stages(*connector), stages);
  EXPECT_EQ(TryPublish(*connector, "one"), "");
  EXPECT_EQ(TryPublish(*connector, "two"), "");
  EXPECT_THAT(ReadAll(*connector, 2, false), ElementsAre("one", "two"));
  EXPECT_THAT(ReadAll(*connector, 2, true), ElementsAre("one", "two"));
  EXPECT_EQ(connector->health().state, connectors::HealthState::kReady);
  // The position of a consumer is kept by handles of their own.
  connectors::Position position = *connectors::Position::Parse(topic + "@0#0");
  const std::string name = "secure.position." + topic;
  const Status stored =
      Await(worker(), connector->positions()->Store(name, position, worker()));
  EXPECT_TRUE(stored.ok()) << MessageOf(stored);
  auto loaded = Await(worker(), connector->positions()->Load(name, worker()));
  ASSERT_TRUE(loaded.ok()) << MessageOf(loaded.status());
  ASSERT_TRUE(loaded->has_value());
  EXPECT_EQ((*loaded)->Format(), topic + "@0#0");
}
INSTANTIATE_TEST_SUITE_P(Kafka, SecureWay, ::testing::ValuesIn(kWays),
                         [](const auto& info) { return std::string(info.param.name); });

class Secure : public BrokerTest {};

TEST_F(Secure, ATokenThatWasGivenAsItIs) {
  // Fetched by an independent client.
  const std::string path = ::testing::TempDir() + "token-" + NewTopic();
  const std::string command =
      "curl -s -u \"gateway:$(cat '" + Dir() + "/token.secret')\" " +
      "-d grant_type=client_credentials '" + Env("TIDEGATE_TEST_KAFKA_TOKENS") +
      "' | sed 's/.*access_token\": \"\\([^\"]*\\)\".*/\\1/' >'" + path + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const std::string topic = NewTopic();
  auto connector = MakeOn("SASL", Both("protocol: sasl-plaintext, sasl: {mechanism: oauthbearer, "
                                       "oauth: {accessToken: {file: " + path + "}}}",
                                       topic));
  ASSERT_NE(connector, nullptr);
  EXPECT_EQ(TryPublish(*connector, "one"), "");
  EXPECT_THAT(ReadAll(*connector, 1, false), ElementsAre("one"));
}

TEST_F(Secure, TicketsThatSomebodyElseKeeps) {
  const std::string topic = NewTopic();
  const std::string cache = ::testing::TempDir() + "tickets-" + topic;
  const std::string command = "kinit -k -t '" + Dir() + "/kdc/gateway.keytab' -c 'FILE:" + cache +
                              "' gateway@TIDEGATE.TEST";
  ASSERT_EQ(std::system(command.c_str()), 0);
  auto connector =
      MakeOn("SASL", Both("protocol: sasl-plaintext, sasl: {mechanism: gssapi, jaasConfig: "
                          "'com.sun.security.auth.module.Krb5LoginModule required "
                          "useTicketCache=true ticketCache=\"" + cache + "\";'}",
                          topic));
  ASSERT_NE(connector, nullptr);
  EXPECT_EQ(TryPublish(*connector, "one"), "");
  EXPECT_THAT(ReadAll(*connector, 1, false), ElementsAre("one"));
}

TEST_F(Secure, TheConfluentPresetNeedsKeyAndSecretOnly) {
  const std::string topic = NewTopic();
  auto connector =
      MakeOn("SASL_SSL", "preset: confluent, " +
                             Both(Filled("sasl: {username: gateway, password: '@PASSWORD'}, "
                                         "tls: {" TRUST "}"),
                                  topic));
  ASSERT_NE(connector, nullptr);
  EXPECT_EQ(TryPublish(*connector, "one"), "");
  EXPECT_THAT(ReadAll(*connector, 1, true), ElementsAre("one"));
}

TEST_F(Secure, SeveralTopicsByListAndByPattern) {
  const std::string first = NewTopic("many-a");
  const std::string second = NewTopic("many-b");
  const std::string end = second.substr(second.rfind('-'));
  const std::string third = NewTopic("many-c" + end);
  const std::string security = Filled(
      "security: {protocol: sasl-plaintext, sasl: {mechanism: plain, username: gateway, "
      "password: '@PASSWORD'}}, ");
  auto list = MakeOn("SASL", security + "producer: {topics: [" + first + ", " + third +
                                 "]}, consumer: {topics: [" + first + ", " + third +
                                 "], autoOffsetReset: earliest}");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(TryPublish(*list, "both"), "");  // to each of them
  EXPECT_THAT(ReadAll(*list, 2, false), ElementsAre("both", "both"));
  EXPECT_THAT(ReadAll(*list, 2, true), ElementsAre("both", "both"));
  auto pattern = MakeOn("SASL", security + "producer: {topics: " + second +
                                    "}, consumer: {topicsPattern: '^many-[bc]" + end +
                                    ".*$', autoOffsetReset: earliest}");
  ASSERT_NE(pattern, nullptr);
  EXPECT_EQ(TryPublish(*pattern, "second"), "");
  EXPECT_THAT(ReadAll(*pattern, 2, false), testing::UnorderedElementsAre("both", "second"));
  EXPECT_THAT(ReadAll(*pattern, 2, true), testing::UnorderedElementsAre("both", "second"));
  EXPECT_THAT(Stages(*pattern), HasSubstr("metadata ok"));
}

// How often the token endpoint was asked with this in its query.
int CallsWith(const std::string& mark) {
  int calls = 0;
  std::ifstream log(BrokerTest::Dir() + "/tokens.log");
  for (std::string line; std::getline(log, line);) {
    if (line.find(mark) != std::string::npos) ++calls;
  }
  return calls;
}

// Sessions of these tokens end with them: the broker cuts connections that outlive their token.
TEST_F(Secure, TokensAreFetchedAgainWhileAStreamRuns) {
  const std::string topic = NewTopic();
  const std::string mark = "life=20&of=" + topic;
  auto connector = MakeOn(
      "SASL", Both(Filled("protocol: sasl-plaintext, sasl: {mechanism: oauthbearer, oauth: "
                          "{tokenEndpoint: '@TOKENS?" + mark + "', clientId: gateway, "
                          "clientSecret: '@SECRET'}}"),
                   topic));
  ASSERT_NE(connector, nullptr);
  ASSERT_EQ(TryPublish(*connector, "m0"), "");
  auto source = Open(*connector, connectors::SourceSpec());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  const TimePoint end = Clock::now() + std::chrono::seconds(35);  // a new one comes every 16 s
  int sent = 1;
  int seen = 0;
  while (Clock::now() < end) {
    const auto got = Read(**source, static_cast<std::size_t>(sent - seen));
    ASSERT_TRUE(got.ok()) << MessageOf(got.status());
    for (const Got& one : *got) EXPECT_EQ(one.content.substr(1), std::to_string(seen++));
    Await(worker(), worker().wheel().Sleep(std::chrono::milliseconds(300)));
    ASSERT_EQ(TryPublish(*connector, "m" + std::to_string(sent)), "") << sent;
    ++sent;
  }
  Close(std::move(*source));
  EXPECT_GE(CallsWith(mark), 3);
  EXPECT_LE(CallsWith(mark), 6);
}

TEST_F(Secure, ATokenIsRenewedForWhoComesAfterATimeWithoutClients) {
  const std::string mark = "life=30&of=" + NewTopic();
  OauthSettings settings;
  settings.token_endpoint = Env("TIDEGATE_TEST_KAFKA_TOKENS") + "?" + mark;
  settings.client_id = "gateway";
  settings.client_secret = File("token.secret");
  const auto credentials = std::make_shared<OauthCredentials>(
      settings, nullptr, std::make_shared<Monitor>("test", "kafka"), worker());
  ASSERT_TRUE(IsOk(credentials->Prepare(Clock::now() + kPatience)));
  // Nobody has it when it would be renewed, at four fifths of its life.
  Await(worker(), worker().wheel().Sleep(std::chrono::seconds(25)));
  EXPECT_EQ(CallsWith(mark), 1);
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[200];
  rd_kafka_conf_set(conf, "security.protocol", "sasl_plaintext", why, sizeof(why));
  rd_kafka_conf_set(conf, "sasl.mechanism", "OAUTHBEARER", why, sizeof(why));
  rd_kafka_t* rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
  ASSERT_NE(rk, nullptr) << why;
  EXPECT_TRUE(IsOk(credentials->Prepare(Clock::now() + kPatience)));
  EXPECT_TRUE(IsOk(credentials->Attach(rk)));
  const TimePoint until = Clock::now() + kPatience;
  while (CallsWith(mark) < 2 && Clock::now() < until) {
    Await(worker(), worker().wheel().Sleep(std::chrono::milliseconds(50)));
  }
  EXPECT_EQ(CallsWith(mark), 2);
  credentials->Detach(rk);
  rd_kafka_destroy(rk);
}

}  // namespace
}  // namespace tidegate::kafka
