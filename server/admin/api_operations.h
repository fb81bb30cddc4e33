// What ApiService does, without gRPC: one function for each rpc.
// Thread: any that may block for seconds. Owner: none. Fails: by the error catalogue.
#pragma once

#include "server/admin/call.h"
#include "server/admin/deployer.h"
#include "tidegate/admin/v1/api_service.pb.h"

namespace tidegate::admin {

Status CreateApi(Deployer& deployer, Call& call, const v1::CreateApiRequest& request,
                 cfg::Api& response);
Status GetApi(Deployer& deployer, Call& call, const v1::GetApiRequest& request,
              cfg::Api& response);
Status ListApis(Deployer& deployer, Call& call, const v1::ListApisRequest& request,
                v1::ListApisResponse& response);
Status UpdateApi(Deployer& deployer, Call& call, const v1::UpdateApiRequest& request,
                 cfg::Api& response);
Status DeleteApi(Deployer& deployer, Call& call, const v1::DeleteApiRequest& request,
                 google::protobuf::Empty& response);

// --- api_deployment.cc
Status DeployApi(Deployer& deployer, Call& call, const v1::DeployApiRequest& request,
                 cfg::ApiRevision& response);
Status UndeployApi(Deployer& deployer, Call& call, const v1::UndeployApiRequest& request,
                   cfg::Api& response);
Status StartApi(Deployer& deployer, Call& call, const v1::StartApiRequest& request,
                cfg::Api& response);
Status StopApi(Deployer& deployer, Call& call, const v1::StopApiRequest& request,
               cfg::Api& response);

// --- api_revisions.cc
Status ListApiRevisions(Deployer& deployer, Call& call,
                        const v1::ListApiRevisionsRequest& request,
                        v1::ListApiRevisionsResponse& response);
Status GetApiRevision(Deployer& deployer, Call& call, const v1::GetApiRevisionRequest& request,
                      cfg::ApiRevision& response);
Status RollbackApi(Deployer& deployer, Call& call, const v1::RollbackApiRequest& request,
                   cfg::ApiRevision& response);
Status CloneApi(Deployer& deployer, Call& call, const v1::CloneApiRequest& request,
                cfg::Api& response);
Status DiffApi(Deployer& deployer, Call& call, const v1::DiffApiRequest& request,
               v1::DiffApiResponse& response);

}  // namespace tidegate::admin
