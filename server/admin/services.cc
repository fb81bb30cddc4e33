#include "server/admin/services.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <algorithm>

#include "google/rpc/status.pb.h"
#include "server/admin/api_operations.h"
#include "server/admin/errors.h"
#include "server/admin/plan_operations.h"
#include "server/admin/service_call.h"
#include "server/admin/subscription_operations.h"
#include "server/config/secrets.h"
#include "tidegate/admin/v1/api_service.grpc.pb.h"
#include "tidegate/admin/v1/application_service.grpc.pb.h"
#include "tidegate/admin/v1/config_service.grpc.pb.h"
#include "tidegate/admin/v1/plan_service.grpc.pb.h"
#include "tidegate/admin/v1/runtime_service.grpc.pb.h"
#include "tidegate/admin/v1/subscription_service.grpc.pb.h"

namespace tidegate::admin {
namespace {

constexpr auto kCallLimit = std::chrono::seconds(60);  // where the caller gives no deadline

bool IsLocal(const std::string& peer) {
  for (const char* prefix : {"unix:", "ipv4:127.", "ipv6:[::1]", "ipv6:%5B::1%5D", "inproc"}) {
    if (peer.rfind(prefix, 0) == 0) return true;
  }
  return false;
}

// The name in a verified certificate, SPIFFE id before DNS name before common name; else where the
// call came from.
std::string PrincipalOf(const grpc::ServerContext& context) {
  const auto auth = context.auth_context();
  if (auth != nullptr && auth->IsPeerAuthenticated()) {
    for (const char* property : {"peer_spiffe_id", "peer_uri", "peer_dns", "x509_common_name"}) {
      const auto values = auth->FindPropertyValues(property);
      if (!values.empty()) return std::string(values[0].data(), values[0].size());
    }
  }
  const std::string peer = context.peer();
  return peer.rfind("unix:", 0) == 0 ? "unix" : peer;
}

// grpc++ counts in the system's clock; what waits here counts in the steady one.
Call::TimePoint DeadlineOf(const grpc::ServerContext& context) {
  const auto longest = std::chrono::steady_clock::now() + kCallLimit;
  const auto left = context.deadline() - std::chrono::system_clock::now();
  if (left >= kCallLimit) return longest;
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(left);
}

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status details = ToRpcStatus(status);
  return grpc::Status(static_cast<grpc::StatusCode>(details.code()), details.message(),
                      details.SerializeAsString());
}

// What all services share.
struct Shared {
  Shared(Deployer& deployer_, ServicesOptions options_)
      : deployer(deployer_), options(std::move(options_)), runner(options.request_bytes_max) {
    if (options.local_secrets == nullptr) options.local_secrets = &no_secrets;
    if (options.remote_secrets == nullptr) options.remote_secrets = &no_secrets;
  }

  template <typename Request, typename Response, typename Operation>
  grpc::Status Serve(grpc::ServerContext* context, const char* method, const Request& request,
                     Response* response, Operation operation) {
    Call call(method);
    call.principal = PrincipalOf(*context);
    call.deadline = DeadlineOf(*context);
    call.secrets = IsLocal(context->peer()) ? options.local_secrets : options.remote_secrets;
    return ToGrpc(runner.Run(call, request, *response, [&] { return operation(call); }));
  }

  Deployer& deployer;
  ServicesOptions options;
  const config::SecretResolver no_secrets{config::SecretRules{}};  // reaches nothing
  ServiceCall runner;
};

// One rpc whose operation is the function of the same name.
#define TG_RPC(service, name, Request, Response)                                             \
  grpc::Status name(grpc::ServerContext* context, const Request* request, Response* response) \
      override {                                                                             \
    return shared_.Serve(context, service "/" #name, *request, response, [&](Call& call) {    \
      return admin::name(shared_.deployer, call, *request, *response);                       \
    });                                                                                      \
  }

using google::protobuf::Empty;

