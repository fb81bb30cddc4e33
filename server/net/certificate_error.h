// Why a peer's certificate is not believed, for libraries that do TLS themselves and hand on only
// OpenSSL's number (X509_V_ERR_…). TlsClient has words of its own for its connections.
//
// Thread: pure functions.
#pragma once

#include <string>

namespace tidegate::net {

// "the broker's certificate has expired" for peer "broker".
std::string CertificateErrorText(int error, const std::string& peer);

}  // namespace tidegate::net
