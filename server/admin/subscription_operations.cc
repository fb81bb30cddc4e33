#include "server/admin/subscription_operations.h"

#include "server/admin/definitions.h"
#include "server/admin/rendering.h"
#include "server/admin/stored.h"
#include "server/config/names.h"

namespace tidegate::admin {
namespace {

constexpr Shelf<cfg::Subscription> kShelf{config::ResourceKind::kSubscription,
                                          "tidegate.config.v1.Subscription",
                                          &State::subscriptions, &Change::FindSubscription};
constexpr char kApiType[] = "tidegate.config.v1.Api";
constexpr std::size_t kSubscriptionsMax = 100'000;

Status Store(Change& change, Call& call, cfg::Subscription subscription, bool force,
             cfg::Subscription& response) {
  const std::string name = subscription.name();
  WriteOptions options;
  options.path = "subscription";
  options.force = force;
  options.secrets = call.secrets;
  options.keep_missing = true;
  std::vector<MadeKey> made;
  config::Violations violations;
  TG_RETURN_IF_ERROR(
      StoreSubscription(change, std::move(subscription), options, false, made, violations));
  if (!violations.empty()) return Refuse(violations);
  const cfg::Subscription& stored = *change.FindSubscription(name);
  call.audit.etag_after = stored.etag();
  response = Render(stored);
  return OkStatus();
}

Status Create(Change& change, Call& call, const std::string& name, const std::string& api,
              cfg::Subscription subscription, cfg::Subscription& response) {
  if (change.FindApi(api) == nullptr) return ResourceMissing(kApiType, api);
  if (change.FindSubscription(name) != nullptr) return ResourceExists(kShelf.type, name);
  if (change.now().subscriptions.size() >= kSubscriptionsMax) {
    return LimitReached("subscriptions",
                        "there are " + std::to_string(kSubscriptionsMax) + " already");
  }
  subscription.set_name(name);
  if (subscription.api().empty()) subscription.set_api(api);
  return Store(change, call, std::move(subscription), false, response);
}

}  // namespace

Status CreateSubscription(Deployer& deployer, Call& call,
                          const v1::CreateSubscriptionRequest& request,
                          cfg::Subscription& response) {
  if (!request.has_subscription()) {
    return InvalidField("subscription", "is required", config::kRequiredField);
  }
  const std::string& api = request.parent();
  TG_RETURN_IF_ERROR(RequestName(config::ResourceKind::kApi, "parent", api).status());
  TG_ASSIGN_OR_RETURN(
      const std::string name,
      CreateName(config::ResourceKind::kSubscription, api, "subscription_id",
                 request.subscription_id(), "subscription.name", request.subscription().name()));
  call.audit.resource = name;
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    return Create(change, call, name, api, request.subscription(), response);
  });
}

Status GetSubscription(Deployer& deployer, Call& call, const v1::GetSubscriptionRequest& request,
                       cfg::Subscription& response) {
  TG_ASSIGN_OR_RETURN(const auto stored, ReadStored(call, kShelf, request, *deployer.Read()));
  response = Render(*stored);
  return OkStatus();
}

Status ListSubscriptions(Deployer& deployer, Call&, const v1::ListSubscriptionsRequest& request,
                         v1::ListSubscriptionsResponse& response) {
  TG_ASSIGN_OR_RETURN(const std::string parent, ListParent(request.parent()));
  const std::string what = request.parent() + "/subscriptions";
  TG_ASSIGN_OR_RETURN(const Page page,
                      ReadPage(what, request.page_size(), request.page_token()));
  const StatePtr state = deployer.Read();
  if (!parent.empty() && state->apis.count(parent) == 0) return ResourceMissing(kApiType, parent);
  const auto add = [&](const auto& item) {
    *response.add_subscriptions() = Render(*item);
  };
  const auto name_of = [](const auto& item) { return item->name(); };
  if (!parent.empty()) {
    response.set_next_page_token(
        TakePage(what, page, SubscriptionsOf(*state, parent), name_of, add));
    return OkStatus();
  }
  response.set_next_page_token(TakePage(
      what, page, state->subscriptions, [](const auto& item) { return item.first; },
      [&](const auto& item) { add(item.second); }));
  return OkStatus();
}

Status UpdateSubscription(Deployer& deployer, Call& call,
                          const v1::UpdateSubscriptionRequest& request,
                          cfg::Subscription& response) {
  cfg::Subscription update = request.subscription();
  const std::string etag = update.etag();
  const std::string name = update.name();
  call.audit.resource = name;
  TG_ASSIGN_OR_RETURN(
      const config::ResourceName parsed,
      RequestName(config::ResourceKind::kSubscription, "subscription.name", name));
  if (update.api().empty()) update.set_api(config::ApiName(parsed.api()));
  config::Violations violations;
  Normalize(update, "subscription", violations);
  if (!violations.empty()) return Refuse(violations);
  const auto make = [&](Change& change) {
    return Create(change, call, name, update.api(), update, response);
  };
  const auto put = [&](Change& change, cfg::Subscription merged) {
    return Store(change, call, std::move(merged), request.force(), response);
  };
  return UpdateStored(deployer, call, kShelf, name, update, etag, request, make, put);
}

Status DeleteSubscription(Deployer& deployer, Call& call,
                          const v1::DeleteSubscriptionRequest& request,
                          google::protobuf::Empty&) {
  return DeleteStored(deployer, call, kShelf, request, [&](Change& change) {
    change.EraseSubscription(request.name());
    return OkStatus();
  });
}

}  // namespace tidegate::admin
