#include "tests/server/net/tls_fixture.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <array>

#include "server/base/codec.h"

namespace tidegate::net {

TestCertificate MakeCertificate(const std::string& name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_sign(certificate, key, EVP_sha256());
  TestCertificate files;
  const std::string base = ::testing::TempDir() + "tg-" + std::to_string(::getpid()) + "-" + name;
  files.certificate_file = base + ".crt";
  files.key_file = base + ".key";
  std::FILE* out = std::fopen(files.certificate_file.c_str(), "w");
  PEM_write_X509(out, certificate);
  std::fclose(out);
  out = std::fopen(files.key_file.c_str(), "w");
  PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  files.sha256 = Hex(digest.data(), size);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

SslContextPtr MakeClientContext(const TestCertificate* own) {
  SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  static constexpr unsigned char kAlpn[] = "\x02h2\x08http/1.1";
  SSL_CTX_set_alpn_protos(context.get(), kAlpn, sizeof(kAlpn) - 1);
  if (own != nullptr) {
    SSL_CTX_use_certificate_chain_file(context.get(), own->certificate_file.c_str());
    SSL_CTX_use_PrivateKey_file(context.get(), own->key_file.c_str(), SSL_FILETYPE_PEM);
  }
  return context;
}

}  // namespace tidegate::net
