#include "sidecar/ctl/store.h"

#include "sidecar/ctl/output.h"
#include "tidegate/admin/v1/api_service.pb.h"
#include "tidegate/admin/v1/application_service.pb.h"
#include "tidegate/admin/v1/subscription_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;
namespace v1 = tidegate::config::v1;

template <typename Request>
Request UpdateRequest(const Context& context) {
  Request request;
  request.mutable_update_mask()->add_paths("*");
  request.set_validate_only(context.options.dry_run);
  request.set_force(context.options.force);
  return request;
}

int StoreApi(Context& context, const Target& target, const v1::Api& before, const v1::Api& after) {
  const std::string what = context.options.verb + " " + target.Text();
  auto update = UpdateRequest<admin::UpdateApiRequest>(context);
  *update.mutable_api() = after;
  update.mutable_api()->set_etag(before.etag());
  v1::Api stored;
  const int code = context.Call("ApiService/UpdateApi", what, update, stored);
  if (code != kDone) return code;
  const bool live = before.state() == v1::API_STATE_LIVE ||
                    before.state() == v1::API_STATE_STOPPED;
  if (!live || context.options.no_deploy) {
    Done(context, after.name(), "stored", "not deployed");
    if (!context.options.dry_run) context.Say("next: tidegatectl deploy " + target.Text());
    return kDone;
  }
  if (context.options.dry_run) {
    Done(context, after.name(), "stored and deployed");
    return kDone;
  }
  admin::DeployApiRequest deploy;
  deploy.set_name(target.FullName());
  deploy.set_etag(stored.etag());
  deploy.set_force(context.options.force);
  v1::ApiRevision revision;
  const int deployed = context.Call("ApiService/DeployApi", what, deploy, revision);
  if (deployed != kDone) {
    context.Say(target.Text() + " is stored; the revision before is still served");
    return deployed;
  }
  Done(context, after.name(), "deployed", "revision " + LastPart(revision.name()));
  return kDone;
}

int StoreApplication(Context& context, const Target& target, const v1::Application& before,
                     const v1::Application& after) {
  auto update = UpdateRequest<admin::UpdateApplicationRequest>(context);
  *update.mutable_application() = after;
  update.mutable_application()->set_etag(before.etag());
  v1::Application stored;
  const int code =
      context.Call("ApplicationService/UpdateApplication",
                   context.options.verb + " " + target.Text(), update, stored);
  if (code == kDone) Done(context, after.name(), "updated");
  return code;
}

int StoreSubscription(Context& context, const Target& target, const v1::Subscription& before,
                      const v1::Subscription& after) {
  auto update = UpdateRequest<admin::UpdateSubscriptionRequest>(context);
  *update.mutable_subscription() = after;
  update.mutable_subscription()->set_etag(before.etag());
  v1::Subscription stored;
  const int code =
      context.Call("SubscriptionService/UpdateSubscription",
                   context.options.verb + " " + target.Text(), update, stored);
  if (code == kDone) Done(context, after.name(), "updated");
  return code;
}

}  // namespace

int Store(Context& context, const Target& target, const google::protobuf::Message& before,
          const google::protobuf::Message& after) {
  switch (target.type) {
    case Type::kApplication:
      return StoreApplication(context, target, static_cast<const v1::Application&>(before),
                              static_cast<const v1::Application&>(after));
    case Type::kSubscription:
      return StoreSubscription(context, target, static_cast<const v1::Subscription&>(before),
                               static_cast<const v1::Subscription&>(after));
    default:
      return StoreApi(context, target, static_cast<const v1::Api&>(before),
                      static_cast<const v1::Api&>(after));
  }
}

}  // namespace tidegate::ctl
