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

#include "server/admin/deployer.h"
#include "server/admin/service_call.h"
#include "server/admin/tls_credentials.h"
#include "server/base/log.h"
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
  if (listener.tls) {
    for (const AdminIdentity& identity : listener.tls->identities) {
      if (!identity.key.empty()) continue;
      return InvalidArgument("admin: " + HostPort(listener, listener.port) +
                             " has a certificate without a key");
    }
  }
  if (model::IsLoopback(listener.host)) return OkStatus();
  const bool known = listener.tls && !listener.tls->identities.empty() &&
                     !listener.tls->client_authorities.empty() &&
                     listener.tls->client_certificates_required;
  if (known) return OkStatus();
  return InvalidArgument(
      "admin: " + HostPort(listener, listener.port) +
      " is not a loopback address: it needs TLS with required client certificates, for whoever "
      "can call here can change everything");
}

// A listener whose certificates can change.
struct TlsPort {
  std::string address;
  std::shared_ptr<TlsCredentials> credentials;
  std::function<StatusOr<AdminTls>()> read;
  std::function<std::string()> stamp;
  std::string seen;
};

class GrpcAdminServer final : public AdminServer {
 public:
  GrpcAdminServer(Deployer& deployer, ServicesOptions options)
      : services_(MakeServices(deployer, FollowDrain(std::move(options)))) {}
  ~GrpcAdminServer() override { GrpcAdminServer::Stop(std::chrono::seconds(1)); }

  Status Listen(const AdminServerOptions& options);
  const std::vector<std::string>& addresses() const override { return addresses_; }

  void SetServing(bool serving) override {
    const std::lock_guard lock(health_mutex_);
    serving_ = serving;
    if (health_ != nullptr) health_->SetServingStatus(serving);  // of all names
  }

  void RefreshTls() override {
    for (TlsPort& port : tls_ports_) {
      if (!port.stamp) continue;
      std::string stamp = port.stamp();
      if (stamp == port.seen) continue;
      port.seen = std::move(stamp);  // what is refused is tried again when it changes again
      StatusOr<AdminTls> tls = port.read();
      CountApply("secrets", tls.ok());
      if (!tls.ok()) {
        Log(LogLevel::kError, "tls.reload_failed",
            {{"listener", "admin " + port.address}, {"cause", MessageOf(tls.status())}});
        continue;
      }
      port.credentials->Use(std::move(*tls));
      Log(LogLevel::kInfo, "tls.reloaded", {{"listener", "admin " + port.address}});
    }
  }

  void Stop(std::chrono::milliseconds limit) override {
    if (server_ == nullptr) return;
    {
      const std::lock_guard lock(health_mutex_);
      health_ = nullptr;  // dies with the server
    }
    server_->Shutdown(std::chrono::system_clock::now() + limit);
    server_->Wait();
    server_.reset();
    for (const std::string& path : sockets_) ::unlink(path.c_str());
    sockets_.clear();
  }

 private:
  std::shared_ptr<grpc::ServerCredentials> CredentialsOf(const AdminListener& listener);
  // Health tells of a drain before streams do, and of its end after.
  ServicesOptions FollowDrain(ServicesOptions options);

  std::unique_ptr<Services> services_;
  std::vector<TlsPort> tls_ports_;        // touched by Start and RefreshTls
  std::unique_ptr<grpc::Server> server_;  // dies before the services and the credentials
  std::vector<std::string> addresses_;
  std::vector<std::string> sockets_;
  std::mutex health_mutex_;  // calls come as soon as the server runs
  bool serving_ = true;
  grpc::HealthCheckServiceInterface* health_ = nullptr;
};

ServicesOptions GrpcAdminServer::FollowDrain(ServicesOptions options) {
  ProcessView& process = options.process;
  if (process.start_drain) {
    process.start_drain = [this, start = std::move(process.start_drain)] {
      SetServing(false);
      start();
    };
  }
  if (process.cancel_drain) {
    process.cancel_drain = [this, cancel = std::move(process.cancel_drain)] {
      cancel();
      SetServing(true);
    };
  }
  return options;
}

std::shared_ptr<grpc::ServerCredentials> GrpcAdminServer::CredentialsOf(
    const AdminListener& listener) {
  if (!listener.tls) return grpc::InsecureServerCredentials();
  TlsPort port;
  port.address = HostPort(listener, listener.port);
  port.credentials = std::make_shared<TlsCredentials>(*listener.tls);
  port.read = listener.read;
  port.stamp = listener.stamp;
  port.seen = listener.seen;
  tls_ports_.push_back(port);
  return port.credentials;
}

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
  const std::lock_guard lock(health_mutex_);
  health_ = server_->GetHealthCheckService();
  if (health_ == nullptr) return OkStatus();
  for (const std::string& name : services_->names()) health_->SetServingStatus(name, serving_);
  health_->SetServingStatus(serving_);
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
