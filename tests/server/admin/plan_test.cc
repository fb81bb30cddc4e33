// PlanService and ApplicationService.
#include "tests/server/admin/admin_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::admin {
namespace {

class PlanTest : public AdminTest {
 protected:
  void SetUp() override {
    AdminTest::SetUp();
    ApplyAll();
  }
  template <typename Request>
  Status OnPlan(Status (*operation)(Deployer&, Call&, const Request&, cfg::Plan&),
                const std::string& name, cfg::Plan& plan) {
    Request request;
    request.set_name(name);
    return Do(operation, request, plan);
  }
  const model::Plan* Served(const std::string& name) {
    for (const model::Plan& plan : plane_.Serving("orders")->plans) {
      if (plan.name == name) return &plan;
    }
    return nullptr;
  }
};

TEST_F(PlanTest, CreateThenPublish_goesLiveAloneAndAtOnce) {
  v1::UpdateApiRequest update;
  update.mutable_api()->set_name("apis/orders");
  update.mutable_api()->set_description("not deployed");
  cfg::Api api;
  ASSERT_TRUE(IsOk(Do(UpdateApi, update, api)));

  v1::CreatePlanRequest request;
  request.set_parent("apis/orders");
  request.set_plan_id("gold");
  request.mutable_plan()->mutable_api_key();
  cfg::Plan plan;
  ASSERT_EQ(Verdict(Do(CreatePlan, request, plan)), "OK");
  EXPECT_EQ(plan.name(), "apis/orders/plans/gold");
  EXPECT_EQ(plan.stage(), cfg::PLAN_STAGE_STAGING);
  EXPECT_EQ(plan.etag(), Get("apis/orders").etag());
  EXPECT_EQ(Served("gold"), nullptr);
  EXPECT_EQ(plane_.Serving("orders")->revision, 1U);
  EXPECT_EQ(Verdict(Do(CreatePlan, request, plan)), "ALREADY_EXISTS RESOURCE_EXISTS");

  ASSERT_EQ(Verdict(OnPlan(PublishPlan, "apis/orders/plans/gold", plan)), "OK");
  EXPECT_EQ(plan.stage(), cfg::PLAN_STAGE_PUBLISHED);
  ASSERT_NE(Served("gold"), nullptr);
  EXPECT_EQ(plane_.Serving("orders")->revision, 2U);
  EXPECT_EQ(Verdict(OnPlan(PublishPlan, "apis/orders/plans/gold", plan)),
            "FAILED_PRECONDITION WRONG_STATE");
  v1::GetApiRevisionRequest latest;
  latest.set_name("apis/orders/revisions/latest");
  cfg::ApiRevision revision;
  ASSERT_TRUE(IsOk(Do(GetApiRevision, latest, revision)));
  EXPECT_EQ(revision.snapshot().description(), "") << "only the plan went live";
}

TEST_F(PlanTest, CreateRefused_withoutSecurityOrParent) {
  v1::CreatePlanRequest request;
  request.set_parent("apis/orders");
  request.set_plan_id("gold");
  cfg::Plan plan;
  EXPECT_EQ(Verdict(Do(CreatePlan, request, plan)), "INVALID_ARGUMENT REQUIRED_FIELD_MISSING");
  request.mutable_plan();
  EXPECT_EQ(Do(CreatePlan, request, plan).code(), StatusCode::kInvalidArgument);
  request.mutable_plan()->mutable_keyless();
  request.set_parent("apis/none");
  EXPECT_EQ(Verdict(Do(CreatePlan, request, plan)), "NOT_FOUND RESOURCE_NOT_FOUND");
}

TEST_F(PlanTest, DeprecateThenClose_cannotBeUndoneAndClosesSubscriptions) {
  const std::string name = "apis/orders/plans/partners";
  cfg::Plan plan;
  ASSERT_EQ(Verdict(OnPlan(DeprecatePlan, name, plan)), "OK");
  EXPECT_EQ(Served("partners")->stage, model::PlanStage::kDeprecated);
  EXPECT_NE(plane_.SubscriptionOf("orders", "storefront"), nullptr);
  EXPECT_EQ(Verdict(OnPlan(DeprecatePlan, name, plan)), "FAILED_PRECONDITION WRONG_STATE");
  ASSERT_EQ(Verdict(OnPlan(ClosePlan, name, plan)), "OK");
  EXPECT_EQ(Served("partners")->stage, model::PlanStage::kClosed);
  EXPECT_EQ(plane_.SubscriptionOf("orders", "storefront"), nullptr);
  EXPECT_EQ(GetSub("apis/orders/subscriptions/storefront").state(),
            cfg::SUBSCRIPTION_STATE_CLOSED);
  EXPECT_EQ(Verdict(OnPlan(ClosePlan, name, plan)), "FAILED_PRECONDITION WRONG_STATE");
  // A file that says nothing of the stage does not bring it back.
  ApplyAll();
  EXPECT_EQ(Get("apis/orders").plans(1).stage(), cfg::PLAN_STAGE_CLOSED);
}

TEST_F(PlanTest, GetListUpdateDelete) {
  v1::GetPlanRequest get;
  get.set_name("apis/orders/plans/none");
  cfg::Plan plan;
  EXPECT_EQ(Verdict(Do(GetPlan, get, plan)), "NOT_FOUND RESOURCE_NOT_FOUND");
  get.set_name("apis/orders/plans/open");
  ASSERT_EQ(Verdict(Do(GetPlan, get, plan)), "OK");

  v1::ListPlansRequest list;
  list.set_parent("apis/-");
  v1::ListPlansResponse plans;
  ASSERT_EQ(Verdict(Do(ListPlans, list, plans)), "OK");
  EXPECT_EQ(plans.plans_size(), 2);
  list.set_parent("apis/none");
  EXPECT_EQ(Verdict(Do(ListPlans, list, plans)), "NOT_FOUND RESOURCE_NOT_FOUND");

  v1::UpdatePlanRequest update;
  *update.mutable_plan() = plan;
  update.mutable_plan()->set_display_name("Everyone");
  ASSERT_EQ(Verdict(Do(UpdatePlan, update, plan)), "OK");
  EXPECT_EQ(plan.display_name(), "Everyone");
  EXPECT_EQ(Verdict(Do(UpdatePlan, update, plan)), "ABORTED ETAG_MISMATCH");
  update.mutable_plan()->clear_etag();
  update.mutable_plan()->set_stage(cfg::PLAN_STAGE_CLOSED);
  EXPECT_EQ(Verdict(Do(UpdatePlan, update, plan)), "INVALID_ARGUMENT INVALID_FIELD");

  v1::DeletePlanRequest gone;
  gone.set_name("apis/orders/plans/partners");
  google::protobuf::Empty empty;
  EXPECT_EQ(Verdict(Do(DeletePlan, gone, empty)), "FAILED_PRECONDITION HAS_CHILDREN");
  gone.set_force(true);
  ASSERT_EQ(Verdict(Do(DeletePlan, gone, empty)), "OK");
  EXPECT_EQ(Get("apis/orders").plans_size(), 1);
  EXPECT_TRUE(deployer_->Read()->subscriptions.empty());
  EXPECT_EQ(Verdict(Do(DeletePlan, gone, empty)), "NOT_FOUND RESOURCE_NOT_FOUND");
  gone.set_allow_missing(true);
  EXPECT_EQ(Verdict(Do(DeletePlan, gone, empty)), "OK");
}

TEST_F(PlanTest, SecurityOfASubscribedPlan_cannotChange) {
  v1::UpdatePlanRequest update;
  update.mutable_plan()->set_name("apis/orders/plans/partners");
  update.mutable_plan()->mutable_keyless();
  cfg::Plan plan;
  EXPECT_EQ(Verdict(Do(UpdatePlan, update, plan)), "FAILED_PRECONDITION HAS_CHILDREN");
}

TEST_F(PlanTest, Applications_areCreatedListedChangedAndDeleted) {
  v1::CreateApplicationRequest create;
  create.set_application_id("backoffice");
  create.mutable_application()->set_display_name("Back office");
  cfg::Application application;
  ASSERT_EQ(Verdict(Do(CreateApplication, create, application)), "OK");
  EXPECT_EQ(application.name(), "applications/backoffice");
  EXPECT_EQ(Verdict(Do(CreateApplication, create, application)), "ALREADY_EXISTS RESOURCE_EXISTS");
  create.set_application_id("Bad Name");
  EXPECT_EQ(Verdict(Do(CreateApplication, create, application)), "INVALID_ARGUMENT INVALID_FIELD");

  v1::ListApplicationsRequest list;
  v1::ListApplicationsResponse all;
  ASSERT_EQ(Verdict(Do(ListApplications, list, all)), "OK");
  EXPECT_EQ(all.applications_size(), 2);

  v1::UpdateApplicationRequest update;
  update.mutable_application()->set_name("applications/backoffice");
  update.mutable_application()->set_client_id("b-1");
  ASSERT_EQ(Verdict(Do(UpdateApplication, update, application)), "OK");
  EXPECT_EQ(application.client_id(), "b-1");
  EXPECT_EQ(application.display_name(), "Back office");
  update.mutable_application()->set_etag("\"old\"");
  EXPECT_EQ(Verdict(Do(UpdateApplication, update, application)), "ABORTED ETAG_MISMATCH");

  v1::GetApplicationRequest get;
  get.set_name("applications/none");
  EXPECT_EQ(Verdict(Do(GetApplication, get, application)), "NOT_FOUND RESOURCE_NOT_FOUND");

  v1::DeleteApplicationRequest gone;
  gone.set_name("applications/storefront");
  google::protobuf::Empty empty;
  EXPECT_EQ(Verdict(Do(DeleteApplication, gone, empty)), "FAILED_PRECONDITION HAS_CHILDREN");
  gone.set_force(true);
  gone.set_validate_only(true);
  ASSERT_EQ(Verdict(Do(DeleteApplication, gone, empty)), "OK");
  EXPECT_NE(plane_.SubscriptionOf("orders", "storefront"), nullptr);
  gone.set_validate_only(false);
  ASSERT_EQ(Verdict(Do(DeleteApplication, gone, empty)), "OK");
  EXPECT_EQ(plane_.SubscriptionOf("orders", "storefront"), nullptr);
}

}  // namespace
}  // namespace tidegate::admin
