#include "tests/server/net/tls_fixture.h"

#include <openssl/x509.h>

#include <array>

#include "server/base/codec.h"

namespace tidegate::net {

TestCertificate MakeCertificate(const std::string& name) {
  TestCertificate made;
  static_cast<Issued&>(made) = IssueAuthority(name);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  X509_digest(made.certificate.get(), EVP_sha256(), digest.data(), &size);
  made.sha256 = Hex(digest.data(), size);
  return made;
}

SslContextPtr MakeClientContext(const TestCertificate* own) {
  SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  static constexpr unsigned char kAlpn[] = "\x02h2\x08http/1.1";
  SSL_CTX_set_alpn_protos(context.get(), kAlpn, sizeof(kAlpn) - 1);
  if (own != nullptr) {
    SSL_CTX_use_certificate(context.get(), own->certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), own->key.get());
  }
  return context;
}

}  // namespace tidegate::net
