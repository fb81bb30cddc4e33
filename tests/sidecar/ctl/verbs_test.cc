// The verbs that change one thing: each sends the right call and says what was done.
#include "tests/sidecar/ctl/fixture.h"
#include "tidegate/admin/v1/api_service.pb.h"
#include "tidegate/admin/v1/plan_service.pb.h"
#include "tidegate/admin/v1/subscription_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;
namespace v1 = tidegate::config::v1;
using testing::HasSubstr;

using VerbsTest = CtlTest;

TEST_F(VerbsTest, Deploy_SaysTheRevision) {
  server_.Answer("ApiService/DeployApi",
                 Text<v1::ApiRevision>("name: 'apis/orders/revisions/3'"));
  EXPECT_EQ(RunAt({"deploy", "api/orders", "--etag", "e", "--force"}), kDone);
  EXPECT_EQ(out(), "api/orders deployed (revision 3)\n");
  const auto request = server_.Last<admin::DeployApiRequest>("ApiService/DeployApi");
  EXPECT_EQ(request.name(), "apis/orders");
  EXPECT_EQ(request.etag(), "\"e\"");
  EXPECT_TRUE(request.force());
}

TEST_F(VerbsTest, SeveralApis_AreDeployedOneByOne) {
  server_.Answer("ApiService/DeployApi", Text<v1::ApiRevision>("name: 'apis/x/revisions/1'"));
  EXPECT_EQ(RunAt({"deploy", "api/a", "api/b"}), kDone);
  EXPECT_EQ(out(), "api/a deployed (revision 1)\napi/b deployed (revision 1)\n");
  EXPECT_EQ(RunAt({"deploy", "api/a", "api/b", "--etag", "e"}), kUsage);
}

TEST_F(VerbsTest, UndeployStartStop_SayWhatTheyDid) {
  for (const auto& [verb, method, done] : std::vector<std::array<std::string, 3>>{
           {"undeploy", "ApiService/UndeployApi", "undeployed"},
           {"start", "ApiService/StartApi", "started"},
           {"stop", "ApiService/StopApi", "stopped"}}) {
    server_.Answer(method, v1::Api());
    EXPECT_EQ(RunAt({verb, "api/orders"}), kDone);
    EXPECT_EQ(out(), "api/orders " + done + "\n");
    EXPECT_EQ(RunAt({verb, "api/orders", "--dry-run"}), kDone);
    EXPECT_EQ(out(), "api/orders would be " + done + "\n");
  }
}

