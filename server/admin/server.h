// The admin server: unix socket and TCP listeners for the services, health (grpc.health.v1) and
// reflection.
//
//   AdminServerOptions options;
//   options.listeners.push_back(AdminListener::Unix("/run/tidegate/admin.sock"));
//   auto server = AdminServer::Start(deployer, std::move(options));
//   … (*server)->addresses() → {"unix:/run/tidegate/admin.sock"} …
//   (*server)->Stop(std::chrono::seconds(5));
//
// A unix socket has mode 0600; a stale one is removed, one that somebody answers on is an error. A
// TCP address that is not loopback needs TLS with client certificates, else nothing starts.
// Start it after Deployer::Restore: whoever can call sees what is served.
// Thread: gRPC's own serve; Start and Stop on the control thread. Owner: sidecar.
// Fails: with the address and the cause; nothing listens then.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/admin/services.h"
#include "server/base/status.h"

namespace tidegate::admin {

// PEM texts, resolved.
struct AdminIdentity {
  std::string certificate_chain;
  std::string key;
};

// What a listener with TLS shows, and whom it believes.
struct AdminTls {
  std::vector<AdminIdentity> identities;
  // Client certificates are asked for and checked when their authorities (PEM) are given.
  std::string client_authorities;
  bool client_certificates_required = true;  // else a client without one is let in, too
};

struct AdminListener {
  static AdminListener Unix(std::string path) {
    AdminListener listener;
    listener.unix_path = std::move(path);
    return listener;
  }
  static AdminListener Tcp(std::string host, std::uint16_t port) {
    AdminListener listener;
    listener.host = std::move(host);
    listener.port = port;
    return listener;
  }

  std::string unix_path;  // empty: TCP
  std::string host;       // an address, without brackets
  std::uint16_t port = 0;  // 0: one is chosen
  std::optional<AdminTls> tls;  // nullopt: in the open
  // How `tls` is read again when `stamp` says something else; null: it never changes.
  std::function<StatusOr<AdminTls>()> read;
  std::function<std::string()> stamp;
  std::string seen;  // the stamp from before `tls` was read
};

struct AdminServerOptions {
  AdminServerOptions() = default;
  std::vector<AdminListener> listeners;
  ServicesOptions services;
  bool reflection = true;
};

class AdminServer {
 public:
  virtual ~AdminServer() = default;

  static StatusOr<std::unique_ptr<AdminServer>> Start(Deployer& deployer,
                                                      AdminServerOptions options);
  // "unix:PATH" or "HOST:PORT" with the real port, in the order of the listeners.
  virtual const std::vector<std::string>& addresses() const = 0;
  // Health says SERVING or, while it drains, NOT_SERVING.
  virtual void SetServing(bool serving) = 0;
  // Certificates, keys and authorities whose files have changed are used for new connections; what
  // cannot be used is logged (tls.reload_failed) and leaves in use what was there.
  virtual void RefreshTls() = 0;
  // Running calls have `limit` to end. Sockets are removed.
  virtual void Stop(std::chrono::milliseconds limit) = 0;
};

// Makes the directory (0700), and removes a socket on which nobody answers.
Status PrepareSocket(const std::string& path);

}  // namespace tidegate::admin
