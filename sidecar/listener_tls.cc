#include "sidecar/listener_tls.h"

#include <google/protobuf/message.h>

#include "server/config/secrets.h"
#include "server/config/tls_material.h"
#include "sidecar/directory_watch.h"

namespace tidegate::sidecar {
namespace {

net::ClientCertificates AskOf(config::ClientCertificateAsk ask) {
  switch (ask) {
    case config::ClientCertificateAsk::kNone: return net::ClientCertificates::kNone;
    case config::ClientCertificateAsk::kOptional: return net::ClientCertificates::kOptional;
    case config::ClientCertificateAsk::kRequired: return net::ClientCertificates::kRequired;
  }
  return net::ClientCertificates::kNone;
}

StatusOr<net::TlsServerOptions> Read(const google::protobuf::Message& tls,
                                     const config::SecretResolver& secrets) {
  auto material = config::ReadListenerTls(tls, secrets);
  if (!material.ok()) {
    return MakeStatus(material.status().code(), "tls." + MessageOf(material.status()));
  }
  net::TlsServerOptions options;
  for (config::TlsIdentity& identity : material->identities) {
    net::TlsServerIdentity one;
    one.chain_pem = std::move(identity.chain_pem);
    one.key_pem = std::move(identity.key_pem);
    options.identities.push_back(std::move(one));
  }
  options.client_certificates = AskOf(material->ask);
  options.client_trust_pem = std::move(material->client_trust_pem);
  options.only_tls13 = material->only_tls13;
  return options;
}

}  // namespace

StatusOr<std::shared_ptr<net::TlsContext>> MakeListenerTls(
    const google::protobuf::Message& message, const config::SecretResolver& secrets) {
  const std::shared_ptr<google::protobuf::Message> tls(message.New());
  tls->CopyFrom(message);
  net::TlsServerSource source;
  source.read = [tls, &secrets] { return Read(*tls, secrets); };
  source.stamp = [files = config::ReferencedFiles(message)] { return FilesStamp(files); };
  return net::TlsContext::Create(std::move(source));
}

}  // namespace tidegate::sidecar
