// The HTTP listeners of the process as the bootstrap names them, and the operations listener.
//
// Thread: control. Owner: lifecycle; both outlive the worker pools that serve them.
// Fails: by Status naming listener, address and cause; nothing is accepted before Start.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/base/status.h"
#include "server/http/http_server.h"
#include "server/model/gateway.h"

namespace tidegate::config {
class SecretResolver;
}

namespace tidegate::sidecar {

using HttpServers = std::vector<std::unique_ptr<http::HttpServer>>;

StatusOr<HttpServers> BindHttp(const model::Gateway& gateway, net::WorkerPool& workers,
                               http::Handler& handler, const config::SecretResolver& secrets);
StatusOr<std::unique_ptr<http::HttpServer>> BindOperations(const model::HostPort& address,
                                                           net::WorkerPool& control,
                                                           http::Handler& handler);

// ADDR:PORT with the port that was bound.
std::string AddressOf(const model::HostPort& configured, std::uint16_t port);

// Connections a listener may hold when the bootstrap does not say: 10,000, or 45 % of the file
// descriptors if these are fewer (brokers, admin and metrics keep the rest).
std::size_t DefaultConnectionsMax();

}  // namespace tidegate::sidecar
