// What a TLS listener of the admin server shows and believes, replaceable while it runs: each new
// connection gets what Use was given last; connections that are open keep what they began with.
//
// grpc++ wraps only credentials that never change (and a watcher of plain PEM files), so this binds
// the C core's own form, which asks at every handshake.
// Thread: any; the core asks on its threads. Owner: shared_ptr of the admin server, which must live
// as long as the grpc::Server. Fails: what the core cannot use it refuses by itself, logs, and goes
// on with what it had.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <mutex>
#include <optional>

#include "server/admin/server.h"

struct grpc_server;
struct grpc_server_credentials;
struct grpc_ssl_server_certificate_config;

namespace tidegate::admin {

class TlsCredentials final : public grpc::ServerCredentials {
 public:
  explicit TlsCredentials(AdminTls tls);
  ~TlsCredentials() override;
  TlsCredentials(const TlsCredentials&) = delete;
  TlsCredentials& operator=(const TlsCredentials&) = delete;

  // For connections from now on. Whether client certificates are asked for stays as it was.
  void Use(AdminTls tls);

  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& processor) override;

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override;
  // Null: nothing new.
  grpc_ssl_server_certificate_config* Take();

  std::mutex mutex_;
  std::optional<AdminTls> next_;  // what the core has not asked for yet
  grpc_server_credentials* credentials_;
};

}  // namespace tidegate::admin
