// delete: resources by name, or all that files define.
#include <algorithm>

#include <google/protobuf/empty.pb.h>

#include "sidecar/ctl/output.h"
#include "sidecar/ctl/source_map.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/admin/v1/api_service.pb.h"
#include "tidegate/admin/v1/application_service.pb.h"
#include "tidegate/admin/v1/plan_service.pb.h"
#include "tidegate/admin/v1/subscription_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;

constexpr int kNotFoundCode = 5;  // of gRPC

template <typename Request>
int Delete(Context& context, std::string_view method, const Target& target) {
  const Options& options = context.options;
  Request request;
  request.set_name(target.FullName());
  request.set_etag(options.etag);
  request.set_force(options.force);
  request.set_validate_only(options.dry_run);
  google::protobuf::Empty empty;
  const CallResult result = context.TryCall(method, request, empty);
  if (result.code == kNotFoundCode && options.ignore_not_found) return kDone;
  if (!result.ok()) return context.Report(result, "delete " + target.Text());
  Done(context, target.FullName(), "deleted");
  return kDone;
}

int DeleteOne(Context& context, const Target& target) {
  switch (target.type) {
    case Type::kApi:
      return Delete<admin::DeleteApiRequest>(context, "ApiService/DeleteApi", target);
    case Type::kPlan:
      return Delete<admin::DeletePlanRequest>(context, "PlanService/DeletePlan", target);
    case Type::kApplication:
      return Delete<admin::DeleteApplicationRequest>(
          context, "ApplicationService/DeleteApplication", target);
    case Type::kSubscription:
      return Delete<admin::DeleteSubscriptionRequest>(
          context, "SubscriptionService/DeleteSubscription", target);
    case Type::kKey:
      return context.Usage("keys are revoked, not deleted: tidegatectl revoke " + target.Text());
    case Type::kEndpoint:
      return context.Usage("endpoints are removed from their API: tidegatectl rm " +
                           target.Text());
    case Type::kListener: break;
  }
  return context.Usage("listeners belong to the bootstrap of the gateway");
}

// What refers to others goes first.
int Order(Type type) {
  if (type == Type::kSubscription) return 0;
  return type == Type::kApi ? 1 : 2;
}

}  // namespace

int RunDelete(Context& context) {
  const Options& options = context.options;
  std::vector<Target> targets;
  if (!options.files.empty()) {
    if (!options.arguments.empty()) return context.Usage("delete takes -f or names, not both");
    SourceMap sources;
    if (const int code = sources.Read(context, options.files); code != kDone) return code;
    WarnOfGateways(context, sources);
    for (const config::Document& document : sources.documents()) {
      Target target;
      std::string error;
      if (ParseTarget(document.name, target, error)) targets.push_back(std::move(target));
    }
    std::stable_sort(targets.begin(), targets.end(), [](const Target& a, const Target& b) {
      return Order(a.type) < Order(b.type);
    });
  } else if (!context.Targets({Type::kApi, Type::kPlan, Type::kApplication, Type::kSubscription,
                               Type::kKey, Type::kEndpoint, Type::kListener},
                              targets)) {
    return kUsage;
  }
  if (targets.size() > 1 && !options.etag.empty()) {
    return context.Usage("--etag belongs to one resource; name one");
  }
  for (const Target& target : targets) {
    if (!target.IsOne()) {
      return context.Usage("delete needs whole names; get -o name lists them");
    }
  }
  for (const Target& target : targets) {
    if (const int code = DeleteOne(context, target); code != kDone) return code;
  }
  return kDone;
}

}  // namespace tidegate::ctl
