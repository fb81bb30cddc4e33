// deploy, undeploy, start, stop, rollback, history, clone: what an API goes through.
#include <ostream>

#include "server/base/strings.h"
#include "sidecar/ctl/output.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/admin/v1/api_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;
namespace v1 = tidegate::config::v1;

std::string RevisionNote(const std::string& revision) {
  return revision.empty() ? "" : "revision " + LastPart(revision);
}

// One call for each API that is named; stops at the first failure.
template <typename Request, typename Answer, typename Note>
int ForEachApi(Context& context, std::string_view method, std::string_view done, Note note) {
  std::vector<Target> targets;
  if (!context.Targets({Type::kApi}, targets)) return kUsage;
  if (targets.size() > 1 && !context.options.etag.empty()) {
    return context.Usage("--etag belongs to one API; name one");
  }
  for (const Target& target : targets) {
    if (!target.IsOne()) return context.Usage(context.options.verb + " needs api/NAME");
    Request request;
    request.set_name(target.FullName());
    request.set_etag(context.options.etag);
    request.set_validate_only(context.options.dry_run);
    request.set_force(context.options.force);
    Answer answer;
    const std::string what = context.options.verb + " " + target.Text();
    if (const int code = context.Call(method, what, request, answer); code != kDone) return code;
    Done(context, request.name(), done, note(answer));
  }
  return kDone;
}

// All revisions, the newest first.
int ListRevisions(Context& context, const Target& target,
                  std::vector<v1::ApiRevision>& revisions) {
  admin::ListApiRevisionsRequest request;
  request.set_parent(target.FullName());
  request.set_page_size(500);
  while (true) {
    admin::ListApiRevisionsResponse page;
    const int code = context.Call("ApiService/ListApiRevisions", "revisions of " + target.Text(),
                                  request, page);
    if (code != kDone) return code;
    for (auto& revision : *page.mutable_api_revisions()) revisions.push_back(std::move(revision));
    if (page.next_page_token().empty()) return kDone;
    request.set_page_token(page.next_page_token());
  }
}

int GetApi(Context& context, const Target& target, v1::Api& api) {
  admin::GetApiRequest request;
  request.set_name(target.FullName());
  return context.Call("ApiService/GetApi", context.options.verb + " " + target.Text(), request,
                      api);
}

// The revision before the one that is deployed, or the newest when none is.
int PreviousRevision(Context& context, const Target& target, std::string& name) {
  v1::Api api;
  if (const int code = GetApi(context, target, api); code != kDone) return code;
  std::vector<v1::ApiRevision> revisions;
  if (const int code = ListRevisions(context, target, revisions); code != kDone) return code;
  bool take_next = api.deployed_revision().empty();
  for (const v1::ApiRevision& revision : revisions) {
    if (take_next) {
      name = revision.name();
      return kDone;
    }
    take_next = revision.name() == api.deployed_revision();
  }
  return context.Refused(target.Text() + " has no revision before the deployed one");
}

int ShowRevision(Context& context, const std::string& api, const std::string& number) {
  admin::GetApiRevisionRequest request;
  request.set_name("apis/" + api + "/revisions/" + number);
  v1::ApiRevision revision;
  const int code = context.Call("ApiService/GetApiRevision",
                                "revision " + number + " of api/" + api, request, revision);
  if (code != kDone) return code;
  if (!PrintItem(context, revision.name(), revision.snapshot())) {
    context.out() << "revision  " << LastPart(revision.name()) << " of api/" << api
                  << "\ndeployed  " << TimeText(revision.create_time())
                  << "\n-o yaml prints its definition\n";
  }
  return kDone;
}

}  // namespace

int RunDeploy(Context& context) {
  return ForEachApi<admin::DeployApiRequest, v1::ApiRevision>(
      context, "ApiService/DeployApi", "deployed",
      [](const v1::ApiRevision& revision) { return RevisionNote(revision.name()); });
}

int RunUndeploy(Context& context) {
  return ForEachApi<admin::UndeployApiRequest, v1::Api>(
      context, "ApiService/UndeployApi", "undeployed", [](const v1::Api&) { return ""; });
}