TEST_F(VerbsTest, Rollback_GoesToTheNamedRevisionOrTheOneBefore) {
  server_.Answer("ApiService/RollbackApi",
                 Text<v1::ApiRevision>("name: 'apis/orders/revisions/6'"));
  EXPECT_EQ(RunAt({"rollback", "api/orders", "--to", "3"}), kDone);
  EXPECT_EQ(out(), "api/orders rolled back to revision 3 (now revision 6)\n");
  server_.Answer("ApiService/GetApi", Text<v1::Api>(
      "name: 'apis/orders' deployed_revision: 'apis/orders/revisions/5'"));
  server_.Answer("ApiService/ListApiRevisions", Text<admin::ListApiRevisionsResponse>(R"(
    api_revisions { name: "apis/orders/revisions/5" }
    api_revisions { name: "apis/orders/revisions/4" })"));
  EXPECT_EQ(RunAt({"rollback", "api/orders"}), kDone);
  EXPECT_EQ(out(), "api/orders rolled back to revision 4 (now revision 6)\n");
  EXPECT_EQ(RunAt({"rollback", "api/orders", "--to", "old"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("tidegatectl history api/orders lists them"));
}

TEST_F(VerbsTest, Clone_StoresUnderAnotherNameAndPath) {
  server_.Answer("ApiService/CloneApi", v1::Api());
  EXPECT_EQ(RunAt({"clone", "api/orders", "api/copy", "--path", "/copy"}), kDone);
  EXPECT_EQ(out(), "api/copy stored (a copy of api/orders)\n");
  const auto request = server_.Last<admin::CloneApiRequest>("ApiService/CloneApi");
  EXPECT_EQ(request.api_id(), "copy");
  EXPECT_EQ(request.overrides().listeners(0).path(), "/copy");
  EXPECT_EQ(request.overrides_mask().paths(0), "listeners");
  EXPECT_EQ(RunAt({"clone", "api/orders"}), kUsage);
}

TEST_F(VerbsTest, Plans_ChangeTheirStage) {
  for (const auto& [verb, method, done] : std::vector<std::array<std::string, 3>>{
           {"publish", "PlanService/PublishPlan", "published"},
           {"deprecate", "PlanService/DeprecatePlan", "deprecated"},
           {"close", "PlanService/ClosePlan", "closed"}}) {
    server_.Answer(method, v1::Plan());
    EXPECT_EQ(RunAt({verb, "plan/orders/gold"}), kDone) << err();
    EXPECT_EQ(out(), "plan/orders/gold " + done + "\n");
    EXPECT_EQ(RunAt({verb, "plan/orders"}), kUsage);
  }
  EXPECT_EQ(server_.Last<admin::ClosePlanRequest>("PlanService/ClosePlan").name(),
            "apis/orders/plans/gold");
}

TEST_F(VerbsTest, Subscriptions_ChangeTheirState) {
  for (const auto& [verb, method, done] : std::vector<std::array<std::string, 3>>{
           {"accept", "SubscriptionService/AcceptSubscription", "accepted"},
           {"reject", "SubscriptionService/RejectSubscription", "rejected"},
           {"pause", "SubscriptionService/PauseSubscription", "paused"},
           {"resume", "SubscriptionService/ResumeSubscription", "resumed"},
           {"close", "SubscriptionService/CloseSubscription", "closed"}}) {
    server_.Answer(method, v1::Subscription());
    EXPECT_EQ(RunAt({verb, "subscription/orders/s", "--reason", "because"}), kDone) << err();
    EXPECT_EQ(out(), "subscription/orders/s " + done + "\n");
  }
  const auto request =
      server_.Last<admin::PauseSubscriptionRequest>("SubscriptionService/PauseSubscription");
  EXPECT_EQ(request.name(), "apis/orders/subscriptions/s");
  EXPECT_EQ(request.reason(), "because");
}

TEST_F(VerbsTest, Transfer_NeedsAPlan) {
  server_.Answer("SubscriptionService/TransferSubscription", v1::Subscription());
  EXPECT_EQ(RunAt({"transfer", "subscription/orders/s"}), kUsage);
  EXPECT_EQ(RunAt({"transfer", "subscription/orders/s", "--plan", "gold"}), kDone);
  EXPECT_EQ(out(), "subscription/orders/s moved to plan/orders/gold\n");
}

TEST_F(VerbsTest, CreateKey_PrintsTheKeyAloneOnStdout) {
  server_.Answer("SubscriptionService/CreateApiKey", Text<admin::ApiKeySecret>(R"(
    api_key { name: "apis/orders/subscriptions/s/apiKeys/main" } plaintext: "tg-secret")"));
  EXPECT_EQ(RunAt({"create", "key/orders/s/main", "--expires", "90d"}), kDone);
  EXPECT_EQ(out(), "tg-secret\n");
  EXPECT_EQ(err(), "key/orders/s/main created; the key is shown this once:\n");
  const auto request =
      server_.Last<admin::CreateApiKeyRequest>("SubscriptionService/CreateApiKey");
  EXPECT_EQ(request.parent(), "apis/orders/subscriptions/s");
  EXPECT_EQ(request.api_key().expire_time().seconds(), kNow + 90 * 86400);
  EXPECT_EQ(RunAt({"create", "key/orders/s/main", "--expires", "soon"}), kUsage);
}

TEST_F(VerbsTest, ChosenKey_IsReadFromAFileAndNeverPrinted) {
  server_.Answer("SubscriptionService/CreateApiKey", Text<admin::ApiKeySecret>(
      "api_key { name: 'apis/orders/subscriptions/s/apiKeys/main' }"));
  in_ = "my-own-key-1\n";
  EXPECT_EQ(RunAt({"create", "key/orders/s/main", "--key-from", "-"}), kDone);
  EXPECT_EQ(out(), "");
  EXPECT_EQ(err(), "key/orders/s/main created\n");
  const auto request =
      server_.Last<admin::CreateApiKeyRequest>("SubscriptionService/CreateApiKey");
  EXPECT_EQ(request.api_key().key().text(), "my-own-key-1");
  in_ = std::string(500, 'x');
  EXPECT_EQ(RunAt({"create", "key/orders/s/main", "--key-from", "-"}), kUsage);
}

TEST_F(VerbsTest, RotateAndRevokeKey) {
  server_.Answer("SubscriptionService/RotateApiKey", Text<admin::ApiKeySecret>(
      "api_key { name: 'apis/orders/subscriptions/s/apiKeys/main' } plaintext: 'new'"));
  EXPECT_EQ(RunAt({"rotate", "key/orders/s/main", "--grace", "0s"}), kDone);
  EXPECT_EQ(out(), "new\n");
  EXPECT_THAT(err(), HasSubstr("the old key still holds for 0s\n"));
  EXPECT_TRUE(server_.Last<admin::RotateApiKeyRequest>("SubscriptionService/RotateApiKey")
                  .has_grace_period());
  server_.Answer("SubscriptionService/RevokeApiKey", v1::ApiKey());
  EXPECT_EQ(RunAt({"revoke", "key/orders/s/main"}), kDone);
  EXPECT_EQ(out(), "key/orders/s/main revoked\n");
}

TEST_F(VerbsTest, Wait_LooksUntilTheStateIsThere) {
  int looks = 0;
  server_.On("ApiService/GetApi", [&](const auto&, google::protobuf::Message& response) {
    auto& api = static_cast<v1::Api&>(response);
    api.set_state(++looks < 3 ? v1::API_STATE_STORED : v1::API_STATE_LIVE);
    return FakeError();
  });
  EXPECT_EQ(RunAt({"wait", "api/orders", "--for", "ready"}), kDone);
  EXPECT_EQ(out(), "api/orders is ready\n");
  EXPECT_EQ(looks, 3);
  EXPECT_EQ(slept_.count(), 400);
}

TEST_F(VerbsTest, Wait_ThatEndsTooLate_SaysWhatIsMissing) {
  server_.Answer("ApiService/GetApi", Text<v1::Api>(R"(
    state: API_STATE_LIVE
    conditions { type: "Accepted" status: CONDITION_STATUS_TRUE }
    conditions { type: "Ready" status: CONDITION_STATUS_FALSE reason: "ConnectFailed"
                 message: "no broker" })"));
  EXPECT_EQ(RunAt({"wait", "api/orders", "--timeout", "1s"}), kTimedOut);
  EXPECT_THAT(err(), HasSubstr("error: api/orders is not ready: Ready is not true: "
                               "ConnectFailed, no broker\n"));
  EXPECT_EQ(slept_.count(), 800);
}

TEST_F(VerbsTest, WaitForDeletion_EndsWhenItIsGone) {
  server_.Fail("ApiService/GetApi", {5, "gone", "RESOURCE_NOT_FOUND"});
  EXPECT_EQ(RunAt({"wait", "api/orders", "--for", "deleted"}), kDone);
  EXPECT_EQ(out(), "api/orders is deleted\n");
  EXPECT_EQ(RunAt({"wait", "api/orders", "--for", "live"}), kNotFound);
  EXPECT_EQ(RunAt({"wait", "api/orders", "--for", "gone"}), kUsage);
}

}  // namespace
}  // namespace tidegate::ctl
