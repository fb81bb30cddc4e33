#include "server/admin/definitions.h"
#include "server/admin/plan_operations.h"
#include "server/admin/stored.h"
#include "tidegate/config/v1/application.pb.h"

namespace tidegate::admin {
namespace {

constexpr Shelf<cfg::Application> kShelf{config::ResourceKind::kApplication,
                                         "tidegate.config.v1.Application", &State::applications,
                                         &Change::FindApplication};
constexpr std::size_t kApplicationsMax = 50'000;

Status Store(Change& change, Call& call, cfg::Application application, bool force,
             cfg::Application& response) {
  const std::string name = application.name();
  WriteOptions options;
  options.path = "application";
  options.force = force;
  config::Violations violations;
  TG_RETURN_IF_ERROR(StoreApplication(change, std::move(application), options, violations));
  if (!violations.empty()) return Refuse(violations);
  response = *change.FindApplication(name);
  call.audit.etag_after = response.etag();
  return OkStatus();
}

Status Create(Change& change, Call& call, const std::string& name, cfg::Application application,
              cfg::Application& response) {
  if (change.FindApplication(name) != nullptr) return ResourceExists(kShelf.type, name);
  if (change.now().applications.size() >= kApplicationsMax) {
    return LimitReached("applications",
                        "there are " + std::to_string(kApplicationsMax) + " already");
  }
  application.set_name(name);
  return Store(change, call, std::move(application), false, response);
}

}  // namespace

Status CreateApplication(Deployer& deployer, Call& call,
                         const v1::CreateApplicationRequest& request,
                         cfg::Application& response) {
  if (!request.has_application()) {
    return InvalidField("application", "is required", config::kRequiredField);
  }
  TG_ASSIGN_OR_RETURN(
      const std::string name,
      CreateName(config::ResourceKind::kApplication, "", "application_id",
                 request.application_id(), "application.name", request.application().name()));
  call.audit.resource = name;
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    return Create(change, call, name, request.application(), response);
  });
}

Status GetApplication(Deployer& deployer, Call& call, const v1::GetApplicationRequest& request,
                      cfg::Application& response) {
  TG_ASSIGN_OR_RETURN(const auto stored, ReadStored(call, kShelf, request, *deployer.Read()));
  response = *stored;
  return OkStatus();
}

Status ListApplications(Deployer& deployer, Call&, const v1::ListApplicationsRequest& request,
                        v1::ListApplicationsResponse& response) {
  TG_ASSIGN_OR_RETURN(const Page page, ReadPage("applications", request.page_size(),
                                                request.page_token()));
  const StatePtr state = deployer.Read();
  response.set_next_page_token(TakePage(
      "applications", page, state->applications, [](const auto& item) { return item.first; },
      [&](const auto& item) { *response.add_applications() = *item.second; }));
  return OkStatus();
}

Status UpdateApplication(Deployer& deployer, Call& call,
                         const v1::UpdateApplicationRequest& request,
                         cfg::Application& response) {
  const cfg::Application& update = request.application();
  TG_ASSIGN_OR_RETURN(const std::string name,
                      CreateName(config::ResourceKind::kApplication, "", "application.name", "",
                                 "application.name", update.name()));
  const auto make = [&](Change& change) { return Create(change, call, name, update, response); };
  const auto put = [&](Change& change, cfg::Application merged) {
    return Store(change, call, std::move(merged), request.force(), response);
  };
  return UpdateStored(deployer, call, kShelf, name, update, update.etag(), request, make, put);
}

Status DeleteApplication(Deployer& deployer, Call& call,
                         const v1::DeleteApplicationRequest& request, google::protobuf::Empty&) {
  return DeleteStored(deployer, call, kShelf, request, [&](Change& change) {
    return DeleteApplication(change, request.name(), request.force());
  });
}

}  // namespace tidegate::admin
