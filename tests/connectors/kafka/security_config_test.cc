// The security block of a Kafka endpoint, from YAML as people write it to what the library is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/kafka/conf.h"
#include "connectors/kafka/kafka_config.h"
#include "server/config/secrets.h"
#include "server/config/yaml_reader.h"
#include "tests/support/is_ok.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/kafka.pb.h"

namespace tidegate::kafka {
namespace {

namespace pb = ::tidegate::config::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// `settings` stands in the flow mapping of a kafka endpoint.
pb::KafkaEndpoint Parse(const std::string& settings) {
  config::Violations violations;
  const auto documents = config::ReadText(
      "t.yaml",
      "kind: Api\nname: a\nendpointGroups: [{name: g, endpoints: [{name: e, kafka: {"
      "bootstrapServers: 'k:9092', consumer: {topics: t}, " + settings + "}}]}]\n",
      "", violations);
  for (const config::Violation& violation : violations) ADD_FAILURE() << ToText(violation);
  const auto& api = static_cast<const pb::Api&>(*documents.at(0).message);
  return api.endpoint_groups(0).endpoints(0).kafka();
}

KafkaConfig Read(const std::string& settings) {
  auto config = ReadKafkaConfig(Parse(settings));
  EXPECT_TRUE(config.ok()) << MessageOf(config.status());
  if (!config.ok()) return KafkaConfig();
  const Status accepted = CheckConf(*config);
  EXPECT_TRUE(accepted.ok()) << MessageOf(accepted);
  return *config;
}

std::string Why(const std::string& settings) {
  const auto config = ReadKafkaConfig(Parse(settings));
  return config.ok() ? "accepted" : MessageOf(config.status());
}

TEST(SecurityConfigTest, WithoutASecurityBlockNothingIsSecured) {
  const KafkaConfig config = Read("properties: {}");
  EXPECT_EQ(config.security.protocol(), "PLAINTEXT");
  EXPECT_EQ(config.security.mechanism, Mechanism::kNone);
}

TEST(SecurityConfigTest, PasswordsOfEachMechanism) {
  const struct {
    const char* word;
    Mechanism mechanism;
  } rows[] = {{"plain", Mechanism::kPlain},
              {"SCRAM_SHA-256", Mechanism::kScramSha256},  // as the reference spells it
              {"SCRAM-SHA-512", Mechanism::kScramSha512}};
  for (const auto& row : rows) {
    const KafkaConfig config = Read("security: {protocol: sasl-plaintext, sasl: {mechanism: " +
                                    std::string(row.word) + ", username: u, password: p}}");
    EXPECT_EQ(config.security.protocol(), "SASL_PLAINTEXT") << row.word;
    EXPECT_EQ(config.security.mechanism, row.mechanism) << row.word;
    EXPECT_EQ(config.security.username, "u");
    EXPECT_EQ(config.security.password, "p");
  }
}

TEST(SecurityConfigTest, AJaasTextInsteadOfFields) {
  const KafkaConfig config =
      Read("security: {protocol: sasl-ssl, sasl: {mechanism: scram-sha-512, jaasConfig: "
           "'x.ScramLoginModule required username=u password=p;'}}");
  EXPECT_EQ(config.security.protocol(), "SASL_SSL");
  EXPECT_EQ(config.security.username, "u");
  EXPECT_THAT(Why("security: {protocol: sasl-ssl, sasl: {mechanism: plain, username: u, "
                  "jaasConfig: 'PlainLoginModule required username=u password=hunter2;'}}"),
              HasSubstr("security.sasl.username: cannot stand beside jaasConfig"));
  const std::string wrong =
      Why("security: {protocol: sasl-ssl, sasl: {mechanism: plain, jaasConfig: "
          "'PlainLoginModule required password=hunter2'}}");
  EXPECT_THAT(wrong, HasSubstr("security.sasl.jaasConfig: JAAS config: the entry does not end"));
  EXPECT_THAT(wrong, Not(HasSubstr("hunter2")));
}

TEST(SecurityConfigTest, TokensFromAnEndpointWithExtensions) {
  const KafkaConfig config = Read(
      "preset: confluent, security: {sasl: {mechanism: oauthbearer, oauth: {tokenEndpoint: "
      "'https://idp/token', clientId: gateway, clientSecret: s, scopes: [a, b], extensions: "
      "{logicalCluster: lkc-1, identityPoolId: pool-1}, http: {requestTimeout: 5s}}}}");
  EXPECT_EQ(config.security.protocol(), "SASL_SSL");  // the preset's
  const OauthSettings& oauth = config.security.oauth;
  EXPECT_EQ(oauth.scope, "a b");
  EXPECT_EQ(oauth.client_secret, "s");
  EXPECT_EQ(oauth.request_timeout, std::chrono::seconds(5));
  EXPECT_THAT(oauth.extensions,
              ElementsAre(testing::Pair("identityPoolId", "pool-1"),
                          testing::Pair("logicalCluster", "lkc-1")));
}

TEST(SecurityConfigTest, TheConfluentPresetFillsWhatIsNotSaid) {
  const KafkaConfig config =
      Read("preset: confluent, security: {sasl: {username: key, password: secret}}");
  EXPECT_EQ(config.security.protocol(), "SASL_SSL");
  EXPECT_EQ(config.security.mechanism, Mechanism::kPlain);
  EXPECT_THAT(config.properties, ElementsAre(testing::Pair("connections.max.idle.ms", "180000")));
  const KafkaConfig own = Read(
      "preset: confluent, properties: {connections.max.idle.ms: '5'}, security: {protocol: "
      "sasl-plaintext, sasl: {mechanism: scram-sha-256, username: u, password: p}}");
  EXPECT_EQ(own.security.protocol(), "SASL_PLAINTEXT");
  EXPECT_THAT(own.properties, ElementsAre(testing::Pair("connections.max.idle.ms", "5")));
  EXPECT_THAT(Why("preset: confluent"), HasSubstr("security.sasl: is required"));
}

TEST(SecurityConfigTest, KerberosFromFields) {
  const KafkaConfig config =
      Read("security: {protocol: sasl-plaintext, sasl: {mechanism: gssapi, kerberos: {principal: "
           "g@EXAMPLE.COM, keytab: /secrets/g.keytab}}}");
  EXPECT_EQ(config.security.kerberos.principal, "g@EXAMPLE.COM");
  EXPECT_EQ(config.security.kerberos.service, "kafka");
  EXPECT_THAT(Why("security: {protocol: sasl-plaintext, sasl: {mechanism: gssapi, kerberos: "
                  "{principal: '$(id)', keytab: x}}}"),
              HasSubstr("security.sasl.kerberos.principal: has letters"));
}

TEST(SecurityConfigTest, WhatWouldHaveNoEffectIsRefused) {
  EXPECT_THAT(Why("security: {sasl: {mechanism: plain, username: u, password: p}}"),
              HasSubstr("security.sasl: needs the protocol sasl-plaintext or sasl-ssl"));
  EXPECT_THAT(Why("security: {protocol: ssl, sasl: {mechanism: plain}}"),
              HasSubstr("security.sasl: needs the protocol"));
  EXPECT_THAT(Why("security: {tls: {trustAll: true}}"),
              HasSubstr("security.tls: needs the protocol ssl or sasl-ssl"));
  EXPECT_THAT(Why("security: {protocol: sasl-ssl}"), HasSubstr("security.sasl: is required"));
  EXPECT_THAT(Why("security: {protocol: sasl-ssl, sasl: {username: u}}"),
              HasSubstr("security.sasl.mechanism: is required"));
  EXPECT_THAT(Why("security: {protocol: sasl-ssl, sasl: {mechanism: plain}}"),
              HasSubstr("security.sasl.password: is required"));
  EXPECT_THAT(Why("security: {protocol: sasl-ssl, sasl: {mechanism: oauthbearer, username: u, "
                  "oauth: {accessToken: t}}}"),
              HasSubstr("security.sasl.username: is for plain and scram"));
  EXPECT_THAT(Why("security: {protocol: sasl-ssl, sasl: {mechanism: plain, username: u, password: "
                  "p, kerberos: {principal: a, keytab: /b}}}"),
              HasSubstr("security.sasl.kerberos: is for gssapi"));
  EXPECT_THAT(Why("security: {protocol: sasl-ssl, sasl: {mechanism: oauthbearer, oauth: "
                  "{tokenEndpoint: 'http://idp/t', clientId: c, clientSecret: s, extensions: "
                  "{auth: x}}}}"),
              HasSubstr("security.sasl.oauth.extensions: a name has letters only"));
  EXPECT_THAT(Why("security: {protocol: sasl-ssl, sasl: {mechanism: oauthbearer, oauth: "
                  "{tokenEndpoint: 'http://idp/t', clientId: c, clientSecret: s, http: {proxy: "
                  "{system: {}}, version: http2, idleTimeout: 1s, tls: {trustAll: true}}}}}"),
              testing::AllOf(HasSubstr("http.proxy"), HasSubstr("http.version"),
                             HasSubstr("idleTimeout"), HasSubstr("http.tls: needs a token")));
  EXPECT_THAT(Why("security: {protocol: sasl-ssl, sasl: {mechanism: oauthbearer}}"),
              HasSubstr("security.sasl.oauth.tokenEndpoint: is required"));
}

TEST(SecurityConfigTest, TlsStoresBecomeTheLibrarysSettings) {
  const config::SecretResolver secrets(config::SecretRules{});
  const auto config = ReadKafkaConfig(
      Parse("security: {protocol: ssl, tls: {verifyHostname: false, trustAll: true}}"), &secrets);
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  EXPECT_TRUE(config->security.trust_all);
  EXPECT_FALSE(config->security.verify_hostname);
  EXPECT_TRUE(IsOk(CheckConf(*config)));
  const auto tls13 =
      ReadKafkaConfig(Parse("security: {protocol: ssl, tls: {minVersion: tls13}}"), &secrets);
  ASSERT_TRUE(tls13.ok()) << MessageOf(tls13.status());
  EXPECT_TRUE(tls13->security.only_tls13);
  EXPECT_TRUE(IsOk(CheckConf(*tls13)));
  const auto garbage = ReadKafkaConfig(
      Parse("security: {protocol: ssl, tls: {trustStore: {pem: {certificates: hunter2}}}}"),
      &secrets);
  ASSERT_FALSE(garbage.ok());
  EXPECT_THAT(MessageOf(garbage.status()), HasSubstr("security.tls: trustStore.pem"));
  EXPECT_THAT(MessageOf(garbage.status()), Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace tidegate::kafka
