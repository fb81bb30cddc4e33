// ApiService: what each call does, and every way in which it is refused.
#include "tests/server/admin/admin_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::admin {
namespace {

class ApiTest : public AdminTest {
 protected:
  Status Create(const std::string& yaml, cfg::Api& response, bool validate_only = false) {
    v1::CreateApiRequest request;
    *request.mutable_api() = FromYaml<cfg::Api>(yaml);
    request.set_validate_only(validate_only);
    return Do(CreateApi, request, response);
  }
  Status Create(const std::string& yaml) {
    cfg::Api response;
    return Create(yaml, response);
  }
  Status Deploy(const std::string& name, bool validate_only = false) {
    v1::DeployApiRequest request;
    request.set_name(name);
    request.set_validate_only(validate_only);
    cfg::ApiRevision response;
    return Do(DeployApi, request, response);
  }
};

TEST_F(ApiTest, Create_storesWithoutServing) {
  cfg::Api api;
  ASSERT_TRUE(IsOk(Create(kOrders, api)));
  EXPECT_EQ(api.name(), "apis/orders");
  EXPECT_EQ(api.plans(0).name(), "apis/orders/plans/open");
  EXPECT_EQ(api.state(), cfg::API_STATE_STORED);
  EXPECT_EQ(api.uid().size(), 36U);
  EXPECT_EQ(api.etag().front(), '"');
  EXPECT_EQ(api.create_time().seconds(), 1'700'000'000);
  EXPECT_EQ(api.managed_by(), cfg::MANAGED_BY_ADMIN);
  EXPECT_EQ(plane_.Serving("orders"), nullptr);
  EXPECT_EQ(Get("apis/orders").etag(), api.etag());
}

TEST_F(ApiTest, CreateWithIdApart_takesIt) {
  v1::CreateApiRequest request;
  *request.mutable_api() = FromYaml<cfg::Api>(kOrders);
  request.mutable_api()->clear_name();
  for (cfg::Plan& plan : *request.mutable_api()->mutable_plans()) {
    plan.set_name(plan.name().substr(plan.name().rfind('/') + 1));
  }
  request.set_api_id("other");
  cfg::Api api;
  ASSERT_EQ(Verdict(Do(CreateApi, request, api)), "OK");
  EXPECT_EQ(api.name(), "apis/other");
  EXPECT_EQ(api.plans(0).name(), "apis/other/plans/open");
  request.mutable_api()->set_name("apis/third");
  EXPECT_EQ(Verdict(Do(CreateApi, request, api)), "INVALID_ARGUMENT INVALID_FIELD");
  request.clear_api();
  EXPECT_EQ(Verdict(Do(CreateApi, request, api)), "INVALID_ARGUMENT REQUIRED_FIELD_MISSING");
}

TEST_F(ApiTest, CreateTwice_isRefusedNamingTheResource) {
  ASSERT_TRUE(IsOk(Create(kOrders)));
  const Status status = Create(kOrders);
  EXPECT_EQ(Verdict(status), "ALREADY_EXISTS RESOURCE_EXISTS");
  EXPECT_EQ(DetailOf<google::rpc::ResourceInfo>(ToRpcStatus(status)).resource_name(),
            "apis/orders");
}

TEST_F(ApiTest, CreateWithSameRequestId_hasNoSecondEffect) {
  v1::CreateApiRequest request;
  *request.mutable_api() = FromYaml<cfg::Api>(kOrders);
  request.set_request_id("0b9e24f8-55a4-4ad5-8d0c-0f6f6a3b9a01");
  cfg::Api first;
  cfg::Api second;
  ASSERT_TRUE(IsOk(Do(CreateApi, request, first)));
  ASSERT_TRUE(IsOk(Do(CreateApi, request, second)));
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
  request.mutable_api()->set_description("another request");
  EXPECT_EQ(Verdict(Do(CreateApi, request, second)), "INVALID_ARGUMENT INVALID_FIELD");
  request.set_request_id("not a uuid");
  EXPECT_EQ(Verdict(Do(CreateApi, request, second)), "INVALID_ARGUMENT INVALID_FIELD");
}

TEST_F(ApiTest, InvalidApi_isToldWithAllFieldsAtOnce) {
  v1::CreateApiRequest request;
  *request.mutable_api() = FromYaml<cfg::Api>(kOrders);
  request.mutable_api()->mutable_listeners(0)->set_path("no-slash");
  request.mutable_api()->mutable_endpoint_groups(0)->mutable_endpoints(0)->set_weight(5000);
  request.mutable_api()->mutable_plans(0)->clear_security();
  cfg::Api api;
  const Status status = Do(CreateApi, request, api);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  const auto bad = DetailOf<google::rpc::BadRequest>(ToRpcStatus(status));
  std::string fields;
  for (const auto& one : bad.field_violations()) fields += one.field() + " ";
  EXPECT_NE(fields.find("api.listeners[0].path "), std::string::npos) << fields;
  EXPECT_NE(fields.find("api.endpointGroups[0].endpoints[0].weight "), std::string::npos) << fields;
  EXPECT_NE(fields.find("api.plans[0]"), std::string::npos) << fields;
  EXPECT_TRUE(deployer_->Read()->apis.empty());
}

TEST_F(ApiTest, UnknownField_isRefused) {
  v1::CreateApiRequest request;
  *request.mutable_api() = FromYaml<cfg::Api>(kOrders);
  auto* plan = request.mutable_api()->mutable_plans(0);
  plan->GetReflection()->MutableUnknownFields(plan)->AddVarint(4711, 1);
  cfg::Api api;
  EXPECT_EQ(Verdict(Do(CreateApi, request, api)), "INVALID_ARGUMENT UNKNOWN_FIELD");
}

TEST_F(ApiTest, ManyViolations_areCappedAndCounted) {
  v1::CreateApiRequest request;
  *request.mutable_api() = FromYaml<cfg::Api>(kOrders);
  for (int i = 0; i < 49; ++i) request.mutable_api()->add_listeners()->set_path("bad path");
  cfg::Api api;
  const Status status = Do(CreateApi, request, api);
  const google::rpc::Status rpc = ToRpcStatus(status);
  const auto bad = DetailOf<google::rpc::BadRequest>(rpc);
  EXPECT_LE(bad.field_violations_size(), 40);
  EXPECT_LE(bad.ByteSizeLong(), 4096U);
  const auto info = DetailOf<google::rpc::ErrorInfo>(rpc);
  EXPECT_EQ(info.metadata().at("truncated"), "true");
  EXPECT_GE(std::stoi(info.metadata().at("violation_count")), 49);
}

TEST_F(ApiTest, Get_refusesWhatIsNoNameAndWhatIsNotThere) {
  v1::GetApiRequest request;
  cfg::Api api;
  EXPECT_EQ(Verdict(Do(GetApi, request, api)), "INVALID_ARGUMENT REQUIRED_FIELD_MISSING");
  request.set_name("orders");
  EXPECT_EQ(Verdict(Do(GetApi, request, api)), "INVALID_ARGUMENT INVALID_FIELD");
  request.set_name("apis/orders");
  EXPECT_EQ(Verdict(Do(GetApi, request, api)), "NOT_FOUND RESOURCE_NOT_FOUND");
}

TEST_F(ApiTest, List_pagesByName) {
  for (const char* name : {"c", "a", "b"}) {
    std::string yaml = kOrders;
    yaml.replace(yaml.find("name: orders"), 12, std::string("name: ") + name);
    ASSERT_TRUE(IsOk(Create(yaml)));
  }
  v1::ListApisRequest request;
  request.set_page_size(2);
  v1::ListApisResponse page;
  ASSERT_TRUE(IsOk(Do(ListApis, request, page)));
  ASSERT_EQ(page.apis_size(), 2);
  EXPECT_EQ(page.apis(0).name(), "apis/a");
  EXPECT_EQ(page.apis(0).plans_size(), 0) << "lists tell the basics";
  request.set_page_token(page.next_page_token());
  request.set_view(v1::API_VIEW_FULL);
  page.Clear();
  ASSERT_TRUE(IsOk(Do(ListApis, request, page)));
  ASSERT_EQ(page.apis_size(), 1);
  EXPECT_EQ(page.apis(0).name(), "apis/c");
  EXPECT_EQ(page.apis(0).plans_size(), 2);
  EXPECT_EQ(page.next_page_token(), "");
  request.set_page_token("AAAA");
  EXPECT_EQ(Verdict(Do(ListApis, request, page)), "INVALID_ARGUMENT INVALID_PAGE_TOKEN");
  request.clear_page_token();
  request.set_page_size(-1);
  EXPECT_EQ(Verdict(Do(ListApis, request, page)), "INVALID_ARGUMENT INVALID_FIELD");
  request.set_page_size(100'000);
  EXPECT_EQ(Verdict(Do(ListApis, request, page)), "OK");
}

TEST_F(ApiTest, Update_changesWhatTheMaskNames) {
  ASSERT_TRUE(IsOk(Create(kOrders)));
  const cfg::Api before = Get("apis/orders");
  v1::UpdateApiRequest request;
  request.mutable_api()->set_name("apis/orders");
  request.mutable_api()->set_display_name("New");
  request.mutable_api()->set_description("ignored, not in the mask");
  request.mutable_api()->set_etag(before.etag());
  request.mutable_update_mask()->add_paths("display_name");
  cfg::Api after;
  now_ += std::chrono::seconds(60);
  ASSERT_EQ(Verdict(Do(UpdateApi, request, after)), "OK");
  EXPECT_EQ(after.display_name(), "New");
  EXPECT_EQ(after.description(), "");
  EXPECT_EQ(after.plans_size(), 2);
  EXPECT_NE(after.etag(), before.etag());
  EXPECT_EQ(after.uid(), before.uid());
  EXPECT_EQ(after.create_time().seconds(), before.create_time().seconds());
  EXPECT_EQ(after.update_time().seconds(), before.update_time().seconds() + 60);

  const Status stale = Do(UpdateApi, request, after);
  EXPECT_EQ(Verdict(stale), "ABORTED ETAG_MISMATCH");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(ToRpcStatus(stale)).metadata().at("current_etag"),
            Get("apis/orders").etag());
  request.mutable_update_mask()->set_paths(0, "no_such_field");
  request.mutable_api()->clear_etag();
  EXPECT_EQ(Verdict(Do(UpdateApi, request, after)), "INVALID_ARGUMENT UNKNOWN_FIELD_MASK");
}

TEST_F(ApiTest, UpdateWithoutMask_changesTheFieldsThatAreSet) {
  ASSERT_TRUE(IsOk(Create(kOrders)));
  v1::UpdateApiRequest request;
  request.mutable_api()->set_name("apis/orders");
  request.mutable_api()->set_description("text");
  cfg::Api after;
  ASSERT_TRUE(IsOk(Do(UpdateApi, request, after)));
  EXPECT_EQ(after.description(), "text");
  EXPECT_EQ(after.display_name(), "Orders");
  *request.mutable_api() = FromYaml<cfg::Api>(kOrders);
  request.mutable_update_mask()->add_paths("*");
  ASSERT_EQ(Verdict(Do(UpdateApi, request, after)), "OK");
  EXPECT_EQ(after.description(), "");
}

TEST_F(ApiTest, UpdateOfMissing_createsOnlyWhenAllowed) {
  v1::UpdateApiRequest request;
  *request.mutable_api() = FromYaml<cfg::Api>(kOrders);
  cfg::Api api;
  EXPECT_EQ(Verdict(Do(UpdateApi, request, api)), "NOT_FOUND RESOURCE_NOT_FOUND");
  request.set_allow_missing(true);
  request.set_validate_only(true);
  EXPECT_EQ(Verdict(Do(UpdateApi, request, api)), "OK");
  EXPECT_TRUE(deployer_->Read()->apis.empty());
  request.set_validate_only(false);
  EXPECT_EQ(Verdict(Do(UpdateApi, request, api)), "OK");
  EXPECT_EQ(deployer_->Read()->apis.size(), 1U);
}

TEST_F(ApiTest, Delete_needsForceWhenItHasSubscriptions) {
  ApplyAll();
  v1::DeleteApiRequest request;
  request.set_name("apis/orders");
  google::protobuf::Empty empty;
  const Status status = Do(DeleteApi, request, empty);
  EXPECT_EQ(Verdict(status), "FAILED_PRECONDITION HAS_CHILDREN");
  EXPECT_EQ(DetailOf<google::rpc::PreconditionFailure>(ToRpcStatus(status)).violations_size(), 1);
  request.set_etag("\"stale\"");
  EXPECT_EQ(Verdict(Do(DeleteApi, request, empty)), "ABORTED ETAG_MISMATCH");
  request.clear_etag();
  request.set_force(true);
  ASSERT_EQ(Verdict(Do(DeleteApi, request, empty)), "OK");
  EXPECT_TRUE(plane_.serving.empty());
  EXPECT_TRUE(deployer_->Read()->subscriptions.empty());
  EXPECT_EQ(Verdict(Do(DeleteApi, request, empty)), "NOT_FOUND RESOURCE_NOT_FOUND");
  request.set_allow_missing(true);
  EXPECT_EQ(Verdict(Do(DeleteApi, request, empty)), "OK");
}

TEST_F(ApiTest, Deploy_servesARevision) {
  ASSERT_TRUE(IsOk(Create(kOrders)));
  v1::DeployApiRequest request;
  request.set_name("apis/orders");
  cfg::ApiRevision revision;
  ASSERT_EQ(Verdict(Do(DeployApi, request, revision)), "OK");
  EXPECT_EQ(revision.name(), "apis/orders/revisions/1");
  ASSERT_NE(plane_.Serving("orders"), nullptr);
  EXPECT_EQ(plane_.Serving("orders")->revision, 1U);
  const cfg::Api api = Get("apis/orders");
  EXPECT_EQ(api.state(), cfg::API_STATE_LIVE);
  EXPECT_EQ(api.deployed_revision(), "apis/orders/revisions/1");
  request.set_name("apis/other");
  EXPECT_EQ(Verdict(Do(DeployApi, request, revision)), "NOT_FOUND RESOURCE_NOT_FOUND");
}

TEST_F(ApiTest, DeployThatTheAssemblerRefuses_changesNothing) {
  ASSERT_TRUE(IsOk(Create(kOrders)));
  ASSERT_TRUE(IsOk(Deploy("apis/orders")));
  plane_.problems = {{"orders", "entrypoints[0].qos", "INCOMPATIBLE_QOS", "cannot"}};
  v1::UpdateApiRequest update;
  update.mutable_api()->set_name("apis/orders");
  update.mutable_api()->set_description("next");
  cfg::Api api;
  ASSERT_TRUE(IsOk(Do(UpdateApi, update, api)));
  const std::string before = Everything();
  for (const bool validate_only : {true, false}) {
    const Status status = Deploy("apis/orders", validate_only);
    EXPECT_EQ(Verdict(status), "INVALID_ARGUMENT INCOMPATIBLE_QOS");
    const auto bad = DetailOf<google::rpc::BadRequest>(ToRpcStatus(status));
    EXPECT_EQ(bad.field_violations(0).field(), "entrypoints[0].qos");
  }
  EXPECT_EQ(Everything(), before);
  EXPECT_EQ(plane_.Serving("orders")->revision, 1U);
  plane_.problems[0].reason = "SECRET_UNRESOLVED";
  EXPECT_EQ(Verdict(Deploy("apis/orders")), "FAILED_PRECONDITION SECRET_UNRESOLVED");
}

TEST_F(ApiTest, DeployThatIsNotConfirmed_isTakenBack) {
  ASSERT_TRUE(IsOk(Create(kOrders)));
  ASSERT_TRUE(IsOk(Deploy("apis/orders")));
  const std::string before = Everything();
  const auto stored = store_->Load();
  plane_.publish_result = DeadlineExceeded("flow: a worker did not answer");
  EXPECT_EQ(Deploy("apis/orders").code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Everything(), before);
  EXPECT_EQ(plane_.Serving("orders")->revision, 1U);
  EXPECT_EQ(store_->Load()->last_revision.at("apis/orders"), 1U);
  EXPECT_EQ(store_->Load()->records.size(), stored->records.size());
  EXPECT_TRUE(IsOk(Deploy("apis/orders")));
}

TEST_F(ApiTest, ListenerTakenByAnother_isRefusedAtDeploy) {
  ASSERT_TRUE(IsOk(Create(kOrders)));
  ASSERT_TRUE(IsOk(Deploy("apis/orders")));
  std::string yaml = kOrders;
  yaml.replace(yaml.find("name: orders"), 12, "name: copies");
  ASSERT_TRUE(IsOk(Create(yaml)));
  const Status status = Deploy("apis/copies");
  EXPECT_EQ(Verdict(status), "ALREADY_EXISTS LISTENER_CONFLICT");
  const auto info = DetailOf<google::rpc::ErrorInfo>(ToRpcStatus(status));
  EXPECT_EQ(info.metadata().at("path"), "/orders");
  EXPECT_EQ(info.metadata().at("api"), "apis/orders");
  const auto bad = DetailOf<google::rpc::BadRequest>(ToRpcStatus(status));
  ASSERT_EQ(bad.field_violations_size(), 1);
  EXPECT_EQ(bad.field_violations(0).field(), "listeners[0].path");
  EXPECT_EQ(bad.field_violations(0).description(),
            "listener /orders of apis/copies is taken by apis/orders");
  EXPECT_EQ(plane_.Serving("copies"), nullptr);
}

TEST_F(ApiTest, StopStartUndeploy_followTheState) {
  ASSERT_TRUE(IsOk(Create(kOrders)));
  v1::StopApiRequest stop;
  v1::StartApiRequest start;
  v1::UndeployApiRequest undeploy;
  for (auto* name : {stop.mutable_name(), start.mutable_name(), undeploy.mutable_name()}) {
    *name = "apis/orders";
  }
  cfg::Api api;
  EXPECT_EQ(Verdict(Do(StopApi, stop, api)), "FAILED_PRECONDITION WRONG_STATE");
  EXPECT_EQ(Verdict(Do(UndeployApi, undeploy, api)), "FAILED_PRECONDITION WRONG_STATE");
  ASSERT_TRUE(IsOk(Deploy("apis/orders")));
  EXPECT_EQ(Verdict(Do(StartApi, start, api)), "FAILED_PRECONDITION WRONG_STATE");
  ASSERT_EQ(Verdict(Do(StopApi, stop, api)), "OK");
  EXPECT_EQ(api.state(), cfg::API_STATE_STOPPED);
  EXPECT_TRUE(plane_.Serving("orders")->stopped);
  ASSERT_EQ(Verdict(Do(StartApi, start, api)), "OK");
  EXPECT_FALSE(plane_.Serving("orders")->stopped);
  EXPECT_EQ(plane_.Serving("orders")->revision, 1U) << "no new revision";
  ASSERT_EQ(Verdict(Do(UndeployApi, undeploy, api)), "OK");
  EXPECT_EQ(api.state(), cfg::API_STATE_STORED);
  EXPECT_EQ(plane_.Serving("orders"), nullptr);
  ASSERT_TRUE(IsOk(Deploy("apis/orders")));
  EXPECT_EQ(plane_.Serving("orders")->revision, 2U) << "numbers are not used twice";
}

TEST_F(ApiTest, ApiWithoutPublishedPlan_isNotDeployed) {
  cfg::Api api;
  std::string yaml = kOrders;
  yaml.replace(yaml.find("plans:"), std::string::npos,
               "plans: [{name: open, keyless: {}, stage: staging}]\n");
  ASSERT_EQ(Verdict(Create(yaml, api)), "OK");
  EXPECT_EQ(Verdict(Deploy("apis/orders")), "FAILED_PRECONDITION WRONG_STATE");
}

TEST_F(ApiTest, RevisionsAndRollback) {
  ASSERT_TRUE(IsOk(Create(kOrders)));
  ASSERT_TRUE(IsOk(Deploy("apis/orders")));
  v1::UpdateApiRequest update;
  update.mutable_api()->set_name("apis/orders");
  update.mutable_api()->set_description("second");
  cfg::Api api;
  ASSERT_TRUE(IsOk(Do(UpdateApi, update, api)));
  v1::DiffApiRequest diff;
  diff.set_name("apis/orders");
  v1::DiffApiResponse differences;
  ASSERT_EQ(Verdict(Do(DiffApi, diff, differences)), "OK");
  ASSERT_EQ(differences.diffs_size(), 1);
  EXPECT_EQ(differences.diffs(0).path(), "description");
  ASSERT_TRUE(IsOk(Deploy("apis/orders")));

  v1::ListApiRevisionsRequest list;
  list.set_parent("apis/orders");
  list.set_page_size(1);
  v1::ListApiRevisionsResponse revisions;
  ASSERT_EQ(Verdict(Do(ListApiRevisions, list, revisions)), "OK");
  ASSERT_EQ(revisions.api_revisions_size(), 1);
  EXPECT_EQ(revisions.api_revisions(0).name(), "apis/orders/revisions/2");
  EXPECT_EQ(revisions.api_revisions(0).alternate_ids(0), "latest");
  list.set_page_token(revisions.next_page_token());
  revisions.Clear();
  ASSERT_EQ(Verdict(Do(ListApiRevisions, list, revisions)), "OK");
  EXPECT_EQ(revisions.api_revisions(0).name(), "apis/orders/revisions/1");
  EXPECT_EQ(revisions.next_page_token(), "");

  v1::GetApiRevisionRequest get;
  get.set_name("apis/orders/revisions/latest");
  cfg::ApiRevision revision;
  ASSERT_EQ(Verdict(Do(GetApiRevision, get, revision)), "OK");
  EXPECT_EQ(revision.snapshot().description(), "second");
  get.set_name("apis/orders/revisions/9");
  EXPECT_EQ(Verdict(Do(GetApiRevision, get, revision)), "NOT_FOUND REVISION_NOT_FOUND");

  v1::RollbackApiRequest rollback;
  rollback.set_name("apis/orders/revisions/1");
  rollback.set_validate_only(true);
  ASSERT_EQ(Verdict(Do(RollbackApi, rollback, revision)), "OK");
  EXPECT_EQ(Get("apis/orders").description(), "second");
  rollback.set_validate_only(false);
  ASSERT_EQ(Verdict(Do(RollbackApi, rollback, revision)), "OK");
  EXPECT_EQ(revision.name(), "apis/orders/revisions/3");
  EXPECT_EQ(Get("apis/orders").description(), "");
  EXPECT_EQ(plane_.Serving("orders")->revision, 3U);
  rollback.set_name("apis/orders/revisions/77");
  EXPECT_EQ(Verdict(Do(RollbackApi, rollback, revision)), "NOT_FOUND REVISION_NOT_FOUND");
}

TEST_F(ApiTest, Clone_copiesUnderAnotherName) {
  ASSERT_TRUE(IsOk(Create(kOrders)));
  v1::CloneApiRequest request;
  request.set_source("apis/orders");
  request.set_api_id("copies");
  request.mutable_overrides()->add_listeners()->set_path("/copies");
  cfg::Api copy;
  ASSERT_EQ(Verdict(Do(CloneApi, request, copy)), "OK");
  EXPECT_EQ(copy.name(), "apis/copies");
  EXPECT_EQ(copy.plans(1).name(), "apis/copies/plans/partners");
  EXPECT_EQ(copy.listeners(0).path(), "/copies");
  EXPECT_NE(copy.uid(), Get("apis/orders").uid());
  EXPECT_EQ(Verdict(Do(CloneApi, request, copy)), "ALREADY_EXISTS RESOURCE_EXISTS");
  request.set_source("apis/none");
  request.set_api_id("third");
  EXPECT_EQ(Verdict(Do(CloneApi, request, copy)), "NOT_FOUND RESOURCE_NOT_FOUND");
}

TEST_F(ApiTest, Secrets_areShownAsSetAndKeptWhenSentBack) {
  std::string yaml = kOrders;
  yaml.replace(yaml.find("mock: {}"), 8,
               "mock: {headers: [{name: X-T, secret: canary-4711}]}");
  cfg::Api api;
  const Status created = Create(yaml, api);
  ASSERT_EQ(Verdict(created), "OK") << MessageOf(created);
  EXPECT_EQ(api.SerializeAsString().find("canary"), std::string::npos);
  const auto& secret = api.endpoint_groups(0).endpoints(0).mock().headers(0).secret();
  EXPECT_TRUE(secret.set());
  EXPECT_EQ(secret.fingerprint().size(), 8U);
  v1::UpdateApiRequest update;
  *update.mutable_api() = api;
  update.mutable_api()->set_description("edited");
  update.mutable_update_mask()->add_paths("*");
  cfg::Api after;
  const Status updated = Do(UpdateApi, update, after);
  ASSERT_EQ(Verdict(updated), "OK") << MessageOf(updated);
  const auto stored = deployer_->Read()->apis.at("apis/orders");
  EXPECT_EQ(stored->endpoint_groups(0).endpoints(0).mock().headers(0).secret().text(),
            "canary-4711");
  EXPECT_EQ(Everything().find("canary"), std::string::npos);
  // A placeholder that stands for nothing is no secret.
  v1::CreateApiRequest other;
  *other.mutable_api() = api;
  other.mutable_api()->set_name("apis/other");
  other.mutable_api()->clear_plans();
  EXPECT_EQ(Verdict(Do(CreateApi, other, after)), "INVALID_ARGUMENT INVALID_FIELD");
}

TEST_F(ApiTest, Ready_followsTheEndpoints) {
  ApplyAll();
  flow::EndpointHealth bad;
  bad.api = "orders";
  bad.endpoint = "main";
  bad.health.state = connectors::HealthState::kFailed;
  bad.health.last_error_text = "refused";
  plane_.endpoints = {bad};
  bool found = false;
  const cfg::Api api = Get("apis/orders");
  for (const cfg::Condition& one : api.conditions()) {
    if (one.type() != "Ready") continue;
    found = true;
    EXPECT_EQ(one.status(), cfg::CONDITION_STATUS_FALSE);
    EXPECT_EQ(one.reason(), "EndpointUnreachable");
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace tidegate::admin
