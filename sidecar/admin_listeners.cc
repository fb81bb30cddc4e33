#include "sidecar/admin_listeners.h"

#include <google/protobuf/message.h>

#include "server/config/tls_material.h"
#include "sidecar/directory_watch.h"

namespace tidegate::sidecar {
namespace {

// gRPC takes PEM; which certificate fits a client's SNI it decides itself.
StatusOr<admin::AdminTls> ReadAdminTls(const google::protobuf::Message& tls,
                                  const config::SecretResolver& secrets) {
  auto material = config::ReadListenerTls(tls, secrets);
  if (!material.ok()) {
    return MakeStatus(material.status().code(), "tls." + MessageOf(material.status()));
  }
  admin::AdminTls out;
  for (config::TlsIdentity& identity : material->identities) {
    admin::AdminIdentity one;
    one.certificate_chain = std::move(identity.chain_pem);
    one.key = std::move(identity.key_pem);
    out.identities.push_back(std::move(one));
  }
  out.client_authorities = std::move(material->client_trust_pem);
  out.client_certificates_required = material->ask == config::ClientCertificateAsk::kRequired;
  return out;
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
      const std::shared_ptr<google::protobuf::Message> tls(from.tls->New());
      tls->CopyFrom(*from.tls);
      listener.read = [tls, &secrets] { return ReadAdminTls(*tls, secrets); };
      listener.stamp = [files = config::ReferencedFiles(*tls)] { return FilesStamp(files); };
      listener.seen = listener.stamp();
      auto read = listener.read();
      if (!read.ok()) {
        return MakeStatus(read.status().code(),
                          "admin listener " + from.address.host + ": " + MessageOf(read.status()));
      }
      listener.tls = std::move(*read);
    }
    listeners.push_back(std::move(listener));
  }
  return listeners;
}

}  // namespace tidegate::sidecar
