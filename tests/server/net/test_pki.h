// A small public key infrastructure in memory: whatever a TLS test needs signed.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

namespace tidegate::net {

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

// P-256 certificate and key.
struct Issued {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;
  std::string certificate_pem;
  std::string key_pem;
};

struct IssueOptions {
  std::string name;                 // the subject's CN
  std::string alternative_names;    // "DNS:a.test,IP:192.0.2.7"
  const Issued* issuer = nullptr;   // null: signs itself
  bool authority = false;
  long from_seconds = -3600;        // of now
  long until_seconds = 24 * 3600;
};

Issued Issue(const IssueOptions& options);
Issued IssueAuthority(const std::string& name, const Issued* issuer = nullptr);

}  // namespace tidegate::net
