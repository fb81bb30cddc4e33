#include "server/net/certificate_error.h"

#include <openssl/x509_vfy.h>

namespace tidegate::net {

std::string CertificateErrorText(int error, const std::string& peer) {
  const std::string text = "the " + peer + "'s certificate ";
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return text + "has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID: return text + "is not valid yet";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return text + "is for another name";
    case X509_V_ERR_CERT_REVOKED: return text + "has been revoked";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return text + "is not trusted: " + X509_verify_cert_error_string(error);
    default:
      return text + "is refused: " + X509_verify_cert_error_string(error);
  }
}

}  // namespace tidegate::net
