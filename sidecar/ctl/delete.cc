// delete: resources by name, or all that files define.
#include <algorithm>

#include <google/protobuf/empty.pb.h>

#include "sidecar/ctl/fetch.h"
#include "sidecar/ctl/output.h"
#include "sidecar/ctl/source_map.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/admin/v1/api_service.pb.h"
#include "tidegate/admin/v1/application_service.pb.h"
#include "tidegate/admin/v1/plan_service.pb.h"
#include "tidegate/admin/v1/subscription_service.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;

constexpr int kNotFoundCode = 5;  // of gRPC

// A dry run deletes nothing, so what `together` would delete first still hangs on `target`. True:
// nothing else does.
bool OnlyTheseHangOn(Context& context, const Target& target, const std::vector<Target>& together) {
  Target list;
  list.type = Type::kSubscription;
  if (target.type != Type::kApplication) list.parts.push_back(target.parts.front());
  Fetched fetched;
  if (Fetch(context, list, fetched) != kDone) return false;
  for (std::size_t i = 0; i < fetched.items.size(); ++i) {
    const auto& subscription =
        static_cast<const tidegate::config::v1::Subscription&>(*fetched.messages[i]);
    const bool hangs = target.type == Type::kApi || subscription.plan() == target.FullName() ||
                       subscription.application() == target.FullName();
    const bool goes = std::any_of(together.begin(), together.end(), [&](const Target& other) {
      return other.FullName() == subscription.name();
    });
    if (hangs && !goes) return false;
  }
  return true;
}

template <typename Request>
int Delete(Context& context, std::string_view method, const Target& target,
           const std::vector<Target>& together) {
  const Options& options = context.options;
  Request request;
  request.set_name(target.FullName());
  request.set_etag(options.etag);
  request.set_force(options.force);
  request.set_validate_only(options.dry_run);
  google::protobuf::Empty empty;
  const CallResult result = context.TryCall(method, request, empty);
  if (result.code == kNotFoundCode && options.ignore_not_found) return kDone;
  const bool held = options.dry_run && result.reason == "HAS_CHILDREN";
  if (!result.ok() && !(held && OnlyTheseHangOn(context, target, together))) {
    return context.Report(result, "delete " + target.Text());
  }
  Done(context, target.FullName(), "deleted");
  return kDone;
}

// `together`: all that this command deletes.
int DeleteOne(Context& context, const Target& target, const std::vector<Target>& together) {
  switch (target.type) {
    case Type::kApi:
      return Delete<admin::DeleteApiRequest>(context, "ApiService/DeleteApi", target,
                                             together);
    case Type::kPlan:
      return Delete<admin::DeletePlanRequest>(context, "PlanService/DeletePlan", target,
                                              together);
    case Type::kApplication:
      return Delete<admin::DeleteApplicationRequest>(
          context, "ApplicationService/DeleteApplication", target, together);
    case Type::kSubscription:
      return Delete<admin::DeleteSubscriptionRequest>(
          context, "SubscriptionService/DeleteSubscription", target, together);
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
    if (const int code = DeleteOne(context, target, targets); code != kDone) return code;
  }
  return kDone;
}

}  // namespace tidegate::ctl
