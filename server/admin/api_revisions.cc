// Revisions of APIs: listed, compared, gone back to, copied.
#include <algorithm>

#include "server/admin/api_operations.h"
#include "server/admin/definitions.h"
#include "server/admin/errors.h"
#include "server/admin/messages.h"
#include "server/admin/rendering.h"
#include "server/admin/writing.h"
#include "server/base/strings.h"
#include "server/config/diff.h"
#include "server/config/names.h"
#include "server/config/redact.h"
#include "tidegate/config/v1/api.pb.h"

namespace tidegate::admin {
namespace {

constexpr char kType[] = "tidegate.config.v1.Api";

StatusOr<cfg::ApiRevision> Parse(const state::RevisionRecord& record) {
  cfg::ApiRevision revision;
  if (!revision.ParseFromString(record.bytes)) {
    return MakeStatus(StatusCode::kDataLoss, "state: a revision of " + record.api +
                                                 " cannot be read");
  }
  return revision;
}

// apis/orders/revisions/7, or …/latest.
StatusOr<cfg::ApiRevision> Load(Deployer& deployer, const std::string& name) {
  TG_ASSIGN_OR_RETURN(const config::ResourceName parsed,
                      RequestName(config::ResourceKind::kRevision, "name", name));
  const std::string api = config::ApiName(parsed.api());
  const StatePtr state = deployer.Read();
  const auto last = state->last_revision.find(api);
  if (last == state->last_revision.end()) return RevisionMissing(name);
  const std::uint64_t number =
      parsed.id() == "latest" ? last->second : RevisionNumber(parsed.id());
  const auto record = deployer.repository().store().Revision(api, number);
  if (record.status().code() == StatusCode::kNotFound) return RevisionMissing(name);
  if (!record.ok()) return StoreFailed(record.status());
  TG_ASSIGN_OR_RETURN(cfg::ApiRevision revision, Parse(*record));
  if (number == last->second) revision.add_alternate_ids("latest");
  return revision;
}

// An API as it was, under the rules of today: plans that have gone further since stay there.
cfg::Api Revived(const cfg::Api& snapshot, const cfg::Api* stored) {
  cfg::Api api = snapshot;
  config::ClearOutputOnly(&api);
  if (stored == nullptr) return api;
  for (cfg::Plan& plan : *api.mutable_plans()) {
    for (const cfg::Plan& now : stored->plans()) {
      if (now.name() == plan.name() && StageOf(now) > StageOf(plan)) {
        plan.set_stage(static_cast<cfg::PlanStage>(StageOf(now)));
      }
    }
  }
  return api;
}

StatusOr<cfg::Api> StateNamed(Deployer& deployer, const std::string& name,
                              const std::string& which) {
  const StatePtr state = deployer.Read();
  if (which == "stored") return *state->apis.at(name);
  if (which == "deployed") {
    const auto found = state->deployments.find(name);
    if (found == state->deployments.end()) {
      return Precondition("WRONG_STATE", name, "it is not deployed");
    }
    return found->second->record->snapshot();
  }
  if (!ParseUint(which) && which != "latest") {
    return InvalidField("base", "and target are `stored`, `deployed` or the number of a revision");
  }
  TG_ASSIGN_OR_RETURN(const cfg::ApiRevision revision,
                      Load(deployer, name + "/revisions/" + which));
  return revision.snapshot();
}

}  // namespace

Status ListApiRevisions(Deployer& deployer, Call&, const v1::ListApiRevisionsRequest& request,
                        v1::ListApiRevisionsResponse& response) {
  const std::string& api = request.parent();
  TG_RETURN_IF_ERROR(RequestName(config::ResourceKind::kApi, "parent", api).status());
  const std::string what = api + "/revisions";
  TG_ASSIGN_OR_RETURN(const Page page,
                      ReadPage(what, request.page_size(), request.page_token()));
  if (deployer.Read()->apis.count(api) == 0) return ResourceMissing(kType, api);
  const auto records = deployer.repository().store().Revisions(api);
  if (!records.ok()) return StoreFailed(records.status());
  // Newest first: the token says below which number to go on.
  const std::uint64_t below = page.after.empty() ? UINT64_MAX : RevisionNumber(page.after);
  std::uint64_t last = 0;
  for (const state::RevisionRecord& record : *records) {
    if (record.number >= below) continue;
    if (static_cast<std::size_t>(response.api_revisions_size()) == page.size) {
      response.set_next_page_token(PageToken(what, std::to_string(last)));
      break;
    }
    TG_ASSIGN_OR_RETURN(cfg::ApiRevision revision, Parse(record));
    revision.clear_snapshot();
    if (record.number == records->front().number) revision.add_alternate_ids("latest");
    *response.add_api_revisions() = std::move(revision);
    last = record.number;
  }
  return OkStatus();
}

Status GetApiRevision(Deployer& deployer, Call& call, const v1::GetApiRevisionRequest& request,
                      cfg::ApiRevision& response) {
  call.audit.resource = request.name();
  TG_ASSIGN_OR_RETURN(response, Load(deployer, request.name()));
  return OkStatus();
}

Status RollbackApi(Deployer& deployer, Call& call, const v1::RollbackApiRequest& request,
                   cfg::ApiRevision& response) {
  call.audit.resource = request.name();
  TG_ASSIGN_OR_RETURN(const cfg::ApiRevision revision, Load(deployer, request.name()));
  const std::string name = revision.snapshot().name();
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    const cfg::Api* stored = change.FindApi(name);
    if (stored == nullptr) return ResourceMissing(kType, name);
    call.audit.etag_before = stored->etag();
    TG_RETURN_IF_ERROR(CheckEtag(name, stored->etag(), request.etag()));
    WriteOptions options;
    options.force = request.force();
    options.keep_missing = true;  // plans made since keep their subscriptions
    options.path = "snapshot";
    config::Violations violations;
    TG_RETURN_IF_ERROR(
        StoreApi(change, Revived(revision.snapshot(), stored), options, violations));
    if (!violations.empty()) return Refuse(violations);
    const Deployment* deployment = change.FindDeployment(name);
    TG_RETURN_IF_ERROR(
        DeployStored(change, name, deployment != nullptr && deployment->stopped));
    call.audit.etag_after = change.FindApi(name)->etag();
    response = *change.FindDeployment(name)->record;
    response.add_alternate_ids("latest");
    return OkStatus();
  });
}