int RunStart(Context& context) {
  return ForEachApi<admin::StartApiRequest, v1::Api>(
      context, "ApiService/StartApi", "started", [](const v1::Api&) { return ""; });
}

int RunStop(Context& context) {
  return ForEachApi<admin::StopApiRequest, v1::Api>(
      context, "ApiService/StopApi", "stopped", [](const v1::Api&) { return ""; });
}

int RunRollback(Context& context) {
  Target target;
  if (!context.OneTarget({Type::kApi}, target)) return kUsage;
  if (!target.IsOne()) return context.Usage("rollback needs api/NAME");
  admin::RollbackApiRequest request;
  if (context.options.revision.empty()) {
    const int code = PreviousRevision(context, target, *request.mutable_name());
    if (code != kDone) return code;
  } else if (!ParseUint(context.options.revision)) {
    return context.Usage("--to takes the number of a revision; tidegatectl history " +
                         target.Text() + " lists them");
  } else {
    request.set_name(target.FullName() + "/revisions/" + context.options.revision);
  }
  request.set_etag(context.options.etag);
  request.set_validate_only(context.options.dry_run);
  request.set_force(context.options.force);
  v1::ApiRevision revision;
  const int code = context.Call("ApiService/RollbackApi", "rollback " + target.Text(), request,
                                revision);
  if (code != kDone) return code;
  std::string note = RevisionNote(revision.name());
  Done(context, target.FullName(), "rolled back to revision " + LastPart(request.name()),
       note.empty() ? "" : "now " + note);
  return kDone;
}

int RunHistory(Context& context) {
  if (context.options.arguments.size() == 1) {
    // api/orders/3 is no target: a revision belongs to its API alone.
    const auto words = Split(context.options.arguments[0], '/');
    if (words.size() == 3 && (words[0] == "api" || words[0] == "apis")) {
      return ShowRevision(context, std::string(words[1]), std::string(words[2]));
    }
  }
  Target target;
  if (!context.OneTarget({Type::kApi}, target)) return kUsage;
  if (!target.IsOne()) return context.Usage("history needs api/NAME");
  v1::Api api;
  if (const int code = GetApi(context, target, api); code != kDone) return code;
  std::vector<v1::ApiRevision> revisions;
  if (const int code = ListRevisions(context, target, revisions); code != kDone) return code;
  std::vector<Item> items;
  Table table({"REVISION", "DEPLOYED", "AGE", "STATE"});
  for (const v1::ApiRevision& revision : revisions) {
    items.push_back({revision.name(), &revision});
    table.Add({LastPart(revision.name()), TimeText(revision.create_time()),
               AgeOf(context, revision.create_time()),
               revision.name() == api.deployed_revision() ? "served" : ""});
  }
  if (PrintItems(context, items, true)) return kDone;
  if (items.empty()) {
    context.Say(target.Text() + " was never deployed; tidegatectl deploy " + target.Text());
    return kDone;
  }
  PrintTable(context, table);
  return kDone;
}

int RunClone(Context& context) {
  std::vector<Target> targets;
  if (!context.Targets({Type::kApi}, targets)) return kUsage;
  if (targets.size() != 2 || !targets[0].IsOne() || !targets[1].IsOne()) {
    return context.Usage("clone needs the API and the name of its copy");
  }
  admin::CloneApiRequest request;
  request.set_source(targets[0].FullName());
  request.set_api_id(targets[1].Id());
  request.set_validate_only(context.options.dry_run);
  if (!context.options.path.empty()) {
    request.mutable_overrides()->add_listeners()->set_path(context.options.path);
    request.mutable_overrides_mask()->add_paths("listeners");
  }
  v1::Api copy;
  const int code = context.Call("ApiService/CloneApi", "clone " + targets[0].Text(), request, copy);
  if (code != kDone) return code;
  Done(context, targets[1].FullName(), "stored", "a copy of " + targets[0].Text());
  if (!context.options.dry_run) {
    context.Say("next: tidegatectl edit " + targets[1].Text() + ", or deploy " +
                targets[1].Text());
  }
  return kDone;
}

}  // namespace tidegate::ctl
