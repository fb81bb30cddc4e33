// Why a certificate is not believed, in the words that all our TLS clients use.
//
// Thread: pure functions. `error` is one of OpenSSL's X509_V_ERR numbers, which the Kafka library
// hands on. This file's .cc is the only one here that knows OpenSSL's headers.
#pragma once

#include <string>

namespace tidegate::kafka {

std::string CertificateErrorText(int error);

}  // namespace tidegate::kafka
