// Certificates made by the test itself, and a TLS client over a memory stream.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "server/net/memory_stream.h"
#include "server/net/tls_context.h"
#include "server/net/tls_stream.h"
#include "tests/server/net/test_pki.h"

namespace tidegate::net {

struct TestCertificate : Issued {
  std::string sha256;  // of the DER, hex
};

// Self-signed P-256, valid for a day.
TestCertificate MakeCertificate(const std::string& name);

struct FreeSslContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContextPtr = std::unique_ptr<SSL_CTX, FreeSslContext>;

// A client that trusts nothing in particular; `own` may be null.
SslContextPtr MakeClientContext(const TestCertificate* own);

}  // namespace tidegate::net
