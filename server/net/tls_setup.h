// What both sides of TLS put into an OpenSSL context: trust and identity, from PEM in memory.
// For tls_context.cc and tls_client.cc.
// Thread: any, on a context that nobody else uses yet. Fails: InvalidArgument; texts name no key.
#pragma once

#include <string>

#include "server/base/status.h"

struct ssl_ctx_st;

namespace tidegate::net {

// Believes the certificates of `pem`; each is an anchor, whether it signed itself or not.
// `announce`: tells clients their names, so that a browser knows which certificate to offer.
Status UseTrust(ssl_ctx_st* context, const std::string& pem, bool announce);

// Shows the whole chain (leaf first) and owns its key. An encrypted key is refused.
Status UseIdentity(ssl_ctx_st* context, const std::string& chain_pem, const std::string& key_pem);

// The reason of OpenSSL's last error, which is then forgotten.
std::string TakeOpensslError(const char* fallback);

}  // namespace tidegate::net