class ApiServiceImpl final : public v1::ApiService::Service {
 public:
  explicit ApiServiceImpl(Shared& shared) : shared_(shared) {}
  TG_RPC("ApiService", CreateApi, v1::CreateApiRequest, cfg::Api)
  TG_RPC("ApiService", GetApi, v1::GetApiRequest, cfg::Api)
  TG_RPC("ApiService", ListApis, v1::ListApisRequest, v1::ListApisResponse)
  TG_RPC("ApiService", UpdateApi, v1::UpdateApiRequest, cfg::Api)
  TG_RPC("ApiService", DeleteApi, v1::DeleteApiRequest, Empty)
  TG_RPC("ApiService", DeployApi, v1::DeployApiRequest, cfg::ApiRevision)
  TG_RPC("ApiService", UndeployApi, v1::UndeployApiRequest, cfg::Api)
  TG_RPC("ApiService", StartApi, v1::StartApiRequest, cfg::Api)
  TG_RPC("ApiService", StopApi, v1::StopApiRequest, cfg::Api)
  TG_RPC("ApiService", ListApiRevisions, v1::ListApiRevisionsRequest,
         v1::ListApiRevisionsResponse)
  TG_RPC("ApiService", GetApiRevision, v1::GetApiRevisionRequest, cfg::ApiRevision)
  TG_RPC("ApiService", RollbackApi, v1::RollbackApiRequest, cfg::ApiRevision)
  TG_RPC("ApiService", CloneApi, v1::CloneApiRequest, cfg::Api)
  TG_RPC("ApiService", DiffApi, v1::DiffApiRequest, v1::DiffApiResponse)

 private:
  Shared& shared_;
};

class PlanServiceImpl final : public v1::PlanService::Service {
 public:
  explicit PlanServiceImpl(Shared& shared) : shared_(shared) {}
  TG_RPC("PlanService", CreatePlan, v1::CreatePlanRequest, cfg::Plan)
  TG_RPC("PlanService", GetPlan, v1::GetPlanRequest, cfg::Plan)
  TG_RPC("PlanService", ListPlans, v1::ListPlansRequest, v1::ListPlansResponse)
  TG_RPC("PlanService", UpdatePlan, v1::UpdatePlanRequest, cfg::Plan)
  TG_RPC("PlanService", DeletePlan, v1::DeletePlanRequest, Empty)
  TG_RPC("PlanService", PublishPlan, v1::PublishPlanRequest, cfg::Plan)
  TG_RPC("PlanService", DeprecatePlan, v1::DeprecatePlanRequest, cfg::Plan)
  TG_RPC("PlanService", ClosePlan, v1::ClosePlanRequest, cfg::Plan)

 private:
  Shared& shared_;
};

class ApplicationServiceImpl final : public v1::ApplicationService::Service {
 public:
  explicit ApplicationServiceImpl(Shared& shared) : shared_(shared) {}
  TG_RPC("ApplicationService", CreateApplication, v1::CreateApplicationRequest, cfg::Application)
  TG_RPC("ApplicationService", GetApplication, v1::GetApplicationRequest, cfg::Application)
  TG_RPC("ApplicationService", ListApplications, v1::ListApplicationsRequest,
         v1::ListApplicationsResponse)
  TG_RPC("ApplicationService", UpdateApplication, v1::UpdateApplicationRequest, cfg::Application)
  TG_RPC("ApplicationService", DeleteApplication, v1::DeleteApplicationRequest, Empty)

 private:
  Shared& shared_;
};

class SubscriptionServiceImpl final : public v1::SubscriptionService::Service {
 public:
  explicit SubscriptionServiceImpl(Shared& shared) : shared_(shared) {}
  TG_RPC("SubscriptionService", CreateSubscription, v1::CreateSubscriptionRequest,
         cfg::Subscription)
  TG_RPC("SubscriptionService", GetSubscription, v1::GetSubscriptionRequest, cfg::Subscription)
  TG_RPC("SubscriptionService", ListSubscriptions, v1::ListSubscriptionsRequest,
         v1::ListSubscriptionsResponse)
  TG_RPC("SubscriptionService", UpdateSubscription, v1::UpdateSubscriptionRequest,
         cfg::Subscription)
  TG_RPC("SubscriptionService", DeleteSubscription, v1::DeleteSubscriptionRequest, Empty)
  TG_RPC("SubscriptionService", AcceptSubscription, v1::AcceptSubscriptionRequest,
         cfg::Subscription)
  TG_RPC("SubscriptionService", RejectSubscription, v1::RejectSubscriptionRequest,
         cfg::Subscription)
  TG_RPC("SubscriptionService", PauseSubscription, v1::PauseSubscriptionRequest,
         cfg::Subscription)
  TG_RPC("SubscriptionService", ResumeSubscription, v1::ResumeSubscriptionRequest,
         cfg::Subscription)
  TG_RPC("SubscriptionService", CloseSubscription, v1::CloseSubscriptionRequest,
         cfg::Subscription)
  TG_RPC("SubscriptionService", TransferSubscription, v1::TransferSubscriptionRequest,
         cfg::Subscription)
  TG_RPC("SubscriptionService", CreateApiKey, v1::CreateApiKeyRequest, v1::ApiKeySecret)
  TG_RPC("SubscriptionService", ListApiKeys, v1::ListApiKeysRequest, v1::ListApiKeysResponse)
  TG_RPC("SubscriptionService", RotateApiKey, v1::RotateApiKeyRequest, v1::ApiKeySecret)
  TG_RPC("SubscriptionService", RevokeApiKey, v1::RevokeApiKeyRequest, cfg::ApiKey)
  TG_RPC("SubscriptionService", UpdateApiKey, v1::UpdateApiKeyRequest, cfg::ApiKey)

