// apply: makes definitions live, all or nothing.
#include <ostream>

#include "server/base/codec.h"
#include "server/base/strings.h"
#include "sidecar/ctl/output.h"
#include "sidecar/ctl/source_map.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/admin/v1/config_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;

void PrintResults(Context& context, const admin::ApplyConfigResponse& response) {
  bool keys = false;
  for (const admin::ApplyResult& result : response.results()) {
    std::string note;
    if (!result.revision().empty()) note = "revision " + LastPart(result.revision());
    const bool changed = result.action() != admin::APPLY_ACTION_UNCHANGED;
    if (changed && context.options.no_deploy && StartsWith(ShortName(result.name()), "api/")) {
      note = "stored, not deployed";
    }
    Done(context, result.name(),
         WordOfEnum(admin::ApplyAction_Name(result.action()), "APPLY_ACTION_"), note);
    for (const admin::ApiKeySecretEntry& key : result.api_keys()) {
      context.out() << ShortName(key.name()) << ' ' << Printable(key.plaintext()) << '\n';
      keys = true;
    }
  }
  for (const admin::ApplyResult& result : response.results()) {
    for (const std::string& warning : result.warnings()) {
      context.Warn(ShortName(result.name()) + ": " + warning);
    }
  }
  if (keys) context.Say("new keys are shown this once: keep them now");
}

}  // namespace

int RunApply(Context& context) {
  const Options& options = context.options;
  if (!options.arguments.empty()) return context.Usage("apply takes files, by -f");
  if (options.prune && options.owner.empty()) {
    return context.Usage("--prune needs --owner: it deletes what that owner no longer lists");
  }
  SourceMap sources;
  if (const int code = sources.Read(context, options.files); code != kDone) return code;
  WarnOfGateways(context, sources);
  admin::ApplyConfigRequest request;
  sources.FillBundle(*request.mutable_bundle());
  if (request.bundle().ByteSizeLong() == 0) return kDone;  // a Gateway alone
  request.set_owner(options.owner);
  request.set_prune(options.prune);
  request.set_validate_only(options.dry_run);
  request.set_force(options.force);
  request.set_no_deploy(options.no_deploy);
  request.set_request_id(Uuid4());
  context.sources = &sources;
  admin::ApplyConfigResponse response;
  const int code = context.Call("ConfigService/ApplyConfig", "apply", request, response);
  context.sources = nullptr;
  if (code != kDone) return code;
  std::vector<Item> items;
  for (const admin::ApplyResult& result : response.results()) {
    items.push_back({result.name(), &result});
  }
  if (!PrintItems(context, items, true)) PrintResults(context, response);
  return kDone;
}

}  // namespace tidegate::ctl
