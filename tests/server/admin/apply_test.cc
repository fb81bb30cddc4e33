// ConfigService: bundles are all or nothing; owners and pruning.
#include <stdlib.h>

#include "server/admin/apply.h"
#include "server/base/codec.h"
#include "tests/server/admin/admin_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::admin {
namespace {

class ApplyTest : public AdminTest {
 protected:
  v1::ApplyConfigRequest RequestOf(const std::string& yaml) {
    v1::ApplyConfigRequest request;
    *request.mutable_bundle() = BundleOf(yaml);
    return request;
  }
  static std::string All() {
    return std::string(kOrders) + "---\n" + kStorefront + "\n---" + kStorefrontOrders;
  }
  static std::string Actions(const v1::ApplyConfigResponse& response) {
    std::string text;
    for (const v1::ApplyResult& one : response.results()) {
      text += one.name() + "=" + v1::ApplyAction_Name(one.action()).substr(13) + " ";
    }
    return text;
  }
  static std::string Renamed(const std::string& name) {
    std::string yaml = kOrders;
    yaml.replace(yaml.find("name: orders"), 12, "name: " + name);
    yaml.replace(yaml.find("/orders"), 7, "/" + name);
    return yaml;
  }
  StatusOr<AppliedDefinitions> ApplyDirectory(const std::string& directory,
                                              const std::string& yaml,
                                              const OtherDirectories& others = {}) {
    config::Violations violations;
    const auto documents = config::ReadText("d.yaml", yaml, "", violations);
    EXPECT_TRUE(violations.empty());
    Call call(kApplyDefinitions);
    return ApplyDefinitions(*deployer_, directory, documents, secrets_, call, others);
  }
  // orders of /etc/b, with a subscription of its own and one that a call has made.
  void DirectoryBWithSubscriptions() {
    ASSERT_TRUE(IsOk(ApplyDirectory("/etc/b", All() + "apiKeys: [{name: main}]\n")));
    Apply("{kind: Application, name: other}");
    v1::CreateSubscriptionRequest subscribe;
    subscribe.set_parent("apis/orders");
    subscribe.set_subscription_id("late");
    subscribe.mutable_subscription()->set_plan("partners");
    subscribe.mutable_subscription()->set_application("other");
    cfg::Subscription subscription;
    ASSERT_EQ(Verdict(Do(CreateSubscription, subscribe, subscription)), "OK");
    v1::CreateApiKeyRequest create;
    create.set_parent("apis/orders/subscriptions/late");
    create.set_api_key_id("main");
    v1::ApiKeySecret secret;
    ASSERT_EQ(Verdict(Do(CreateApiKey, create, secret)), "OK");
  }
  // What directory A is told of B, and B of A, after everything has moved from B to A.
  static OtherDirectories BHasGivenUp() {
    OtherDirectories others;
    others.yields = [](const std::string& owner, const std::string&) {
      return owner == "file:/etc/b";
    };
    return others;
  }
  static OtherDirectories AListsEverything() {
    OtherDirectories others;
    others.claims = [](const std::string&) { return true; };
    return others;
  }
};

TEST_F(ApplyTest, Bundle_goesLiveAndAgainChangesNothing) {
  EXPECT_EQ(Actions(Apply(All())),
            "apis/orders=CREATED applications/storefront=CREATED "
            "apis/orders/subscriptions/storefront=CREATED ");
  ASSERT_NE(plane_.Serving("orders"), nullptr);
  ASSERT_NE(plane_.SubscriptionOf("orders", "storefront"), nullptr);
  EXPECT_EQ(plane_.SubscriptionOf("orders", "storefront")->state,
            model::SubscriptionState::kAccepted);
  const std::string before = Everything();
  const int published = plane_.published;
  const auto again = Apply(All());
  EXPECT_EQ(Actions(again),
            "apis/orders=UNCHANGED applications/storefront=UNCHANGED "
            "apis/orders/subscriptions/storefront=UNCHANGED ");
  EXPECT_EQ(again.results(0).revision(), "apis/orders/revisions/1");
  EXPECT_EQ(Everything(), before);
  EXPECT_EQ(plane_.published, published);
}

TEST_F(ApplyTest, EtagThatWasWrittenOut_mustFit) {
  Apply(All());
  const std::string before = Everything();
  auto request = RequestOf(All());
  request.mutable_bundle()->mutable_apis(0)->set_etag("\"another\"");
  v1::ApplyConfigResponse response;
  EXPECT_EQ(Verdict(Do(ApplyConfig, request, response)), "ABORTED ETAG_MISMATCH");
  EXPECT_EQ(Everything(), before);
  cfg::Application stored;
  v1::GetApplicationRequest get;
  get.set_name("applications/storefront");
  ASSERT_EQ(Verdict(Do(GetApplication, get, stored)), "OK");
  request.mutable_bundle()->mutable_apis(0)->clear_etag();
  request.mutable_bundle()->mutable_applications(0)->set_etag(stored.etag());
  EXPECT_EQ(Verdict(Do(ApplyConfig, request, response)), "OK");
}

TEST_F(ApplyTest, OneBadResource_changesNothing) {
  Apply(All());
  const std::string before = Everything();
  const auto store_before = store_->Load()->revision;
  auto request = RequestOf(Renamed("good") + "---\n" + Renamed("bad"));
  request.mutable_bundle()->mutable_apis(1)->mutable_listeners(0)->set_path("bad");
  request.mutable_bundle()->mutable_apis(1)->mutable_plans(0)->clear_security();
  v1::ApplyConfigResponse response;
  for (const bool validate_only : {true, false}) {
    request.set_validate_only(validate_only);
    const Status status = Do(ApplyConfig, request, response);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    const auto bad = DetailOf<google::rpc::BadRequest>(ToRpcStatus(status));
    EXPECT_EQ(bad.field_violations_size(), 2);
    EXPECT_EQ(bad.field_violations(0).field().find("bundle.apis[1]."), 0U)
        << bad.field_violations(0).field();
  }
  EXPECT_EQ(Everything(), before);
  EXPECT_EQ(store_->Load()->revision, store_before);
  EXPECT_EQ(plane_.Serving("good"), nullptr);
}

TEST_F(ApplyTest, WhatTheAssemblerRefuses_isToldWithItsPlaceInTheBundle) {
  plane_.problems = {{"bad", "entrypoints[0].qos", "INCOMPATIBLE_QOS", "cannot"}};
  v1::ApplyConfigResponse response;
  const Status status =
      Do(ApplyConfig, RequestOf(Renamed("good") + "---\n" + Renamed("bad")), response);
  EXPECT_EQ(Verdict(status), "INVALID_ARGUMENT INCOMPATIBLE_QOS");
  EXPECT_EQ(DetailOf<google::rpc::BadRequest>(ToRpcStatus(status)).field_violations(0).field(),
            "bundle.apis[1].entrypoints[0].qos");
  EXPECT_TRUE(deployer_->Read()->apis.empty());
}

TEST_F(ApplyTest, SubscriptionsThatCannotBePublished_takeEverythingBack) {
  plane_.subscriptions_result = DeadlineExceeded("flow: a worker did not answer");
  v1::ApplyConfigResponse response;
  EXPECT_EQ(Do(ApplyConfig, RequestOf(All()), response).code(), StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(deployer_->Read()->apis.empty());
  EXPECT_TRUE(store_->Load()->records.empty());
  EXPECT_TRUE(plane_.serving.empty());
  Apply(All());
}

TEST_F(ApplyTest, ValidateOnly_tellsTheSameAndDoesNothing) {
  auto request = RequestOf(All());
  request.set_validate_only(true);
  v1::ApplyConfigResponse response;
  ASSERT_EQ(Verdict(Do(ApplyConfig, request, response)), "OK");
  EXPECT_EQ(response.results_size(), 3);
  EXPECT_EQ(response.results(0).action(), v1::APPLY_ACTION_CREATED);
  EXPECT_TRUE(deployer_->Read()->apis.empty());
  EXPECT_EQ(plane_.published, 1) << "the start";
}

TEST_F(ApplyTest, NoDeployAndDesiredStates) {
  auto request = RequestOf(kOrders);
  request.set_no_deploy(true);
  v1::ApplyConfigResponse response;
  ASSERT_EQ(Verdict(Do(ApplyConfig, request, response)), "OK");
  EXPECT_EQ(plane_.Serving("orders"), nullptr);
  EXPECT_EQ(Actions(Apply(kOrders)), "apis/orders=UPDATED ") << "deployed now";
  const std::string yaml = kOrders;
  Apply(yaml + "desiredState: stopped\n");
  EXPECT_TRUE(plane_.Serving("orders")->stopped);
  Apply(yaml + "desiredState: stored\n");
  EXPECT_EQ(plane_.Serving("orders"), nullptr);
  EXPECT_EQ(Get("apis/orders").state(), cfg::API_STATE_STORED);
  Apply(yaml + "desiredState: live\n");
  EXPECT_FALSE(plane_.Serving("orders")->stopped);
}

TEST_F(ApplyTest, MissingPlan_isKeptUnlessPruned) {
  Apply(kOrders);
  std::string yaml = kOrders;
  yaml.replace(yaml.find("plans:"), std::string::npos, "plans: [{name: open, keyless: {}}]\n");
  EXPECT_EQ(Actions(Apply(yaml)), "apis/orders=UNCHANGED ");
  EXPECT_EQ(Get("apis/orders").plans_size(), 2);
  auto request = RequestOf(yaml);
  request.set_prune(true);
  v1::ApplyConfigResponse response;
  ASSERT_EQ(Verdict(Do(ApplyConfig, request, response)), "OK");
  EXPECT_EQ(Get("apis/orders").plans_size(), 1);
  EXPECT_EQ(plane_.Serving("orders")->plans.size(), 1U);
}

TEST_F(ApplyTest, Prune_deletesOnlyWhatTheOwnerHolds) {
  auto request = RequestOf(Renamed("a") + "---\n" + Renamed("b"));
  request.set_owner("team");
  v1::ApplyConfigResponse response;
  ASSERT_EQ(Verdict(Do(ApplyConfig, request, response)), "OK");
  Apply(Renamed("c"));
  request = RequestOf(Renamed("a"));
  request.set_owner("team");
  request.set_prune(true);
  ASSERT_EQ(Verdict(Do(ApplyConfig, request, response)), "OK");
  EXPECT_EQ(Actions(response), "apis/a=UNCHANGED apis/b=DELETED ");
  EXPECT_NE(plane_.Serving("a"), nullptr);
  EXPECT_EQ(plane_.Serving("b"), nullptr);
  EXPECT_NE(plane_.Serving("c"), nullptr);
}

TEST_F(ApplyTest, OthersResources_areRefusedUnlessForced) {
  Apply(kOrders);
  auto request = RequestOf(std::string(kOrders) + "description: mine\n");
  request.set_owner("team");
  v1::ApplyConfigResponse response;
  const Status status = Do(ApplyConfig, request, response);
  EXPECT_EQ(Verdict(status), "FAILED_PRECONDITION MANAGED_ELSEWHERE");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(ToRpcStatus(status)).metadata().at("owner"), "admin");
  request.set_force(true);
  ASSERT_EQ(Verdict(Do(ApplyConfig, request, response)), "OK");
  EXPECT_EQ(Get("apis/orders").owner(), "team");
  v1::UpdateApiRequest update;
  update.mutable_api()->set_name("apis/orders");
  update.mutable_api()->set_description("theirs");
  cfg::Api api;
  EXPECT_EQ(Verdict(Do(UpdateApi, update, api)), "FAILED_PRECONDITION MANAGED_ELSEWHERE");
  update.set_force(true);
  ASSERT_EQ(Verdict(Do(UpdateApi, update, api)), "OK");
  EXPECT_EQ(api.owner(), "admin");
  request.set_owner("file:/etc");
  EXPECT_EQ(Verdict(Do(ApplyConfig, request, response)), "INVALID_ARGUMENT INVALID_FIELD");
}

TEST_F(ApplyTest, SameResourceTwiceOrUnresolved_isRefused) {
  v1::ApplyConfigResponse response;
  auto request = RequestOf(std::string(kStorefront) + "\n---\n" + kStorefront);
  EXPECT_EQ(Verdict(Do(ApplyConfig, request, response)), "INVALID_ARGUMENT DUPLICATE");
  request = RequestOf(std::string(kOrders) + "---" + kStorefrontOrders);
  EXPECT_EQ(Verdict(Do(ApplyConfig, request, response)),
            "FAILED_PRECONDITION UNRESOLVED_REFERENCE");
  EXPECT_TRUE(deployer_->Read()->apis.empty());
}

TEST_F(ApplyTest, KeyWithoutCredential_isMadeShownOnceAndKept) {
  const std::string yaml = All() + "apiKeys: [{name: main}]\n";
  const auto response = Apply(yaml);
  ASSERT_EQ(response.results(2).api_keys_size(), 1);
  const std::string text = response.results(2).api_keys(0).plaintext();
  ASSERT_EQ(text.size(), 48U);
  const auto* served = plane_.SubscriptionOf("orders", "storefront");
  ASSERT_EQ(served->keys.size(), 1U);
  EXPECT_EQ(served->keys[0].sha256, Sha256(text));
  const auto again = Apply(yaml);
  EXPECT_EQ(again.results(2).action(), v1::APPLY_ACTION_UNCHANGED);
  EXPECT_EQ(again.results(2).api_keys_size(), 0);
  EXPECT_EQ(Everything().find(text), std::string::npos);
  // What was dumped can be applied: the key is set, and stays.
  v1::DumpConfigResponse dump;
  ASSERT_TRUE(IsOk(Do(DumpConfig, v1::DumpConfigRequest(), dump)));
  v1::ApplyConfigRequest back;
  *back.mutable_bundle() = dump.bundle();
  v1::ApplyConfigResponse applied;
  const Status status = Do(ApplyConfig, back, applied);
  ASSERT_EQ(Verdict(status), "OK") << MessageOf(status);
  EXPECT_EQ(plane_.SubscriptionOf("orders", "storefront")->keys[0].sha256, Sha256(text));
}

TEST_F(ApplyTest, KeysOfCalls_surviveTheFileAndItsPruning) {
  ::setenv("TIDEGATE_TEST_KEY_A", "key-of-the-file-1", 1);
  const std::string yaml = All() + "apiKeys: [{name: main, key: {env: TIDEGATE_TEST_KEY_A}}]\n";
  Apply(yaml);
  v1::CreateApiKeyRequest create;
  create.set_parent("apis/orders/subscriptions/storefront");
  create.set_api_key_id("extra");
  v1::ApiKeySecret secret;
  ASSERT_EQ(Verdict(Do(CreateApiKey, create, secret)), "OK");
  auto request = RequestOf(All());
  request.set_prune(true);
  v1::ApplyConfigResponse response;
  ASSERT_EQ(Verdict(Do(ApplyConfig, request, response)), "OK");
  const auto* served = plane_.SubscriptionOf("orders", "storefront");
  ASSERT_EQ(served->keys.size(), 1U) << "the file's own key went with its line";
  EXPECT_EQ(served->keys[0].name, "extra");
  ::unsetenv("TIDEGATE_TEST_KEY_A");
  EXPECT_EQ(Verdict(Do(ApplyConfig, RequestOf(yaml), response)),
            "FAILED_PRECONDITION SECRET_UNRESOLVED");
}

TEST_F(ApplyTest, ReferenceOutOfReach_isRefusedWithItsPlaceAtDeploy) {
  std::string yaml = kOrders;
  yaml.replace(yaml.find("mock: {}"), 8,
               "mock: {headers: [{name: X-T, secret: {env: HOME}}]}");
  v1::ApplyConfigResponse response;
  const Status status = Do(ApplyConfig, RequestOf(yaml), response);
  EXPECT_EQ(Verdict(status), "FAILED_PRECONDITION SECRET_UNRESOLVED");
  EXPECT_EQ(DetailOf<google::rpc::PreconditionFailure>(ToRpcStatus(status)).violations(0).subject(),
            "bundle.apis[0].endpointGroups[0].endpoints[0].mock.headers[0].secret");
  // Whose author may name it stays deployed when somebody who may not changes something else.
  const config::SecretResolver trusted(config::SecretRules{{}, {"*"}});
  config::Violations violations;
  const auto documents = config::ReadText("d.yaml", yaml, "", violations);
  Call call("definitions");
  ASSERT_TRUE(IsOk(ApplyDefinitions(*deployer_, "/etc/d", documents, trusted, call)));
  v1::DeprecatePlanRequest deprecate;
  deprecate.set_name("apis/orders/plans/partners");
  deprecate.set_force(true);
  cfg::Plan plan;
  EXPECT_EQ(Verdict(Do(DeprecatePlan, deprecate, plan)), "OK");
}

TEST_F(ApplyTest, ClosedSubscription_staysClosedWithAWarning) {
  Apply(All());
  v1::CloseSubscriptionRequest close;
  close.set_name("apis/orders/subscriptions/storefront");
  cfg::Subscription subscription;
  ASSERT_EQ(Verdict(Do(CloseSubscription, close, subscription)), "OK");
  EXPECT_EQ(Apply(All()).results(2).action(), v1::APPLY_ACTION_UNCHANGED);
  const auto response = Apply(All() + "desiredState: accepted\n");
  ASSERT_EQ(response.results(2).warnings_size(), 1);
  EXPECT_EQ(plane_.SubscriptionOf("orders", "storefront"), nullptr);
}

TEST_F(ApplyTest, Diff_saysWhatFieldsDoNotTell) {
  Apply(kOrders);
  v1::ApplyConfigRequest stored;
  *stored.mutable_bundle() = BundleOf(std::string(kOrders) + "description: other\n");
  stored.set_no_deploy(true);
  v1::ApplyConfigResponse applied;
  ASSERT_EQ(Verdict(Do(ApplyConfig, stored, applied)), "OK");
  // Stored is what is asked for; deployed it is not.
  v1::DiffConfigRequest request;
  *request.mutable_bundle() = stored.bundle();
  v1::DiffConfigResponse response;
  ASSERT_EQ(Verdict(Do(DiffConfig, request, response)), "OK");
  ASSERT_EQ(response.diffs_size(), 1);
  ASSERT_EQ(response.diffs(0).fields_size(), 1);
  EXPECT_EQ(response.diffs(0).fields(0).path(), "deployedRevision");
  EXPECT_EQ(response.diffs(0).fields(0).old_value(), "apis/orders/revisions/1");
  EXPECT_EQ(response.diffs(0).fields(0).new_value(), "apis/orders/revisions/2");
  // The same from somebody else.
  request.set_owner("team");
  ASSERT_EQ(Verdict(Do(DiffConfig, request, response)), "OK");
  ASSERT_EQ(response.diffs_size(), 1);
  EXPECT_EQ(response.diffs(0).fields(0).path(), "owner");
  EXPECT_EQ(response.diffs(0).fields(0).old_value(), "admin");
  EXPECT_EQ(response.diffs(0).fields(0).new_value(), "team");
}

TEST_F(ApplyTest, Diff_namesFieldsAndChangesNothing) {
  Apply(All());
  const std::string before = Everything();
  v1::DiffConfigRequest request;
  *request.mutable_bundle() = BundleOf(std::string(kOrders) + "description: new\n");
  request.set_prune(true);
  v1::DiffConfigResponse response;
  EXPECT_EQ(Verdict(Do(DiffConfig, request, response)), "OK");
  ASSERT_EQ(response.diffs_size(), 3);
  EXPECT_EQ(response.diffs(0).name(), "apis/orders");
  ASSERT_EQ(response.diffs(0).fields_size(), 1);
  EXPECT_EQ(response.diffs(0).fields(0).path(), "description");
  EXPECT_EQ(response.diffs(0).fields(0).new_value(), "new");
  EXPECT_EQ(response.diffs(1).action(), v1::APPLY_ACTION_DELETED);
  EXPECT_EQ(Everything(), before);
}

TEST_F(ApplyTest, Directory_isItsOwnOwnerAndPrunes) {
  config::Violations violations;
  const auto both = config::ReadText("d.yaml", Renamed("a") + "---\n" + Renamed("b"), "",
                                     violations);
  Call call("definitions");
  const auto first = ApplyDefinitions(*deployer_, "/etc/d", both, secrets_, call);
  ASSERT_TRUE(first.ok()) << MessageOf(first.status());
  EXPECT_EQ(first->changed.size(), 2U);
  EXPECT_EQ(Get("apis/a").managed_by(), cfg::MANAGED_BY_FILE);
  EXPECT_EQ(Get("apis/a").owner(), "file:/etc/d");
  v1::DeployApiRequest deploy;
  deploy.set_name("apis/a");
  cfg::ApiRevision revision;
  EXPECT_EQ(Verdict(Do(DeployApi, deploy, revision)), "FAILED_PRECONDITION MANAGED_ELSEWHERE");
  const auto one = config::ReadText("d.yaml", Renamed("a"), "", violations);
  const auto second = ApplyDefinitions(*deployer_, "/etc/d", one, secrets_, call);
  ASSERT_TRUE(second.ok()) << MessageOf(second.status());
  EXPECT_EQ(second->changed, std::vector<std::string>{"apis/b"});
  EXPECT_EQ(plane_.Serving("b"), nullptr);
}

TEST_F(ApplyTest, DirectoryThatListsAnApiNoLonger_deletesItWithItsSubscriptions) {
  config::Violations violations;
  const auto documents = config::ReadText("d.yaml", kOrders, "", violations);
  Call call("definitions");
  ASSERT_TRUE(IsOk(ApplyDefinitions(*deployer_, "/etc/d", documents, secrets_, call)));
  Apply(kStorefront);
  v1::CreateSubscriptionRequest subscribe;
  subscribe.set_parent("apis/orders");
  subscribe.set_subscription_id("late");
  subscribe.mutable_subscription()->set_plan("partners");
  subscribe.mutable_subscription()->set_application("storefront");
  cfg::Subscription subscription;
  ASSERT_EQ(Verdict(Do(CreateSubscription, subscribe, subscription)), "OK");
  const auto done = ApplyDefinitions(*deployer_, "/etc/d", {}, secrets_, call);
  ASSERT_TRUE(done.ok()) << MessageOf(done.status());
  EXPECT_TRUE(deployer_->Read()->apis.empty());
  EXPECT_TRUE(deployer_->Read()->subscriptions.empty());
  EXPECT_TRUE(plane_.serving.empty());
}

TEST_F(ApplyTest, FileThatMovesToAnotherDirectory_changesOwnersAndNothingElse) {
  for (const bool giver_first : {false, true}) {
    UseStore(state::MakeMemoryStore());
    DirectoryBWithSubscriptions();
    const std::string moved = All() + "apiKeys: [{name: main}]\n";
    const std::string key = GetSub("apis/orders/subscriptions/storefront").api_keys(0).sha256();
    const cfg::Subscription late = GetSub("apis/orders/subscriptions/late");
    const auto give = [&] {
      const auto given = ApplyDirectory("/etc/b", "", AListsEverything());
      ASSERT_TRUE(IsOk(given));
      EXPECT_EQ(given->changed, std::vector<std::string>{});
      EXPECT_EQ(given->kept.size(), giver_first ? 3U : 0U);
    };
    if (giver_first) give();
    EXPECT_EQ(Get("apis/orders").owner(), "file:/etc/b");
    const auto taken = ApplyDirectory("/etc/a", moved, BHasGivenUp());
    ASSERT_TRUE(IsOk(taken));
    EXPECT_TRUE(taken->keys.empty()) << "no key was made anew";
    if (!giver_first) give();
    const cfg::Api orders = Get("apis/orders");
    EXPECT_EQ(orders.owner(), "file:/etc/a");
    EXPECT_EQ(orders.deployed_revision(), "apis/orders/revisions/1");
    const cfg::Subscription own = GetSub("apis/orders/subscriptions/storefront");
    EXPECT_EQ(own.owner(), "file:/etc/a");
    EXPECT_EQ(own.api_keys(0).sha256(), key);
    EXPECT_EQ(GetSub("apis/orders/subscriptions/late").SerializeAsString(),
              late.SerializeAsString());
    EXPECT_EQ(plane_.SubscriptionOf("orders", "late")->keys.size(), 1U);
  }
}

TEST_F(ApplyTest, WhatNoDirectoryGivesUp_isNotTakenOver) {
  DirectoryBWithSubscriptions();
  const std::string before = Everything();
  EXPECT_EQ(Verdict(ApplyDirectory("/etc/a", kOrders).status()),
            "FAILED_PRECONDITION MANAGED_ELSEWHERE");
  OtherDirectories others;  // B lists it still
  others.yields = [](const std::string& owner, const std::string& name) {
    return owner == "file:/etc/b" && name != "apis/orders";
  };
  EXPECT_EQ(Verdict(ApplyDirectory("/etc/a", kOrders, others).status()),
            "FAILED_PRECONDITION MANAGED_ELSEWHERE");
  EXPECT_EQ(Everything(), before);
  Apply(Renamed("theirs"));  // its owner is no directory
  EXPECT_EQ(Verdict(ApplyDirectory("/etc/a", Renamed("theirs"), BHasGivenUp()).status()),
            "FAILED_PRECONDITION MANAGED_ELSEWHERE");
  EXPECT_EQ(Get("apis/theirs").owner(), "admin");
}

TEST_F(ApplyTest, WhatNoOtherDirectoryClaims_isPruned) {
  ASSERT_TRUE(IsOk(ApplyDirectory("/etc/b", Renamed("a") + "---\n" + Renamed("b"))));
  OtherDirectories others;
  others.claims = [](const std::string& name) { return name == "apis/a"; };
  const auto done = ApplyDirectory("/etc/b", "", others);
  ASSERT_TRUE(IsOk(done));
  EXPECT_EQ(done->kept, std::vector<std::string>{"apis/a"});
  EXPECT_EQ(done->changed, std::vector<std::string>{"apis/b"});
  EXPECT_NE(plane_.Serving("a"), nullptr);
  EXPECT_EQ(plane_.Serving("b"), nullptr);
}

}  // namespace
}  // namespace tidegate::admin
