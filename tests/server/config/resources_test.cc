// Names, secrets, redaction, unknown fields, differences.
#include <gmock/gmock.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "server/config/diff.h"
#include "server/config/names.h"
#include "server/config/redact.h"
#include "server/config/secrets.h"
#include "server/config/unknown_fields.h"
#include "server/config/yaml_reader.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::config {
namespace {

using ::testing::HasSubstr;

TEST(Names, ParseAndFormat) {
  for (const char* text :
       {"apis/orders", "apis/orders/plans/gold", "apis/orders/pages/a", "apis/orders/revisions/7",
        "apis/orders/revisions/latest", "applications/b", "apis/orders/subscriptions/s",
        "apis/orders/subscriptions/s/apiKeys/main"}) {
    const auto name = ParseName(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(FormatName(*name), text);
  }
  for (const char* text : {"", "apis", "apis/", "apis/A", "apis/a/", "/apis/a", "apis/a/plans",
                           "apis/a/plans/-x", "things/a", "apis/a/revisions/x", "apis/a/plans/b/c",
                           "apis/../plans/b", "applications/a/plans/b"}) {
    EXPECT_FALSE(ParseName(text)) << text;
  }
  EXPECT_EQ(ApiKeyName("a", "s", "k"), "apis/a/subscriptions/s/apiKeys/k");
  EXPECT_EQ(LocalPart("apis/a/plans/b"), "b");
}

TEST(Names, Qualify) {
  EXPECT_EQ(QualifyName(ResourceKind::kPlan, "apis/a", "gold").value(), "apis/a/plans/gold");
  EXPECT_EQ(QualifyName(ResourceKind::kPlan, "apis/a", "apis/a/plans/gold").value(),
            "apis/a/plans/gold");
  EXPECT_FALSE(QualifyName(ResourceKind::kPlan, "apis/a", "apis/ab/plans/gold").ok());
  EXPECT_FALSE(QualifyName(ResourceKind::kPlan, "apis/a", "applications/x").ok());
  EXPECT_FALSE(QualifyName(ResourceKind::kApi, "", "No").ok());
}

class Secrets : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tidegate-secrets-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
    ASSERT_EQ(mkdir((root_ + "/in").c_str(), 0700), 0);
    std::ofstream(root_ + "/in/key") << "CANARY\n";
    std::ofstream(root_ + "/out") << "CANARY\n";
    ASSERT_EQ(symlink((root_ + "/out").c_str(), (root_ + "/in/link").c_str()), 0);
    setenv("TIDEGATE_TEST_SECRET", "CANARY", 1);
  }
  void TearDown() override {
    for (const char* file : {"/in/key", "/in/link", "/out"}) unlink((root_ + file).c_str());
    rmdir((root_ + "/in").c_str());
    rmdir(root_.c_str());
    unsetenv("TIDEGATE_TEST_SECRET");
  }
  SecretResolver Resolver(std::vector<std::string> env) {
    SecretRules rules;
    rules.files = {root_ + "/in"};
    rules.env = std::move(env);
    return SecretResolver(rules);
  }
  std::string root_;
};

TEST_F(Secrets, ReadsWhatIsAllowed) {
  const SecretResolver resolver = Resolver({"TIDEGATE_*"});
  EXPECT_EQ(resolver.Env("TIDEGATE_TEST_SECRET").value(), "CANARY");
  EXPECT_EQ(resolver.File(root_ + "/in/key").value(), "CANARY");
}

TEST_F(Secrets, RefusesTheRest) {
  const SecretResolver resolver = Resolver({"OTHER_*", "TIDEGATE"});
  EXPECT_EQ(ReasonOf(resolver.Env("TIDEGATE_TEST_SECRET").status()), "SECRET_UNRESOLVED");
  EXPECT_EQ(ReasonOf(Resolver({"*"}).Env("TIDEGATE_TEST_NONE").status()), "SECRET_UNRESOLVED");
  for (const std::string& path :
       {root_ + "/out", root_ + "/in/link", root_ + "/in/../out", root_ + "/in/none",
        std::string("in/key"), root_ + "/in"}) {
    const auto read = resolver.File(path);
    EXPECT_EQ(ReasonOf(read.status()), "SECRET_UNRESOLVED") << path;
    EXPECT_THAT(MessageOf(read.status()), ::testing::Not(HasSubstr("CANARY")));
  }
}

