#include "server/admin/tls_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <utility>
#include <vector>

namespace tidegate::admin {
namespace {

grpc_ssl_client_certificate_request_type AskOf(const AdminTls& tls) {
  if (tls.client_authorities.empty()) return GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
  return tls.client_certificates_required
             ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
             : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
}

grpc_ssl_server_certificate_config* ConfigOf(const AdminTls& tls) {
  std::vector<grpc_ssl_pem_key_cert_pair> pairs;
  for (const AdminIdentity& identity : tls.identities) {
    pairs.push_back({identity.key.c_str(), identity.certificate_chain.c_str()});
  }
  const char* roots = tls.client_authorities.empty() ? nullptr : tls.client_authorities.c_str();
  return grpc_ssl_server_certificate_config_create(roots, pairs.data(), pairs.size());
}

}  // namespace

TlsCredentials::TlsCredentials(AdminTls tls) {
  const grpc_ssl_client_certificate_request_type ask = AskOf(tls);
  next_ = std::move(tls);
  const auto fetch = [](void* self, grpc_ssl_server_certificate_config** config) {
    *config = static_cast<TlsCredentials*>(self)->Take();
    return *config == nullptr ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED
                              : GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  };
  credentials_ = grpc_ssl_server_credentials_create_with_options(
      grpc_ssl_server_credentials_create_options_using_config_fetcher(ask, fetch, this));
}

TlsCredentials::~TlsCredentials() { grpc_server_credentials_release(credentials_); }

void TlsCredentials::Use(AdminTls tls) {
  const std::lock_guard lock(mutex_);
  next_ = std::move(tls);
}

grpc_ssl_server_certificate_config* TlsCredentials::Take() {
  const std::lock_guard lock(mutex_);
  if (!next_) return nullptr;
  grpc_ssl_server_certificate_config* config = ConfigOf(*next_);
  next_.reset();
  return config;
}

// Who calls is told by its certificate alone.
void TlsCredentials::SetAuthMetadataProcessor(
    const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) {}

int TlsCredentials::AddPortToServer(const std::string& address, grpc_server* server) {
  return grpc_server_add_http2_port(server, address.c_str(), credentials_);
}

}  // namespace tidegate::admin
