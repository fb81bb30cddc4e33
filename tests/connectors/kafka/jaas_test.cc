#include "connectors/kafka/jaas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/kafka/security.h"
#include "tests/support/is_ok.h"

namespace tidegate::kafka {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPlain = "org.apache.kafka.common.security.plain.PlainLoginModule ";

std::string Option(std::string_view text, const std::string& name) {
  const auto login = ParseJaas(text);
  EXPECT_TRUE(login.ok()) << MessageOf(login.status());
  if (!login.ok()) return "";
  const auto at = login->options.find(name);
  return at == login->options.end() ? "<none>" : at->second;
}

TEST(JaasTest, AnEntryAsPeopleWriteIt) {
  const auto login = ParseJaas(
      "org.apache.kafka.common.security.scram.ScramLoginModule required\n"
      "  username=\"alice\"\n  password='se;cret';\n");
  ASSERT_TRUE(login.ok()) << MessageOf(login.status());
  EXPECT_EQ(login->kind(), "ScramLoginModule");
  EXPECT_EQ(login->options.size(), 2U);
  EXPECT_EQ(login->options.at("username"), "alice");
  EXPECT_EQ(login->options.at("password"), "se;cret");
}

TEST(JaasTest, WordsEndAtSignsAndEverythingElseIsAWord) {
  EXPECT_EQ(Option("M REQUIRED a=1;", "a"), "1");
  EXPECT_EQ(Option("M Optional a=x{}[]()!?*+.,:@#%&|~^$-_\\<>;", "a"),
            "x{}[]()!?*+.,:@#%&|~^$-_\\<>");
  EXPECT_EQ(Option("M required a = b;", "a"), "b");
  EXPECT_EQ(Option("M required a=\xc3\xa9;", "a"), "\xc3\xa9");
  EXPECT_EQ(Option("M required a=b a=c;", "a"), "c");
  EXPECT_EQ(Option("M required a=\"\";", "a"), "");
}

TEST(JaasTest, QuotesKnowTheEscapesOfJava) {
  EXPECT_EQ(Option("M required a=\"q\\\"q\";", "a"), "q\"q");
  EXPECT_EQ(Option("M required a='it\\'s';", "a"), "it's");
  EXPECT_EQ(Option("M required a=\"\\n\\t\\\\\\a\\v\";", "a"), "\n\t\\\a\v");
  EXPECT_EQ(Option("M required a=\"\\101\\7\\477x\";", "a"), "A\a\x27" "7x");
  EXPECT_EQ(Option("M required a=\"/etc/x // y\";", "a"), "/etc/x // y");
  // A quote that is left open ends with its line.
  EXPECT_EQ(Option("M required a=\"open\n;", "a"), "open");
}

TEST(JaasTest, CommentsBeginWithASlashOutsideQuotes) {
  EXPECT_EQ(Option("// one\nM /* two\n two */ required / three\n a=b // four\n;", "a"), "b");
  const auto path = ParseJaas("Krb5LoginModule required keyTab=/etc/x.keytab useKeyTab=true;");
  ASSERT_FALSE(path.ok());
  EXPECT_THAT(MessageOf(path.status()), HasSubstr("begins with '/'"));
  // In the middle of a word as well: what follows on the line is gone.
  const auto middle = ParseJaas("M required a=b/c;");
  ASSERT_FALSE(middle.ok());
  EXPECT_THAT(MessageOf(middle.status()), HasSubstr("semicolon"));
}

struct Wrong {
  const char* text;
  const char* why;
};
class Refused : public ::testing::TestWithParam<Wrong> {};
TEST_P(Refused, WithWhatIsMissingAndNothingOfWhatIsThere) {
  const auto login = ParseJaas(GetParam().text);
  ASSERT_FALSE(login.ok()) << GetParam().text;
  const std::string text = MessageOf(login.status());
  EXPECT_THAT(text, HasSubstr(GetParam().why));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_EQ(login.status().code(), absl::StatusCode::kInvalidArgument);
}
INSTANTIATE_TEST_SUITE_P(
    Jaas, Refused,
    ::testing::Values(Wrong{"", "no login module"}, Wrong{"  // nothing", "no login module"},
                      Wrong{"= required;", "no login module"}, Wrong{"M", "no control flag"},
                      Wrong{"M;", "no control flag"}, Wrong{"M maybe;", "the control flag is one"},
                      Wrong{"M required", "semicolon"},
                      Wrong{"M required password=hunter2", "semicolon"},
                      Wrong{"M required password=my hunter2;", "option 2 has no value"},
                      Wrong{"M required password=;", "option 1 has no value"},
                      Wrong{"M required password", "option 1 has no value"},
                      Wrong{"M required =hunter2;", "option 1 has no name"},
                      Wrong{"M required a=b; N required password=hunter2;", "only one"}));

// --- what the modules' options mean

StatusOr<SecuritySettings> Apply(Mechanism mechanism, const std::string& text) {
  auto login = ParseJaas(text);
  if (!login.ok()) return login.status();
  SecuritySettings out;
  out.mechanism = mechanism;
  const Status status = ApplyJaas(*login, out);
  if (!status.ok()) return status;
  return out;
}

std::string WhyNot(Mechanism mechanism, const std::string& text) {
  const auto applied = Apply(mechanism, text);
  return applied.ok() ? "accepted" : MessageOf(applied.status());
}

TEST(JaasLoginTest, PlainAndScram) {
  const auto plain =
      Apply(Mechanism::kPlain, kPlain + std::string("required username=u password=p;"));
  ASSERT_TRUE(IsOk(plain));
  EXPECT_EQ(plain->username, "u");
  EXPECT_EQ(plain->password, "p");
  EXPECT_TRUE(IsOk(
      Apply(Mechanism::kScramSha512, "x.ScramLoginModule required username=u password=p;")));
  EXPECT_THAT(WhyNot(Mechanism::kPlain, "PlainLoginModule required username=u;"),
              HasSubstr("needs username and password"));
  EXPECT_THAT(WhyNot(Mechanism::kScramSha256,
                     "ScramLoginModule required username=u password=p tokenauth=\"true\";"),
              HasSubstr("tokenauth"));
}

TEST(JaasLoginTest, AModuleOfAnotherMechanismIsRefused) {
  EXPECT_THAT(WhyNot(Mechanism::kScramSha256, "PlainLoginModule required username=u password=p;"),
              HasSubstr("does not fit the mechanism SCRAM-SHA-256"));
  const std::string text =
      WhyNot(Mechanism::kPlain, "software.amazon.msk.auth.iam.IAMLoginModule required;");
  EXPECT_THAT(text, HasSubstr("OAuthBearerLoginModule"));
  EXPECT_THAT(text, HasSubstr("is not one of"));
}

TEST(JaasLoginTest, AnUnknownOptionIsNamedByItsNearestOnly) {
  const std::string text =
      WhyNot(Mechanism::kPlain, "PlainLoginModule required usernam=u password=hunter2;");
  EXPECT_THAT(text, HasSubstr("did you mean username?"));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
}

TEST(JaasLoginTest, OauthTakesTheNamesOfKafkaAndOfStrimzi) {
  const auto kafka = Apply(Mechanism::kOauthBearer,
                           "OAuthBearerLoginModule required clientId=c clientSecret=s scope=kafka "
                           "tokenEndpointUrl=\"https://idp/token\" "
                           "extension_logicalCluster=lkc-1;");
  ASSERT_TRUE(kafka.ok()) << MessageOf(kafka.status());
  EXPECT_EQ(kafka->oauth.client_id, "c");
  EXPECT_EQ(kafka->oauth.client_secret, "s");
  EXPECT_EQ(kafka->oauth.scope, "kafka");
  EXPECT_EQ(kafka->oauth.token_endpoint, "https://idp/token");
  ASSERT_EQ(kafka->oauth.extensions.size(), 1U);
  EXPECT_EQ(kafka->oauth.extensions[0].first, "logicalCluster");
  const auto strimzi = Apply(Mechanism::kOauthBearer,
                             "OAuthBearerLoginModule required oauth.client.id=c "
                             "oauth.client.secret=s oauth.token.endpoint.uri='http://idp/t';");
  ASSERT_TRUE(strimzi.ok()) << MessageOf(strimzi.status());
  EXPECT_EQ(strimzi->oauth.token_endpoint, "http://idp/t");
  const auto fixed =
      Apply(Mechanism::kOauthBearer, "OAuthBearerLoginModule required access_token=abc;");
  ASSERT_TRUE(IsOk(fixed));
  EXPECT_EQ(fixed->oauth.access_token, "abc");
}

TEST(JaasLoginTest, AnUnsecuredTokenNeedsItsPrincipal) {
  const auto token = Apply(Mechanism::kOauthBearer,
                           "OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=dev "
                           "unsecuredLoginNumberClaim_level=3 unsecuredLoginListClaim_roles='|a|b' "
                           "unsecuredLoginLifetimeSeconds=60;");
  ASSERT_TRUE(token.ok()) << MessageOf(token.status());
  EXPECT_EQ(token->oauth.unsecured_claims.size(), 3U);
  EXPECT_EQ(token->oauth.unsecured_life, std::chrono::seconds(60));
  EXPECT_THAT(WhyNot(Mechanism::kOauthBearer,
                     "OAuthBearerLoginModule required unsecuredLoginStringClaim_name=dev;"),
              HasSubstr("needs a claim of the principal"));
  EXPECT_THAT(WhyNot(Mechanism::kOauthBearer,
                     "OAuthBearerLoginModule required unsecuredLoginNumberClaim_n='1}, x';"),
              HasSubstr("not a number"));
}

TEST(JaasLoginTest, KerberosFromAKeyTableOrACache) {
  const auto keytab = Apply(Mechanism::kGssapi,
                            "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true "
                            "storeKey=true keyTab=\"/etc/k.keytab\" principal=\"g@R\" "
                            "serviceName=broker;");
  ASSERT_TRUE(keytab.ok()) << MessageOf(keytab.status());
  EXPECT_EQ(keytab->kerberos.keytab, "/etc/k.keytab");
  EXPECT_EQ(keytab->kerberos.principal, "g@R");
  EXPECT_EQ(keytab->kerberos.service, "broker");
  const auto cache = Apply(Mechanism::kGssapi,
                           "Krb5LoginModule required useTicketCache=true ticketCache='/tmp/cc';");
  ASSERT_TRUE(IsOk(cache));
  EXPECT_EQ(cache->kerberos.ticket_cache, "/tmp/cc");
  EXPECT_THAT(WhyNot(Mechanism::kGssapi, "Krb5LoginModule required useKeyTab=true;"),
              HasSubstr("needs keyTab and principal"));
  EXPECT_THAT(WhyNot(Mechanism::kGssapi, "Krb5LoginModule required debug=true;"),
              HasSubstr("useKeyTab=true or useTicketCache=true"));
}

}  // namespace
}  // namespace tidegate::kafka
