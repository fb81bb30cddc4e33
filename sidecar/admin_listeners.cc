#include "sidecar/admin_listeners.h"

#include "tidegate/config/v1/tls.pb.h"

namespace tidegate::sidecar {
namespace {

namespace v1 = tidegate::config::v1;

Status FillTls(const v1::Tls& tls, const config::SecretResolver& secrets,
               admin::AdminListener& listener) {
  if (tls.certificates_size() != 1) {
    return InvalidArgument("tls.certificates: exactly one certificate is needed");
  }
  const v1::Certificate& certificate = tls.certificates(0);
  TG_ASSIGN_OR_RETURN(listener.certificate_chain,
                      config::ValueOf(certificate.certificate_chain(), secrets));
  TG_ASSIGN_OR_RETURN(listener.key, config::ValueOf(certificate.key(), secrets));
  if (tls.client_certificates().mode() != v1::CLIENT_CERTIFICATE_MODE_REQUIRED) {
    return OkStatus();
  }
  const v1::TrustStore& store = tls.client_certificates().trust_store();
  if (!store.has_pem()) {
    return Unimplemented("tls.clientCertificates.trustStore: only pem is built");
  }
  if (!store.pem().location().empty()) {
    TG_ASSIGN_OR_RETURN(listener.client_authorities, secrets.File(store.pem().location()));
  } else {
    TG_ASSIGN_OR_RETURN(listener.client_authorities,
                        config::ValueOf(store.pem().certificates(), secrets));
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::vector<admin::AdminListener>> AdminListenersOf(
    const model::Gateway& gateway, const config::SecretResolver& secrets) {
  std::vector<admin::AdminListener> listeners;
  for (const model::AdminListener& from : gateway.admin) {
    if (!from.unix_path.empty()) {
      listeners.push_back(admin::AdminListener::Unix(from.unix_path));
      continue;
    }
    admin::AdminListener listener = admin::AdminListener::Tcp(from.address.host, from.address.port);
    if (from.tls) {
      const Status status = FillTls(static_cast<const v1::Tls&>(*from.tls), secrets, listener);
      if (!status.ok()) {
        return MakeStatus(status.code(),
                          "admin listener " + from.address.host + ": " + MessageOf(status));
      }
    }
    listeners.push_back(std::move(listener));
  }
  return listeners;
}

}  // namespace tidegate::sidecar
