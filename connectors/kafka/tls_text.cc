#include "connectors/kafka/tls_text.h"

#include <openssl/x509_vfy.h>

namespace tidegate::kafka {

std::string CertificateErrorText(int error) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return "the broker's certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID: return "the broker's certificate is not valid yet";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the broker's certificate is for another name";
    case X509_V_ERR_CERT_REVOKED: return "the broker's certificate has been revoked";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return std::string("the broker's certificate is not trusted: ") +
             X509_verify_cert_error_string(error);
    default:
      return std::string("the broker's certificate is refused: ") +
             X509_verify_cert_error_string(error);
  }
}

}  // namespace tidegate::kafka
