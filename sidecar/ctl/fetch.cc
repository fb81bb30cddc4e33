#include "sidecar/ctl/fetch.h"

#include "tidegate/admin/v1/api_service.pb.h"
#include "tidegate/admin/v1/application_service.pb.h"
#include "tidegate/admin/v1/plan_service.pb.h"
#include "tidegate/admin/v1/runtime_service.pb.h"
#include "tidegate/admin/v1/subscription_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;
namespace v1 = tidegate::config::v1;

constexpr int kPage = 500;  // the most that a server gives
constexpr int kNotFoundCode = 5;  // of gRPC

std::string NameOf(const admin::EndpointHealth& endpoint) {
  return "endpoint/" + LastPart(endpoint.api()) + "/" + endpoint.endpoint();
}
std::string NameOf(const admin::ListenerInfo& listener) { return "listener/" + listener.name(); }
template <typename Resource>
std::string NameOf(const Resource& resource) { return resource.name(); }

// All pages of a list. `items` takes the list out of an answer.
template <typename Request, typename Response, typename Items>
int FetchPages(Context& context, std::string_view method, Request request, Items items,
               Fetched& fetched) {
  request.set_page_size(kPage);
  while (true) {
    Response page;
    const int code = context.Call(method, context.options.verb, request, page);
    if (code != kDone) return code;
    for (auto& item : *items(page)) {
      using Resource = std::decay_t<decltype(item)>;
      auto message = std::make_unique<Resource>(std::move(item));
      std::string name = NameOf(*message);
      fetched.Add(std::move(name), std::move(message));
    }
    if (page.next_page_token().empty()) return kDone;
    request.set_page_token(page.next_page_token());
  }
}

template <typename Request, typename Resource>
int FetchOne(Context& context, std::string_view method, const Target& target, Fetched& fetched) {
  Request request;
  request.set_name(target.FullName());
  auto message = std::make_unique<Resource>();
  const CallResult result = context.TryCall(method, request, *message);
  if (result.code == kNotFoundCode && context.options.ignore_not_found) {
    fetched.missing = true;
    return kDone;
  }
  if (!result.ok()) return context.Report(result, context.options.verb + " " + target.Text());
  fetched.Add(target.FullName(), std::move(message));
  return kDone;
}

template <typename Request>
Request WithParent(const std::string& parent) {
  Request request;
  request.set_parent(parent);
  return request;
}

int FetchApis(Context& context, Fetched& fetched) {
  admin::ListApisRequest request;
  request.set_view(context.options.output == "name" ? admin::API_VIEW_BASIC
                                                    : admin::API_VIEW_FULL);
  return FetchPages<admin::ListApisRequest, admin::ListApisResponse>(
      context, "ApiService/ListApis", request, [](auto& page) { return page.mutable_apis(); },
      fetched);
}

int FetchPlans(Context& context, const std::string& parent, Fetched& fetched) {
  return FetchPages<admin::ListPlansRequest, admin::ListPlansResponse>(
      context, "PlanService/ListPlans", WithParent<admin::ListPlansRequest>(parent),
      [](auto& page) { return page.mutable_plans(); }, fetched);
}

int FetchApplications(Context& context, Fetched& fetched) {
  return FetchPages<admin::ListApplicationsRequest, admin::ListApplicationsResponse>(
      context, "ApplicationService/ListApplications", admin::ListApplicationsRequest(),
      [](auto& page) { return page.mutable_applications(); }, fetched);
}

int FetchSubscriptions(Context& context, const std::string& parent, Fetched& fetched) {
  return FetchPages<admin::ListSubscriptionsRequest, admin::ListSubscriptionsResponse>(
      context, "SubscriptionService/ListSubscriptions",
      WithParent<admin::ListSubscriptionsRequest>(parent),
      [](auto& page) { return page.mutable_subscriptions(); }, fetched);
}

