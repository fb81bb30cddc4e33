// The admin side over a fake data plane: operations are called as services call them, without gRPC.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/admin/api_operations.h"
#include "server/admin/errors.h"
#include "server/admin/plan_operations.h"
#include "server/admin/runtime_operations.h"
#include "server/admin/service_call.h"
#include "server/admin/subscription_operations.h"
#include "server/config/secrets.h"
#include "server/config/yaml_reader.h"
#include "tests/server/admin/fake_data_plane.h"
#include "tests/server/state/temp_directory.h"
#include "tests/support/is_ok.h"

namespace tidegate::admin {

// The definitions that most tests begin with.
inline constexpr char kOrders[] = R"(
kind: Api
name: orders
displayName: Orders
type: message
listeners: [{path: /orders}]
entrypoints: [sse, httpPost]
endpointGroups: [{name: default, endpoints: [{name: main, mock: {}}]}]
plans: [{name: open, keyless: {}}, {name: partners, apiKey: {}}]
)";
inline constexpr char kStorefront[] = "{kind: Application, name: storefront}";
inline constexpr char kStorefrontOrders[] = R"(
kind: Subscription
name: storefront
api: orders
plan: partners
application: storefront
)";

template <typename Resource>
Resource FromYaml(const std::string& text) {
  config::Violations violations;
  const auto documents = config::ReadText("test.yaml", text, "", violations);
  for (const config::Violation& one : violations) ADD_FAILURE() << config::ToText(one);
  Resource resource;
  if (documents.size() == 1) resource.CopyFrom(*documents[0].message);
  return resource;
}

inline v1::ConfigBundle BundleOf(const std::string& text) {
  config::Violations violations;
  const auto documents = config::ReadText("test.yaml", text, "", violations);
  for (const config::Violation& one : violations) ADD_FAILURE() << config::ToText(one);
  v1::ConfigBundle bundle;
  for (const config::Document& document : documents) {
    if (document.kind == config::DocumentKind::kApi) {
      bundle.add_apis()->CopyFrom(*document.message);
    } else if (document.kind == config::DocumentKind::kApplication) {
      bundle.add_applications()->CopyFrom(*document.message);
    } else {
      bundle.add_subscriptions()->CopyFrom(*document.message);
    }
  }
  return bundle;
}

template <typename Detail>
Detail DetailOf(const google::rpc::Status& status) {
  Detail detail;
  int found = 0;
  for (const auto& any : status.details()) {
    if (any.UnpackTo(&detail)) ++found;
  }
  EXPECT_EQ(found, 1) << "of " << Detail::descriptor()->name();
  return detail;
}

// "INVALID_ARGUMENT INVALID_FIELD": what tests compare; the ErrorInfo must be there and ours.
inline std::string Verdict(const Status& status) {
  if (status.ok()) return "OK";
  const auto info = DetailOf<google::rpc::ErrorInfo>(ToRpcStatus(status));
  EXPECT_EQ(info.domain(), kErrorDomain);
  return CodeWord(status.code()) + " " + info.reason();
}

class AdminTest : public testing::Test {
 protected:
  void SetUp() override { UseStore(state::MakeMemoryStore()); }

  // The process is started (again) on this store.
  void UseStore(std::unique_ptr<state::ConfigStore> store) {
    deployer_.reset();
    repository_.reset();
    store_ = std::move(store);
    repository_ = std::make_unique<Repository>(*store_);
    DeployerOptions options;
    options.now = [this] { return now_; };
    deployer_ = std::make_unique<Deployer>(*repository_, plane_, options);
    const Status restored = deployer_->Restore();
    ASSERT_TRUE(restored.ok()) << MessageOf(restored);
  }

  // As a service would: size, unknown fields, request ids, redaction.
  template <typename Request, typename Response>
  Status Do(Status (*operation)(Deployer&, Call&, const Request&, Response&),
            const Request& request, Response& response) {
    Call call(Request::descriptor()->name().substr(
        0, Request::descriptor()->name().size() - sizeof("Request") + 1));
    call.secrets = &secrets_;
    return runner_.Run(call, request, response,
                       [&] { return operation(*deployer_, call, request, response); });
  }

  v1::ApplyConfigResponse Apply(const std::string& yaml) {
    v1::ApplyConfigRequest request;
    *request.mutable_bundle() = BundleOf(yaml);
    v1::ApplyConfigResponse response;
    const Status status = Do(ApplyConfig, request, response);
    EXPECT_TRUE(status.ok()) << MessageOf(status);
    return response;
  }
  // orders with storefront and its subscription, live.
  void ApplyAll() {
    Apply(std::string(kOrders) + "---\n" + kStorefront + "\n---" + kStorefrontOrders);
  }

  cfg::Api Get(const std::string& name) {
    v1::GetApiRequest request;
    request.set_name(name);
    cfg::Api response;
    const Status status = Do(GetApi, request, response);
    EXPECT_TRUE(status.ok()) << MessageOf(status);
    return response;
  }
  cfg::Subscription GetSub(const std::string& name) {
    v1::GetSubscriptionRequest request;
    request.set_name(name);
    cfg::Subscription response;
    const Status status = Do(GetSubscription, request, response);
    EXPECT_TRUE(status.ok()) << MessageOf(status);
    return response;
  }
  // The whole state as bytes: equal when nothing has changed.
  std::string Everything() {
    v1::DumpConfigResponse response;
    EXPECT_TRUE(IsOk(Do(DumpConfig, v1::DumpConfigRequest(), response)));
    return response.SerializeAsString();
  }

  FakeDataPlane plane_;
  model::WallTime now_ = model::WallTime(std::chrono::seconds(1'700'000'000));
  config::SecretResolver secrets_{config::SecretRules{{}, {"TIDEGATE_TEST_*"}}};
  ServiceCall runner_;
  std::unique_ptr<state::ConfigStore> store_;
  std::unique_ptr<Repository> repository_;
  std::unique_ptr<Deployer> deployer_;
};

}  // namespace tidegate::admin
