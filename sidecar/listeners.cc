#include "sidecar/listeners.h"

#include <sys/resource.h>

#include <algorithm>

#include "sidecar/listener_tls.h"

namespace tidegate::sidecar {
namespace {

http::HttpLimits LimitsOf(const model::GatewayLimits& from) {
  http::HttpLimits limits;
  limits.head.request_line_bytes = from.request_line_bytes;
  limits.head.head_bytes = from.header_bytes;
  limits.head.field_bytes = from.header_field_bytes;
  limits.head.fields = from.header_count;
  limits.tls_handshake_timeout = from.handshake_timeout;
  limits.head_timeout = from.header_timeout;
  limits.keep_alive_idle = from.keep_alive;
  limits.body_idle_timeout = from.body_idle_timeout;
  limits.body_total_timeout = from.body_timeout;
  limits.write_stall_timeout = from.write_stall_timeout;
  limits.requests_max = from.keep_alive_requests;
  limits.connection_age = from.connection_age;
  return limits;
}

Status Named(const Status& status, const std::string& name) {
  return MakeStatus(status.code(), "http listener " + name + ": " + MessageOf(status));
}

}  // namespace

std::size_t DefaultConnectionsMax() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto share = static_cast<std::size_t>(static_cast<double>(limit.rlim_cur) * 0.45);
  return std::min<std::size_t>(10'000, share);
}

std::string AddressOf(const model::HostPort& configured, std::uint16_t port) {
  const bool v6 = configured.host.find(':') != std::string::npos;
  return (v6 ? "[" + configured.host + "]" : configured.host) + ":" + std::to_string(port);
}

StatusOr<HttpServers> BindHttp(const model::Gateway& gateway, net::WorkerPool& workers,
                               http::Handler& handler, const config::SecretResolver& secrets) {
  HttpServers servers;
  for (const model::HttpListener& listener : gateway.http) {
    http::HttpServerOptions options;
    options.listener.name = listener.name;
    options.listener.address = listener.address.host;
    options.listener.port = listener.address.port;
    options.listener.connections_max =
        gateway.limits.connections ? *gateway.limits.connections : DefaultConnectionsMax();
    options.listener.per_address_max = gateway.limits.connections_per_address;
    options.limits = LimitsOf(gateway.limits);
    auto proxies = http::TrustedProxies::Parse(listener.trusted_proxies);
    if (!proxies.ok()) return Named(proxies.status(), listener.name);
    options.proxies = std::move(*proxies);
    if (listener.tls) {
      auto tls = MakeListenerTls(*listener.tls, secrets);
      if (!tls.ok()) return Named(tls.status(), listener.name);
      options.tls = std::move(*tls);
    }
    auto server = http::HttpServer::Bind(workers, handler, std::move(options));
    if (!server.ok()) return Named(server.status(), listener.name);
    servers.push_back(std::move(*server));
  }
  return servers;
}

StatusOr<std::unique_ptr<http::HttpServer>> BindOperations(const model::HostPort& address,
                                                           net::WorkerPool& control,
                                                           http::Handler& handler) {
  http::HttpServerOptions options;
  options.listener.name = "operations";
  options.listener.address = address.host;
  options.listener.port = address.port;
  options.listener.connections_max = 64;  // scrapers and probes: few, and never many at once
  options.listener.per_address_max = 0;
  options.limits.keep_alive_idle = std::chrono::seconds(30);
  auto server = http::HttpServer::Bind(control, handler, std::move(options));
  if (!server.ok()) {
    return MakeStatus(server.status().code(),
                      "operations listener: " + MessageOf(server.status()));
  }
  return server;
}

}  // namespace tidegate::sidecar
