// What PlanService and ApplicationService do, without gRPC: one function for each rpc.
// Thread: any that may block for seconds. Owner: none. Fails: by the error catalogue.
#pragma once

#include "server/admin/call.h"
#include "server/admin/deployer.h"
#include "tidegate/admin/v1/application_service.pb.h"
#include "tidegate/admin/v1/plan_service.pb.h"

namespace tidegate::admin {

Status CreatePlan(Deployer& deployer, Call& call, const v1::CreatePlanRequest& request,
                  cfg::Plan& response);
Status GetPlan(Deployer& deployer, Call& call, const v1::GetPlanRequest& request,
               cfg::Plan& response);
Status ListPlans(Deployer& deployer, Call& call, const v1::ListPlansRequest& request,
                 v1::ListPlansResponse& response);
Status UpdatePlan(Deployer& deployer, Call& call, const v1::UpdatePlanRequest& request,
                  cfg::Plan& response);
Status DeletePlan(Deployer& deployer, Call& call, const v1::DeletePlanRequest& request,
                  google::protobuf::Empty& response);
Status PublishPlan(Deployer& deployer, Call& call, const v1::PublishPlanRequest& request,
                   cfg::Plan& response);
Status DeprecatePlan(Deployer& deployer, Call& call, const v1::DeprecatePlanRequest& request,
                     cfg::Plan& response);
Status ClosePlan(Deployer& deployer, Call& call, const v1::ClosePlanRequest& request,
                 cfg::Plan& response);

Status CreateApplication(Deployer& deployer, Call& call,
                         const v1::CreateApplicationRequest& request,
                         cfg::Application& response);
Status GetApplication(Deployer& deployer, Call& call, const v1::GetApplicationRequest& request,
                      cfg::Application& response);
Status ListApplications(Deployer& deployer, Call& call,
                        const v1::ListApplicationsRequest& request,
                        v1::ListApplicationsResponse& response);
Status UpdateApplication(Deployer& deployer, Call& call,
                         const v1::UpdateApplicationRequest& request,
                         cfg::Application& response);
Status DeleteApplication(Deployer& deployer, Call& call,
                         const v1::DeleteApplicationRequest& request,
                         google::protobuf::Empty& response);

}  // namespace tidegate::admin
