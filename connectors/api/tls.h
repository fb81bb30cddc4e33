// The one way from TLS settings to a TLS client, for all connectors.
//
// Thread: any; reads the files and variables that the settings name. Owner: the caller shares it.
// Fails: InvalidArgument naming the field below `tls`; SECRET_UNRESOLVED; ConfigInvalid when the
// library refuses what was read.
#pragma once

#include <memory>

#include "server/base/status.h"
#include "server/net/tls_client.h"

namespace google::protobuf {
class Message;
}
namespace tidegate::config {
class SecretResolver;
}

namespace tidegate::connectors {

// `tls` is a config.v1.Tls; default settings mean: the system's authorities, name verified.
StatusOr<std::shared_ptr<net::TlsClient>> MakeTlsClient(const google::protobuf::Message& tls,
                                                        const config::SecretResolver& secrets);

}  // namespace tidegate::connectors
