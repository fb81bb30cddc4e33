// apply, create, validate, diff, delete -f: definitions from files.
#include "tests/sidecar/ctl/fixture.h"
#include "tidegate/admin/v1/api_service.pb.h"
#include "tidegate/admin/v1/application_service.pb.h"
#include "tidegate/admin/v1/config_service.pb.h"
#include "tidegate/admin/v1/subscription_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;
namespace v1 = tidegate::config::v1;
using testing::HasSubstr;
using testing::Not;

class FilesTest : public CtlTest {
 protected:
  std::string Clock() { return Write("clock.yaml", kClock); }
};

TEST_F(FilesTest, Apply_SaysWhatBecameOfEachResource) {
  server_.Answer("ConfigService/ApplyConfig", Text<admin::ApplyConfigResponse>(R"(
    results { name: "apis/clock" action: APPLY_ACTION_CREATED revision: "apis/clock/revisions/1" }
    results { name: "applications/shop" action: APPLY_ACTION_UNCHANGED }
    results {
      name: "apis/clock/subscriptions/s" action: APPLY_ACTION_UPDATED
      api_keys { name: "apis/clock/subscriptions/s/apiKeys/main" plaintext: "k-123" }
      warnings: "the plan is deprecated"
    })"));
  EXPECT_EQ(RunAt({"apply", "-f", Clock(), "--owner", "me", "--prune"}), kDone);
  EXPECT_EQ(out(), "api/clock created (revision 1)\n"
                   "application/shop unchanged\n"
                   "subscription/clock/s updated\n"
                   "key/clock/s/main k-123\n");
  EXPECT_EQ(err(), "warning: subscription/clock/s: the plan is deprecated\n"
                   "new keys are shown this once: keep them now\n");
  const auto request = server_.Last<admin::ApplyConfigRequest>("ConfigService/ApplyConfig");
  ASSERT_EQ(request.bundle().apis_size(), 1);
  EXPECT_EQ(request.bundle().apis(0).name(), "apis/clock");
  EXPECT_EQ(request.owner(), "me");
  EXPECT_TRUE(request.prune());
  EXPECT_FALSE(request.validate_only());
  EXPECT_EQ(request.request_id().size(), 36u);
}

TEST_F(FilesTest, ApplyDryRun_SaysWhatWouldBe) {
  server_.Answer("ConfigService/ApplyConfig", Text<admin::ApplyConfigResponse>(
      "results { name: 'apis/clock' action: APPLY_ACTION_UPDATED }"));
  EXPECT_EQ(RunAt({"apply", "-f", Clock(), "--dry-run", "--no-deploy", "--force"}), kDone);
  EXPECT_EQ(out(), "api/clock would be updated (stored, not deployed)\n");
  const auto request = server_.Last<admin::ApplyConfigRequest>("ConfigService/ApplyConfig");
  EXPECT_TRUE(request.validate_only());
  EXPECT_TRUE(request.no_deploy());
  EXPECT_TRUE(request.force());
}

TEST_F(FilesTest, Apply_ReadsStandardInput) {
  in_ = kClock;
  server_.Answer("ConfigService/ApplyConfig", admin::ApplyConfigResponse());
  EXPECT_EQ(RunAt({"apply", "-f", "-"}), kDone);
  EXPECT_EQ(server_.Last<admin::ApplyConfigRequest>("ConfigService/ApplyConfig")
                .bundle().apis(0).name(), "apis/clock");
}

TEST_F(FilesTest, RefusalOfTheServer_NamesLineAndColumn) {
  server_.Fail("ConfigService/ApplyConfig",
               {3, "first (and 2 more)", "INVALID_FIELD",
                {{"violation_count", "50"}, {"truncated", "true"}},
                {{"bundle.apis[0].entrypoints[0].sse.heartbeatInterval", "must be at least 1s"},
                 {"bundle.apis[0].plans[0].nothing", "is odd"},
                 {"elsewhere", "is wrong"}}});
  const std::string file = Clock();
  EXPECT_EQ(RunAt({"apply", "-f", file}), kRefused);
  EXPECT_EQ(err(),
            "error: apply: refused\n"
            "  " + file + ":7:11: apis/clock: entrypoints[0].sse.heartbeatInterval: must be at "
            "least 1s\n"
            "  " + file + ":14:5: apis/clock: plans[0].nothing: is odd\n"
            "  elsewhere: is wrong\n"
            "  … and more (50 in all); tidegatectl validate shows every one\n"
            "  reason: INVALID_FIELD\n"
            "  server: " + server_.address() + " (from --server)\n");
}

TEST_F(FilesTest, ErrorsOfAllFiles_AreToldAtOnceAndNothingIsSent) {
  const std::string a = Write("a.yaml", "kind: Api\nname: a\ntype: message\nlisteneres: []\n");
  const std::string b = Write("b.yaml", "kind: Apy\nname: b\n");
  EXPECT_EQ(RunAt({"apply", "-f", a, "-f", b}), kRefused);
  EXPECT_THAT(err(), HasSubstr(a + ":4:1: "));
  EXPECT_THAT(err(), HasSubstr("listeners"));
  EXPECT_THAT(err(), HasSubstr(b + ":1:"));
  // What can be read is judged as well, though the server is not asked.
  const std::string c = Write("c.yaml", std::string(kClock) + "---\nkind: Subscription\nname: s\n"
                                        "api: clock\nplan: open\napplication: x\n");
  EXPECT_EQ(RunAt({"apply", "-f", b, "-f", c}), kRefused);
  EXPECT_THAT(err(), HasSubstr(c + ":"));
  EXPECT_THAT(err(), HasSubstr("apis/clock/subscriptions/s: "));
  EXPECT_THAT(err(), HasSubstr("error: 2 problems in 2 files; nothing was changed\n"));
  EXPECT_TRUE(server_.calls().empty());
}

TEST_F(FilesTest, Gateway_IsPassedOverWithAWarning) {
  const std::string file = Write("g.yaml", "kind: Gateway\nnode: a\n");
  EXPECT_EQ(RunAt({"apply", "-f", file}), kDone);
  EXPECT_THAT(err(), HasSubstr("the Gateway is read by tidegate serve --config; skipped here"));
  EXPECT_TRUE(server_.calls().empty());
}

TEST_F(FilesTest, MissingFileAndEmptyDirectory_AreErrors) {
  EXPECT_EQ(RunAt({"apply", "-f", "/does/not/exist.yaml"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("/does/not/exist.yaml: "));
  EXPECT_EQ(RunAt({"apply"}), kUsage);
}

TEST_F(FilesTest, Create_StoresInTheOrderOfReferences) {
  const std::string file = Write("all.yaml", std::string(kClock) + R"(---
kind: Subscription
name: s
api: clock
plan: open
application: shop
---
kind: Application
name: shop
)");
  server_.Answer("ApiService/CreateApi", v1::Api());
  server_.Answer("ApplicationService/CreateApplication", v1::Application());
  server_.Answer("SubscriptionService/CreateSubscription",
                 Text<v1::Subscription>("state: SUBSCRIPTION_STATE_PENDING"));
  EXPECT_EQ(RunAt({"create", "-f", file}), kDone);
  EXPECT_EQ(out(), "application/shop created\n"
                   "api/clock created (stored, not deployed)\n"
                   "subscription/clock/s created (pending)\n");
  EXPECT_EQ(err(), "next: tidegatectl accept subscription/clock/s\n");
  EXPECT_EQ(RunAt({"create", "api/clock", "-f", file}), kDone);
  EXPECT_EQ(out(), "api/clock created (stored, not deployed)\n");
  EXPECT_EQ(server_.Last<admin::CreateApiRequest>("ApiService/CreateApi").api_id(), "clock");
  EXPECT_EQ(RunAt({"create", "api/other", "-f", file}), kRefused);
  EXPECT_THAT(err(), HasSubstr("the files do not define api/other"));
}

TEST_F(FilesTest, CreateWithoutFile_UsesItsFlags) {
  server_.Answer("SubscriptionService/CreateSubscription", v1::Subscription());
  EXPECT_EQ(RunAt({"create", "subscription/orders/s", "--plan", "gold", "--application", "shop"}),
            kDone);
  const auto request =
      server_.Last<admin::CreateSubscriptionRequest>("SubscriptionService/CreateSubscription");
  EXPECT_EQ(request.parent(), "apis/orders");
  EXPECT_EQ(request.subscription().plan(), "apis/orders/plans/gold");
  EXPECT_EQ(request.subscription().application(), "applications/shop");
  EXPECT_EQ(RunAt({"create", "subscription/orders/s"}), kUsage);
  EXPECT_EQ(RunAt({"create", "api/orders"}), kUsage);
}

TEST_F(FilesTest, Validate_NeedsNoServer) {
  EXPECT_EQ(Run({"validate", "-f", Clock(), "--server", "unix:/does/not/exist"}), kDone);
  EXPECT_EQ(out(), "valid: 1 API\n");
}

TEST_F(FilesTest, Validate_FindsWhatReaderAndModelRefuse) {
  const std::string file = Write("bad.yaml", R"(kind: Api
name: bad
type: message
listeners:
  - path: no-slash
entrypoints:
  - sse: {heartbeatInterval: 5}
endpointGroups: []
)");
  EXPECT_EQ(Run({"validate", "-f", file}), kRefused);
  EXPECT_THAT(err(), HasSubstr(file + ":7:"));
  EXPECT_THAT(err(), HasSubstr("in 1 file\n"));
  const std::string rules = Write("rules.yaml", R"(kind: Api
name: rules
type: message
listeners:
  - path: no-slash
entrypoints: [sse]
endpointGroups: []
)");
  EXPECT_EQ(Run({"validate", "-f", rules}), kRefused);
  EXPECT_THAT(err(), HasSubstr(rules + ":5:5: apis/rules: listeners[0].path: "));
  EXPECT_THAT(err(), HasSubstr("endpointGroups"));
}

TEST_F(FilesTest, Validate_UnresolvedSecretsOnlyWarn) {
  std::string text = kClock;
  text.replace(text.find("keyless: {}"), 11, "apiKey: {}");
  const std::string file = Write("s.yaml", text + R"(---
kind: Application
name: shop
---
kind: Subscription
name: s
api: clock
plan: open
application: shop
apiKeys: [{name: main, key: {env: TIDEGATE_TEST_NO_SUCH_VARIABLE}}]
)");
  EXPECT_EQ(Run({"validate", "-f", file, "--strict"}), kDone) << err();
  EXPECT_THAT(err(), HasSubstr("warning: " + file + ":"));
  EXPECT_THAT(err(), HasSubstr("TIDEGATE_TEST_NO_SUCH_VARIABLE"));
  EXPECT_THAT(err(), HasSubstr("here; the gateway must have it"));
}

TEST_F(FilesTest, ValidateStrict_RefusesWhatIsUnwise) {
  const std::string text(kClock);
  const std::string file = Write("lint.yaml", text.substr(0, text.find("plans:")));
  EXPECT_EQ(Run({"validate", "-f", file}), kDone);
  EXPECT_THAT(err(), HasSubstr("warning: " + file + ":1:1: apis/clock: plans: "));
  EXPECT_EQ(Run({"validate", "-f", file, "--strict"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("error: 1 problem in 1 file\n"));
}

TEST_F(FilesTest, ExamplesOfTheTree_AreWhatTheyClaim) {
  for (const char* name : {"clock", "orders", "tidegate"}) {
    const std::string file = std::string("sidecar/examples/") + name + ".yaml";
    EXPECT_EQ(Run({"validate", "-f", file}), kDone) << name << ": " << err();
  }
  EXPECT_EQ(Run({"validate", "-f", "sidecar/examples/full.yaml"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("grpc entrypoints are not built yet"));
}

TEST_F(FilesTest, Diff_ShowsFieldsAndExitsOne) {
  server_.Answer("ConfigService/DiffConfig", Text<admin::DiffConfigResponse>(R"(
    diffs {
      name: "apis/clock" action: APPLY_ACTION_UPDATED
      fields { path: "version" new_value: "1.1" }
      fields { path: "plans[old]" old_value: "name: old" }
      fields { path: "entrypoints[sse].sse.retry" old_value: "1s" new_value: "2s" }
    }
    diffs { name: "apis/new" action: APPLY_ACTION_CREATED })"));
  EXPECT_EQ(RunAt({"diff", "-f", Clock()}), kDiffers);
  EXPECT_EQ(out(), "api/clock would be updated\n"
                   "  + version: 1.1\n"
                   "  - plans[old]: name: old\n"
                   "  ~ entrypoints[sse].sse.retry: 1s -> 2s\n"
                   "api/new would be created\n");
  server_.Answer("ConfigService/DiffConfig", admin::DiffConfigResponse());
  EXPECT_EQ(RunAt({"diff", "-f", Clock()}), kDone);
  EXPECT_EQ(out(), "");
}

TEST_F(FilesTest, DiffOfAnApi_ComparesItsStates) {
  server_.Answer("ApiService/DiffApi", Text<admin::DiffApiResponse>(
      "diffs { path: 'version' old_value: '1' new_value: '2' }"));
  EXPECT_EQ(RunAt({"diff", "api/clock", "--base", "3"}), kDiffers);
  EXPECT_EQ(out(), "api/clock: 3 -> stored\n  ~ version: 1 -> 2\n");
  EXPECT_EQ(server_.Last<admin::DiffApiRequest>("ApiService/DiffApi").base(), "3");
}

TEST_F(FilesTest, Delete_TakesNamesOrFiles) {
  server_.Answer("ApiService/DeleteApi", google::protobuf::Empty());
  EXPECT_EQ(RunAt({"delete", "api/clock", "--force", "--etag", "e"}), kDone);
  EXPECT_EQ(out(), "api/clock deleted\n");
  const auto request = server_.Last<admin::DeleteApiRequest>("ApiService/DeleteApi");
  EXPECT_TRUE(request.force());
  EXPECT_EQ(request.etag(), "\"e\"");
  EXPECT_EQ(RunAt({"delete", "-f", Clock()}), kDone);
  EXPECT_EQ(out(), "api/clock deleted\n");
  server_.Fail("ApiService/DeleteApi", {5, "apis/clock does not exist", "RESOURCE_NOT_FOUND"});
  EXPECT_EQ(RunAt({"delete", "api/clock"}), kNotFound);
  EXPECT_EQ(RunAt({"delete", "api/clock", "--ignore-not-found"}), kDone);
  EXPECT_EQ(err(), "");
}

}  // namespace
}  // namespace tidegate::ctl