Status CloneApi(Deployer& deployer, Call& call, const v1::CloneApiRequest& request,
                cfg::Api& response) {
  TG_RETURN_IF_ERROR(
      RequestName(config::ResourceKind::kApi, "source", request.source()).status());
  TG_ASSIGN_OR_RETURN(const std::string name,
                      CreateName(config::ResourceKind::kApi, "", "api_id", request.api_id(),
                                 "overrides.name", ""));
  call.audit.resource = name;
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    const cfg::Api* source = change.FindApi(request.source());
    if (source == nullptr) return ResourceMissing(kType, request.source());
    if (change.FindApi(name) != nullptr) return ResourceExists(kType, name);
    cfg::Api copy = *source;
    config::ClearOutputOnly(&copy);
    config::ShortenNames(&copy);
    TG_RETURN_IF_ERROR(ApplyMask(request.overrides(), request.overrides_mask(), &copy));
    copy.set_name(config::LocalPart(name));
    WriteOptions options;
    options.path = "overrides";
    config::Violations violations;
    TG_RETURN_IF_ERROR(StoreApi(change, std::move(copy), options, violations));
    if (!violations.empty()) return Refuse(violations);
    call.audit.etag_after = change.FindApi(name)->etag();
    response = Render(change.now(), *change.FindApi(name));
    return OkStatus();
  });
}

Status DiffApi(Deployer& deployer, Call& call, const v1::DiffApiRequest& request,
               v1::DiffApiResponse& response) {
  const std::string& name = request.name();
  call.audit.resource = name;
  TG_RETURN_IF_ERROR(RequestName(config::ResourceKind::kApi, "name", name).status());
  if (deployer.Read()->apis.count(name) == 0) return ResourceMissing(kType, name);
  TG_ASSIGN_OR_RETURN(
      const cfg::Api base,
      StateNamed(deployer, name, request.base().empty() ? "deployed" : request.base()));
  TG_ASSIGN_OR_RETURN(
      const cfg::Api target,
      StateNamed(deployer, name, request.target().empty() ? "stored" : request.target()));
  for (const config::FieldDifference& one : config::Diff(base, target)) {
    v1::FieldDiff& field = *response.add_diffs();
    field.set_path(one.path);
    field.set_old_value(one.old_value);
    field.set_new_value(one.new_value);
  }
  return OkStatus();
}

}  // namespace tidegate::admin
