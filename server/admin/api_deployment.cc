// Deploying, stopping and starting APIs.
#include "server/admin/api_operations.h"
#include "server/admin/errors.h"
#include "server/admin/messages.h"
#include "server/admin/rendering.h"
#include "server/admin/writing.h"
#include "tidegate/config/v1/api.pb.h"

namespace tidegate::admin {
namespace {

// What all four rpcs begin with; `edit` gets the stored API.
template <typename Request, typename Edit>
Status OnApi(Deployer& deployer, Call& call, const Request& request, Edit edit) {
  const std::string& name = request.name();
  call.audit.resource = name;
  TG_RETURN_IF_ERROR(RequestName(config::ResourceKind::kApi, "name", name).status());
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    const cfg::Api* stored = change.FindApi(name);
    if (stored == nullptr) return ResourceMissing("tidegate.config.v1.Api", name);
    call.audit.etag_before = stored->etag();
    TG_RETURN_IF_ERROR(CheckEtag(name, stored->etag(), request.etag()));
    WriteOptions options;
    options.force = request.force();
    TG_RETURN_IF_ERROR(CheckOwner(name, stored->owner(), options));
    if (request.force() && stored->owner() != options.owner) {
      cfg::Api taken = *stored;
      taken.set_owner(options.owner);
      taken.set_managed_by(cfg::MANAGED_BY_ADMIN);
      change.Put(taken);
    }
    TG_RETURN_IF_ERROR(edit(change));
    call.audit.etag_after = change.FindApi(name)->etag();
    return OkStatus();
  });
}

Status NotDeployed(const std::string& name) {
  return Precondition("WRONG_STATE", name, "it is not deployed: deploy it first");
}

Status SetStopped(Change& change, const std::string& name, bool stopped, cfg::Api& response) {
  const Deployment* deployment = change.FindDeployment(name);
  if (deployment == nullptr) return NotDeployed(name);
  if (deployment->stopped == stopped) {
    return Precondition("WRONG_STATE", name, stopped ? "it is stopped" : "it is not stopped");
  }
  change.SetStopped(name, stopped);
  response = Render(change.now(), *change.FindApi(name));
  return OkStatus();
}

}  // namespace

Status DeployApi(Deployer& deployer, Call& call, const v1::DeployApiRequest& request,
                 cfg::ApiRevision& response) {
  const std::string& name = request.name();
  return OnApi(deployer, call, request, [&](Change& change) {
    // What the definition says: `stored` only keeps apply from deploying.
    const bool stopped =
        change.FindApi(name)->desired_state() == cfg::API_DESIRED_STATE_STOPPED;
    TG_RETURN_IF_ERROR(DeployStored(change, name, stopped));
    response = *change.FindDeployment(name)->record;
    response.add_alternate_ids("latest");
    return OkStatus();
  });
}

Status UndeployApi(Deployer& deployer, Call& call, const v1::UndeployApiRequest& request,
                   cfg::Api& response) {
  const std::string& name = request.name();
  return OnApi(deployer, call, request, [&](Change& change) {
    if (change.FindDeployment(name) == nullptr) return NotDeployed(name);
    change.Undeploy(name);
    response = Render(change.now(), *change.FindApi(name));
    return OkStatus();
  });
}

Status StartApi(Deployer& deployer, Call& call, const v1::StartApiRequest& request,
                cfg::Api& response) {
  return OnApi(deployer, call, request, [&](Change& change) {
    return SetStopped(change, request.name(), false, response);
  });
}

Status StopApi(Deployer& deployer, Call& call, const v1::StopApiRequest& request,
               cfg::Api& response) {
  return OnApi(deployer, call, request, [&](Change& change) {
    return SetStopped(change, request.name(), true, response);
  });
}

}  // namespace tidegate::admin
