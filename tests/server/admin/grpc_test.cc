// The services over real gRPC: sockets, ports, error details in trailers, health, reflection.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/telemetry/metrics.h"
#include "tests/server/admin/grpc_fixture.h"
#include "tests/support/is_ok.h"
#include "tidegate/admin/v1/api_service.grpc.pb.h"
#include "tidegate/admin/v1/config_service.grpc.pb.h"
#include "tidegate/admin/v1/runtime_service.grpc.pb.h"

namespace tidegate::admin {
namespace {

TEST_F(GrpcTest, ApplyAndServerInfo_overTheUnixSocket) {
  StartOnSocket();
  auto config = v1::ConfigService::NewStub(channel_);
  v1::ApplyConfigRequest apply;
  *apply.mutable_bundle() = BundleOf(kOrders);
  v1::ApplyConfigResponse applied;
  grpc::ClientContext first;
  const grpc::Status status = config->ApplyConfig(&first, apply, &applied);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(applied.results(0).revision(), "apis/orders/revisions/1");
  auto runtime = v1::RuntimeService::NewStub(channel_);
  v1::ServerInfo info;
  grpc::ClientContext second;
  ASSERT_TRUE(IsOk(runtime->GetServerInfo(&second, {}, &info)));
  EXPECT_EQ(info.node(), "node-1");
  EXPECT_EQ(info.config_revision(), 1);
  EXPECT_GE(telemetry::Registry::Global()
                .GetCounter("tidegate_admin_requests_total", "",
                            {{"method", "ConfigService/ApplyConfig"}, {"code", "OK"}})
                .Value(),
            1U);
}

TEST_F(GrpcTest, Errors_carryTheirDetails) {
  StartOnSocket();
  auto apis = v1::ApiService::NewStub(channel_);
  grpc::ClientContext context;
  v1::GetApiRequest request;
  request.set_name("apis/none");
  cfg::Api response;
  const grpc::Status status = apis->GetApi(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), 5);
  EXPECT_EQ(details.message(), status.error_message());
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(details).reason(), "RESOURCE_NOT_FOUND");
  EXPECT_EQ(DetailOf<google::rpc::ResourceInfo>(details).resource_name(), "apis/none");
}

TEST_F(GrpcTest, UnknownFieldInBytes_isRefused) {
  StartOnSocket();
  v1::CreateApiRequest request;
  *request.mutable_api() = FromYaml<cfg::Api>(kOrders);
  std::string bytes = request.SerializeAsString() + std::string("\xf8\x3f\x01", 3);
  std::string response;
  const grpc::Status status =
      Raw(channel_, "/tidegate.admin.v1.ApiService/CreateApi", bytes, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(details).reason(), "UNKNOWN_FIELD");
}

TEST_F(GrpcTest, LargeRequests_areRefusedWithTheLimit) {
  StartOnSocket();
  auto apis = v1::ApiService::NewStub(channel_);
  v1::CreateApiRequest request;
  request.set_api_id(std::string(4 * 1024 * 1024, 'a'));
  cfg::Api response;
  grpc::ClientContext first;
  const grpc::Status status = apis->CreateApi(&first, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(details).reason(), "LIMIT_REACHED");
  EXPECT_EQ(DetailOf<google::rpc::QuotaFailure>(details).violations_size(), 1);
  request.set_api_id(std::string(17 * 1024 * 1024, 'a'));
  grpc::ClientContext second;
  EXPECT_EQ(apis->CreateApi(&second, request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(GrpcTest, HealthAndReflection_answer) {
  StartOnSocket();
  std::string response;
  ASSERT_TRUE(IsOk(Raw(channel_, "/grpc.health.v1.Health/Check", "", response)));
  EXPECT_EQ(response, std::string("\x08\x01")) << "SERVING";
  server_->SetServing(false);
  response.clear();
  ASSERT_TRUE(IsOk(Raw(channel_, "/grpc.health.v1.Health/Check", "", response)));
  EXPECT_EQ(response, std::string("\x08\x02")) << "NOT_SERVING";
  response.clear();
  Raw(channel_, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      std::string("\x3a\x00", 2), response);
  for (const char* name : {"ApiService", "PlanService", "ApplicationService",
                           "SubscriptionService", "ConfigService", "RuntimeService"}) {
    EXPECT_NE(response.find(std::string("tidegate.admin.v1.") + name), std::string::npos) << name;
  }
}

TEST_F(GrpcTest, Socket_isForItsUserOnlyAndGoneAtTheEnd) {
  StartOnSocket();
  struct stat info {};
  ASSERT_EQ(::stat(Path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat((directory_.path() + "/run").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  const auto second = Start({AdminListener::Unix(Path())});
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition) << "somebody answers";
  server_->Stop(std::chrono::seconds(1));
  EXPECT_NE(::stat(Path().c_str(), &info), 0);
}

TEST_F(GrpcTest, StaleSocket_isReplacedAndOtherFilesAreNot) {
  const std::string path = directory_.path() + "/admin.sock";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);  // nobody answers there now
  auto server = Start({AdminListener::Unix(path)});
  ASSERT_TRUE(server.ok()) << MessageOf(server.status());
  server->reset();
  std::ofstream(path) << "not a socket";
  EXPECT_EQ(Start({AdminListener::Unix(path)}).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Start({AdminListener::Unix("relative.sock")}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(Start({AdminListener::Unix("/" + std::string(200, 'x'))}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(GrpcTest, Tcp_onlyLoopbackInTheOpen) {
  auto server = Start({AdminListener::Tcp("127.0.0.1", 0)});
  ASSERT_TRUE(server.ok()) << MessageOf(server.status());
  const std::string address = (*server)->addresses()[0];
  EXPECT_NE(address, "127.0.0.1:0");
  auto runtime = v1::RuntimeService::NewStub(
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::ServerInfo info;
  EXPECT_TRUE(IsOk(runtime->GetServerInfo(&context, {}, &info)));
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
  EXPECT_EQ(Start({AdminListener::Tcp("127.0.0.1", port)}).status().code(),
            StatusCode::kUnavailable)
      << "in use";
  for (const char* host : {"0.0.0.0", "::", "192.0.2.1"}) {
    EXPECT_EQ(Start({AdminListener::Tcp(host, 0)}).status().code(), StatusCode::kInvalidArgument)
        << host;
    AdminListener tls = AdminListener::Tcp(host, 0);
    tls.tls = AdminTls();
    tls.tls->identities.push_back(AdminIdentity{"certificate", "key"});
    EXPECT_EQ(Start({tls}).status().code(), StatusCode::kInvalidArgument) << host;
    tls.tls->client_authorities = "authorities";
    tls.tls->client_certificates_required = false;
    EXPECT_EQ(Start({tls}).status().code(), StatusCode::kInvalidArgument)
        << host << " with TLS, but without required client certificates";
  }
  EXPECT_EQ(Start({}).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tidegate::admin