TEST_F(Secrets, ResolvesEveryReferenceOfAMessage) {
  v1::Subscription subscription;
  subscription.add_api_keys()->mutable_key()->set_env("TIDEGATE_TEST_SECRET");
  subscription.add_api_keys()->mutable_key()->set_file(root_ + "/in/key");
  subscription.add_api_keys()->mutable_key()->set_env("TIDEGATE_TEST_NONE");
  EXPECT_EQ(ReferencedFiles(subscription), std::vector<std::string>{root_ + "/in/key"});
  Violations violations;
  Resolver({"*"}).Resolve(&subscription, false, violations);
  EXPECT_EQ(subscription.api_keys(0).key().text(), "CANARY");
  EXPECT_EQ(subscription.api_keys(1).key().text(), "CANARY");
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].path, "apiKeys[2].key");
  EXPECT_EQ(violations[0].reason, "SECRET_UNRESOLVED");
}

TEST(Redact, HidesAndRestores) {
  v1::Subscription stored;
  stored.add_api_keys()->set_name("a");
  stored.mutable_api_keys(0)->mutable_key()->set_text("CANARY-1");
  stored.add_api_keys()->set_name("b");
  stored.mutable_api_keys(1)->mutable_key()->set_env("K");
  v1::Subscription shown = stored;
  Redact(&shown);
  EXPECT_THAT(shown.DebugString(), ::testing::Not(HasSubstr("CANARY")));
  EXPECT_EQ(shown.api_keys(0).key().fingerprint(), Fingerprint("CANARY-1"));
  EXPECT_EQ(shown.api_keys(1).key().env(), "K");
  // The list's key finds the counterpart, whatever the order.
  shown.mutable_api_keys()->SwapElements(0, 1);
  std::string path;
  EXPECT_TRUE(RestoreSecrets(stored, &shown, &path));
  EXPECT_EQ(shown.api_keys(1).key().text(), "CANARY-1");
  // Another fingerprint, or nothing stored, cannot be restored.
  v1::Subscription other;
  other.add_api_keys()->set_name("c");
  other.mutable_api_keys(0)->mutable_key()->set_set(true);
  EXPECT_FALSE(RestoreSecrets(stored, &other, &path));
  EXPECT_EQ(path, "apiKeys[0].key");
}

TEST(Redact, ClearsWhatOnlyTheGatewaySets) {
  v1::Api api;
  api.set_name("apis/a");
  api.set_etag("x");
  api.set_state(v1::API_STATE_LIVE);
  api.add_plans()->set_uid("y");
  ClearOutputOnly(&api);
  EXPECT_EQ(api.name(), "apis/a");
  EXPECT_EQ(api.etag(), "");
  EXPECT_EQ(api.state(), v1::API_STATE_UNSPECIFIED);
  EXPECT_EQ(api.plans(0).uid(), "");
}

TEST(UnknownFields, AreFoundAtAnyDepth) {
  v1::Api api;
  Violations violations;
  FindUnknownFields(api, violations);
  EXPECT_TRUE(violations.empty());
  v1::Plan* plan = api.add_plans();
  plan->GetReflection()->MutableUnknownFields(plan)->AddVarint(999, 1);
  FindUnknownFields(api, violations);
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].path, "plans[0].999");
  EXPECT_EQ(violations[0].reason, "UNKNOWN_FIELD");
}

TEST(Diff, NamesFieldsByTheKeysOfTheirLists) {
  Violations violations;
  const auto read = [&violations](const std::string& text) {
    return ReadText("t", text, "", violations)[0].message;
  };
  const auto before = read(
      "kind: Api\nname: a\nversion: '1'\nentrypoints: [sse]\nplans: [{name: x, keyless: {}}, "
      "{name: y, apiKey: {}}]\n");
  const auto after = read(
      "kind: Api\nname: a\nentrypoints: [{sse: {heartbeatInterval: 9s}}]\nplans: [{name: y, "
      "apiKey: {forward: true}}, {name: x, keyless: {}}, {name: z, keyless: {}}]\n");
  EXPECT_TRUE(violations.empty());
  std::string text;
  for (const FieldDifference& item : Diff(*before, *after)) {
    text += item.path + ": " + item.old_value + " -> " + item.new_value + "\n";
  }
  EXPECT_EQ(text,
            "version: 1 -> \n"
            "entrypoints[0]: sse -> {\"sse\": {\"heartbeatInterval\": \"9s\"}}\n"
            "plans[y].apiKey.forward:  -> true\n"
            "plans[z]:  -> {\"name\": \"z\", \"keyless\": {}}\n"
            "plans[order]: x y -> y x\n");
  EXPECT_TRUE(Diff(*before, *before).empty());
}

TEST(Diff, ShowsOfSecretsOnlyThatTheyDiffer) {
  v1::Subscription a;
  a.add_api_keys()->mutable_key()->set_text("CANARY-1");
  v1::Subscription b;
  b.add_api_keys()->mutable_key()->set_text("CANARY-2");
  const auto difference = Diff(a, b);
  ASSERT_EQ(difference.size(), 1U);
  EXPECT_EQ(difference[0].old_value, Fingerprint("CANARY-1"));
}

}  // namespace
}  // namespace tidegate::config
