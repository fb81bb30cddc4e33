// create: stores what is new, without deploying it; also keys.
#include "server/base/codec.h"
#include "server/config/names.h"
#include "sidecar/ctl/keys.h"
#include "sidecar/ctl/output.h"
#include "sidecar/ctl/source_map.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/admin/v1/api_service.pb.h"
#include "tidegate/admin/v1/application_service.pb.h"
#include "tidegate/admin/v1/subscription_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;
namespace v1 = tidegate::config::v1;
using config::DocumentKind;

int CreateApi(Context& context, const v1::Api& api) {
  admin::CreateApiRequest request;
  request.set_api_id(LastPart(api.name()));
  *request.mutable_api() = api;
  request.set_validate_only(context.options.dry_run);
  request.set_request_id(Uuid4());
  v1::Api stored;
  const std::string what = "create " + ShortName(api.name());
  if (const int code = context.Call("ApiService/CreateApi", what, request, stored); code != kDone) {
    return code;
  }
  if (!PrintItem(context, api.name(), stored)) {
    Done(context, api.name(), "created", "stored, not deployed");
  }
  return kDone;
}

int CreateApplication(Context& context, const v1::Application& application) {
  admin::CreateApplicationRequest request;
  request.set_application_id(LastPart(application.name()));
  *request.mutable_application() = application;
  request.set_validate_only(context.options.dry_run);
  request.set_request_id(Uuid4());
  v1::Application stored;
  const int code = context.Call("ApplicationService/CreateApplication",
                                "create " + ShortName(application.name()), request, stored);
  if (code != kDone) return code;
  if (!PrintItem(context, application.name(), stored)) Done(context, application.name(), "created");
  return kDone;
}

int CreateSubscription(Context& context, const v1::Subscription& subscription) {
  admin::CreateSubscriptionRequest request;
  request.set_parent(subscription.api());
  request.set_subscription_id(LastPart(subscription.name()));
  *request.mutable_subscription() = subscription;
  request.set_validate_only(context.options.dry_run);
  request.set_request_id(Uuid4());
  v1::Subscription stored;
  const int code = context.Call("SubscriptionService/CreateSubscription",
                                "create " + ShortName(subscription.name()), request, stored);
  if (code != kDone) return code;
  if (PrintItem(context, subscription.name(), stored)) return kDone;
  const std::string state =
      WordOfEnum(v1::SubscriptionState_Name(stored.state()), "SUBSCRIPTION_STATE_");
  Done(context, subscription.name(), "created", state);
  if (stored.state() == v1::SUBSCRIPTION_STATE_PENDING && !context.options.dry_run) {
    context.Say("next: tidegatectl accept " + ShortName(subscription.name()));
  }
  return kDone;
}

// Applications before what refers to them, APIs before their subscriptions.
int CreateDocuments(Context& context, const SourceMap& sources) {
  for (const DocumentKind kind :
       {DocumentKind::kApplication, DocumentKind::kApi, DocumentKind::kSubscription}) {
    for (const config::Document& document : sources.documents()) {
      if (document.kind != kind) continue;
      // A refusal speaks of `api.…`: of this document, whichever others there are.
      SourceMap one;
      one.documents().push_back(document);
      context.sources = &one;
      int code = kDone;
      if (kind == DocumentKind::kApi) {
        code = CreateApi(context, static_cast<const v1::Api&>(*document.message));
      } else if (kind == DocumentKind::kApplication) {
        code = CreateApplication(context, static_cast<const v1::Application&>(*document.message));
      } else {
        code = CreateSubscription(context, static_cast<const v1::Subscription&>(*document.message));
      }
      context.sources = nullptr;
      if (code != kDone) return code;
    }
  }
  return kDone;
}

// Without a file: what a name and a few flags say.
int CreateByFlags(Context& context, const Target& target) {
  const Options& options = context.options;
  if (target.type == Type::kApplication) {
    v1::Application application;
    application.set_name(target.FullName());
    return CreateApplication(context, application);
  }
  if (target.type == Type::kApi) {
    return context.Usage("create api/NAME needs -f with its definition");
  }
  if (options.plan.empty() || options.application.empty()) {
    return context.Usage("create subscription/API/NAME needs --plan and --application, or -f");
  }
  v1::Subscription subscription;
  subscription.set_name(target.FullName());
  subscription.set_api(target.Parent());
  subscription.set_plan(target.Parent() + "/plans/" + LastPart(options.plan));
  subscription.set_application("applications/" + LastPart(options.application));
  return CreateSubscription(context, subscription);
}

}  // namespace

int RunCreate(Context& context) {
  const Options& options = context.options;
  Target target;
  const bool named = !options.arguments.empty();
  if (named) {
    if (!context.OneTarget({Type::kApi, Type::kApplication, Type::kSubscription, Type::kKey},
                           target)) {
      return kUsage;
    }
    if (!target.IsOne()) return context.Usage("create needs a whole name, as " +
                                              std::string(TypeWord(target.type)) + "/…");
    if (target.type == Type::kKey) return CreateKey(context, target);
    if (options.files.empty()) return CreateByFlags(context, target);
  }
  SourceMap sources;
  if (const int code = sources.Read(context, options.files); code != kDone) return code;
  WarnOfGateways(context, sources);
  if (named) {
    auto& documents = sources.documents();
    std::erase_if(documents, [&](const config::Document& document) {
      return document.name != target.FullName();
    });
    if (documents.empty()) return context.Refused("the files do not define " + target.Text());
  }
  return CreateDocuments(context, sources);
}

}  // namespace tidegate::ctl