int FetchEndpoints(Context& context, const Target& target, Fetched& fetched) {
  Fetched all;
  const int code = FetchPages<admin::ListEndpointHealthRequest, admin::ListEndpointHealthResponse>(
      context, "RuntimeService/ListEndpointHealth",
      WithParent<admin::ListEndpointHealthRequest>(target.Parent()),
      [](auto& page) { return page.mutable_endpoints(); }, all);
  if (code != kDone) return code;
  for (std::size_t i = 0; i < all.items.size(); ++i) {
    const auto& endpoint = static_cast<const admin::EndpointHealth&>(*all.messages[i]);
    if (target.IsOne() && endpoint.endpoint() != target.Id()) continue;
    fetched.Add(all.items[i].name, std::move(all.messages[i]));
  }
  return kDone;
}

int FetchListeners(Context& context, const Target& target, Fetched& fetched) {
  admin::ListListenersResponse page;
  const int code = context.Call("RuntimeService/ListListeners", "get listeners",
                                admin::ListListenersRequest(), page);
  if (code != kDone) return code;
  for (auto& listener : *page.mutable_listeners()) {
    if (target.IsOne() && listener.name() != target.Id()) continue;
    const std::string name = NameOf(listener);
    fetched.Add(name, std::make_unique<admin::ListenerInfo>(std::move(listener)));
  }
  return kDone;
}

// There is no call for one key: it is looked for among those of its subscription.
int FetchKeys(Context& context, const Target& target, Fetched& fetched) {
  if (target.parts.size() < 2) {
    return context.Usage("keys belong to a subscription: get keys/API/SUBSCRIPTION");
  }
  Fetched all;
  const int code = FetchPages<admin::ListApiKeysRequest, admin::ListApiKeysResponse>(
      context, "SubscriptionService/ListApiKeys",
      WithParent<admin::ListApiKeysRequest>(target.Parent()),
      [](auto& page) { return page.mutable_api_keys(); }, all);
  if (code != kDone) return code;
  for (std::size_t i = 0; i < all.items.size(); ++i) {
    if (target.IsOne() && all.items[i].name != target.FullName()) continue;
    fetched.Add(all.items[i].name, std::move(all.messages[i]));
  }
  return kDone;
}

// A list that holds no item of the name: as if the server had said so.
int CheckFound(Context& context, const Target& target, Fetched& fetched) {
  if (!target.IsOne() || !fetched.items.empty()) return kDone;
  if (context.options.ignore_not_found) {
    fetched.missing = true;
    return kDone;
  }
  CallResult result;
  result.code = kNotFoundCode;
  result.message = target.Text() + " does not exist";
  return context.Report(result, context.options.verb + " " + target.Text());
}

}  // namespace

void Fetched::Add(std::string name, std::unique_ptr<google::protobuf::Message> message) {
  items.push_back({std::move(name), message.get()});
  messages.push_back(std::move(message));
}

int Fetch(Context& context, const Target& target, Fetched& fetched) {
  const bool one = target.IsOne();
  int code = kDone;
  switch (target.type) {
    case Type::kApi:
      return one ? FetchOne<admin::GetApiRequest, v1::Api>(context, "ApiService/GetApi", target,
                                                           fetched)
                 : FetchApis(context, fetched);
    case Type::kPlan:
      return one ? FetchOne<admin::GetPlanRequest, v1::Plan>(context, "PlanService/GetPlan",
                                                             target, fetched)
                 : FetchPlans(context, target.Parent(), fetched);
    case Type::kApplication:
      return one ? FetchOne<admin::GetApplicationRequest, v1::Application>(
                       context, "ApplicationService/GetApplication", target, fetched)
                 : FetchApplications(context, fetched);
    case Type::kSubscription:
      return one ? FetchOne<admin::GetSubscriptionRequest, v1::Subscription>(
                       context, "SubscriptionService/GetSubscription", target, fetched)
                 : FetchSubscriptions(context, target.Parent(), fetched);
    case Type::kKey: code = FetchKeys(context, target, fetched); break;
    case Type::kEndpoint: code = FetchEndpoints(context, target, fetched); break;
    case Type::kListener: code = FetchListeners(context, target, fetched); break;
  }
  return code != kDone ? code : CheckFound(context, target, fetched);
}

}  // namespace tidegate::ctl
