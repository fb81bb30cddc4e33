// From the bootstrap's Tls block of a listener to a TLS context.
//
// Certificates, keys, passwords and trust stores in files are read again when any of them changes;
// those given as text or variable are fixed for the life of the process.
// Thread: control. Fails: by Status naming the field.
#pragma once

#include <memory>

#include "server/base/status.h"
#include "server/net/tls_context.h"

namespace google::protobuf {
class Message;
}
namespace tidegate::config {
class SecretResolver;
}

namespace tidegate::sidecar {

// `tls` is a tidegate.config.v1.Tls; `secrets` must outlive the context.
StatusOr<std::shared_ptr<net::TlsContext>> MakeListenerTls(const google::protobuf::Message& tls,
                                                           const config::SecretResolver& secrets);

}  // namespace tidegate::sidecar
