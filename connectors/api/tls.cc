#include "connectors/api/tls.h"

#include "server/config/tls_material.h"

namespace tidegate::connectors {

StatusOr<std::shared_ptr<net::TlsClient>> MakeTlsClient(const google::protobuf::Message& tls,
                                                        const config::SecretResolver& secrets) {
  TG_ASSIGN_OR_RETURN(config::TlsMaterial material, config::ReadTls(tls, secrets));
  net::TlsClientOptions options;
  options.trust_pem = std::move(material.trust_pem);
  options.chain_pem = std::move(material.chain_pem);
  options.key_pem = std::move(material.key_pem);
  options.verify_hostname = material.verify_hostname;
  options.trust_all = material.trust_all;
  options.only_tls13 = material.only_tls13;
  return net::TlsClient::Create(std::move(options));
}

}  // namespace tidegate::connectors