 private:
  Shared& shared_;
};

class ConfigServiceImpl final : public v1::ConfigService::Service {
 public:
  explicit ConfigServiceImpl(Shared& shared) : shared_(shared) {}
  TG_RPC("ConfigService", ApplyConfig, v1::ApplyConfigRequest, v1::ApplyConfigResponse)
  TG_RPC("ConfigService", DiffConfig, v1::DiffConfigRequest, v1::DiffConfigResponse)
  TG_RPC("ConfigService", DumpConfig, v1::DumpConfigRequest, v1::DumpConfigResponse)

 private:
  Shared& shared_;
};

#undef TG_RPC

// The rpcs of the running process differ in what they need.
#define TG_RPC(name, Request, Response, operation)                                            \
  grpc::Status name(grpc::ServerContext* context, const v1::Request* request,                 \
                    v1::Response* response) override {                                        \
    return shared_.Serve(context, "RuntimeService/" #name, *request, response,                \
                         [&]([[maybe_unused]] Call& call) { return operation; });             \
  }

class RuntimeServiceImpl final : public v1::RuntimeService::Service {
 public:
  explicit RuntimeServiceImpl(Shared& shared)
      : shared_(shared), deployer_(shared.deployer), process_(shared.options.process) {}
  TG_RPC(GetServerInfo, GetServerInfoRequest, ServerInfo,
         admin::GetServerInfo(deployer_, process_, *response))
  TG_RPC(GetReadiness, GetReadinessRequest, Readiness,
         admin::GetReadiness(deployer_, process_, *response))
  TG_RPC(ListEndpointHealth, ListEndpointHealthRequest, ListEndpointHealthResponse,
         admin::ListEndpointHealth(deployer_, *request, *response))
  TG_RPC(ListConnections, ListConnectionsRequest, ListConnectionsResponse,
         admin::ListConnections(deployer_, *request, *response))
  TG_RPC(CloseConnection, CloseConnectionRequest, CloseConnectionResponse,
         admin::CloseConnection(deployer_, call, *request))
  TG_RPC(StartDrain, StartDrainRequest, DrainStatus,
         admin::StartDrain(deployer_, process_, *response))
  TG_RPC(CancelDrain, CancelDrainRequest, DrainStatus,
         admin::CancelDrain(deployer_, process_, *response))
  TG_RPC(ListListeners, ListListenersRequest, ListListenersResponse,
         admin::ListListeners(process_, *response))
  TG_RPC(TestEndpoint, TestEndpointRequest, TestEndpointResponse,
         admin::TestEndpoint(deployer_, call, *request, *response))

 private:
  Shared& shared_;
  Deployer& deployer_;
  const ProcessView& process_;
};

#undef TG_RPC

class AllServices final : public Services {
 public:
  AllServices(Deployer& deployer, ServicesOptions options)
      : shared_(deployer, std::move(options)) {}

  std::vector<grpc::Service*> all() override {
    return {&api_, &plan_, &application_, &subscription_, &config_, &runtime_};
  }
  std::vector<std::string> names() const override {
    return {v1::ApiService::service_full_name(),          v1::PlanService::service_full_name(),
            v1::ApplicationService::service_full_name(),
            v1::SubscriptionService::service_full_name(), v1::ConfigService::service_full_name(),
            v1::RuntimeService::service_full_name()};
  }

 private:
  Shared shared_;
  ApiServiceImpl api_{shared_};
  PlanServiceImpl plan_{shared_};
  ApplicationServiceImpl application_{shared_};
  SubscriptionServiceImpl subscription_{shared_};
  ConfigServiceImpl config_{shared_};
  RuntimeServiceImpl runtime_{shared_};
};

}  // namespace

std::unique_ptr<Services> MakeServices(Deployer& deployer, ServicesOptions options) {
  return std::make_unique<AllServices>(deployer, std::move(options));
}

}  // namespace tidegate::admin
