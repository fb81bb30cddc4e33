#include "sidecar/admin_listeners.h"

#include <google/protobuf/message.h>

#include "server/config/tls_material.h"

namespace tidegate::sidecar {
namespace {

// gRPC takes PEM; which certificate fits a client's SNI it decides itself.
Status FillTls(const google::protobuf::Message& tls, const config::SecretResolver& secrets,
               admin::AdminListener& listener) {
  TG_ASSIGN_OR_RETURN(config::ListenerTlsMaterial material, config::ReadListenerTls(tls, secrets));
  for (config::TlsIdentity& identity : material.identities) {
    admin::AdminIdentity one;
    one.certificate_chain = std::move(identity.chain_pem);
    one.key = std::move(identity.key_pem);
    listener.identities.push_back(std::move(one));
  }
  listener.client_authorities = std::move(material.client_trust_pem);
  listener.client_certificates_required =
      material.ask == config::ClientCertificateAsk::kRequired;
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
      const Status status = FillTls(*from.tls, secrets, listener);
      if (!status.ok()) {
        return MakeStatus(status.code(), "admin listener " + from.address.host + ": tls." +
                                             MessageOf(status));
      }
    }
    listeners.push_back(std::move(listener));
  }
  return listeners;
}

}  // namespace tidegate::sidecar
