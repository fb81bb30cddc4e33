#include "server/admin/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>

#include "server/admin/service_call.h"
#include "server/model/compile.h"

namespace tidegate::admin {
namespace {

constexpr int kThreadsMax = 64;            // calls that run at once, readers included
constexpr int kPingIntervalMs = 10'000;    // watchers keep their connection alive with pings

std::string HostPort(const AdminListener& listener, int port) {
  const bool v6 = listener.host.find(':') != std::string::npos;
  return (v6 ? "[" + listener.host + "]" : listener.host) + ":" + std::to_string(port);
}

Status CheckListener(const AdminListener& listener) {
  if (!listener.unix_path.empty()) return PrepareSocket(listener.unix_path);
  const bool tls = !listener.identities.empty();
  for (const AdminIdentity& identity : listener.identities) {
    if (!identity.key.empty()) continue;
    return InvalidArgument("admin: " + HostPort(listener, listener.port) +
                           " has a certificate without a key");
  }
  if (model::IsLoopback(listener.host)) return OkStatus();
  const bool known = !listener.client_authorities.empty() && listener.client_certificates_required;
  if (tls && known) return OkStatus();
  return InvalidArgument(
      "admin: " + HostPort(listener, listener.port) +
      " is not a loopback address: it needs TLS with required client certificates, for whoever "
      "can call here can change everything");
}

std::shared_ptr<grpc::ServerCredentials> CredentialsOf(const AdminListener& listener) {
  if (listener.identities.empty()) return grpc::InsecureServerCredentials();
  auto ask = GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
  if (!listener.client_authorities.empty()) {
    ask = listener.client_certificates_required
              ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
              : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  grpc::SslServerCredentialsOptions options(ask);
  for (const AdminIdentity& identity : listener.identities) {
    options.pem_key_cert_pairs.push_back({identity.key, identity.certificate_chain});
  }
  options.pem_root_certs = listener.client_authorities;
  return grpc::SslServerCredentials(options);
}

class GrpcAdminServer final : public AdminServer {
 public:
  GrpcAdminServer(Deployer& deployer, ServicesOptions options)
      : services_(MakeServices(deployer, std::move(options))) {}
  ~GrpcAdminServer() override { GrpcAdminServer::Stop(std::chrono::seconds(1)); }

  Status Listen(const AdminServerOptions& options);
  const std::vector<std::string>& addresses() const override { return addresses_; }

  void SetServing(bool serving) override {
    if (server_ == nullptr || server_->GetHealthCheckService() == nullptr) return;
    server_->GetHealthCheckService()->SetServingStatus(serving);
  }

  void Stop(std::chrono::milliseconds limit) override {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + limit);
    server_->Wait();
    server_.reset();
    for (const std::string& path : sockets_) ::unlink(path.c_str());
    sockets_.clear();
  }

 private:
  std::unique_ptr<Services> services_;
  std::unique_ptr<grpc::Server> server_;  // dies before the services
  std::vector<std::string> addresses_;
  std::vector<std::string> sockets_;
};

Status GrpcAdminServer::Listen(const AdminServerOptions& options) {
  static std::once_flag plugins;
  std::call_once(plugins, [] { grpc::EnableDefaultHealthCheckService(true); });
  if (options.reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(static_cast<int>(kMessageBytesMax));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a second process must fail
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kPingIntervalMs);
  grpc::ResourceQuota quota("admin");
  quota.SetMaxThreads(kThreadsMax);
  builder.SetResourceQuota(quota);
  std::vector<int> ports(options.listeners.size(), 0);
  for (std::size_t i = 0; i < options.listeners.size(); ++i) {
    const AdminListener& listener = options.listeners[i];
    const std::string address = listener.unix_path.empty() ? HostPort(listener, listener.port)
                                                           : "unix:" + listener.unix_path;
    builder.AddListeningPort(address, CredentialsOf(listener), &ports[i]);
  }
  for (grpc::Service* service : services_->all()) builder.RegisterService(service);
  // The socket must never be open to others, not even between bind and chmod.
  const mode_t mask = ::umask(0177);
  server_ = builder.BuildAndStart();
  ::umask(mask);
  for (std::size_t i = 0; i < options.listeners.size(); ++i) {
    const AdminListener& listener = options.listeners[i];
    const std::string address = listener.unix_path.empty() ? HostPort(listener, ports[i])
                                                           : "unix:" + listener.unix_path;
    if (server_ == nullptr || ports[i] == 0) {
      return Unavailable("admin: cannot listen on " +
                         (listener.unix_path.empty() ? HostPort(listener, listener.port)
                                                     : address) +
                         ": it is in use, not an address of this machine, or its certificate or "
                         "key cannot be read");
    }
    addresses_.push_back(address);
    if (listener.unix_path.empty()) continue;
    sockets_.push_back(listener.unix_path);
    if (::chmod(listener.unix_path.c_str(), 0600) != 0) {
      return Unavailable("admin: cannot set the mode of " + listener.unix_path);
    }
  }
  SetServing(true);
  return OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(Deployer& deployer,
                                                          AdminServerOptions options) {
  if (options.listeners.empty()) return InvalidArgument("admin: there is no listener");
  for (const AdminListener& listener : options.listeners) {
    TG_RETURN_IF_ERROR(CheckListener(listener));
  }
  auto server = std::make_unique<GrpcAdminServer>(deployer, options.services);
  TG_RETURN_IF_ERROR(server->Listen(options));
  return std::unique_ptr<AdminServer>(std::move(server));
}

}  // namespace tidegate::admin
