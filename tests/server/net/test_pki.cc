#include "tests/server/net/test_pki.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace tidegate::net {
namespace {

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

Issued Issue(const IssueOptions& options) {
  static long serial = 100;
  Issued issued;
  issued.key.reset(EVP_EC_gen("P-256"), FreeKey());
  issued.certificate.reset(X509_new(), FreeX509());
  X509* certificate = issued.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), options.from_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), options.until_seconds);
  X509_set_pubkey(certificate, issued.key.get());
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(options.name.c_str()), -1, -1,
                             0);
  const X509* issuer = options.issuer ? options.issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  if (options.authority) AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  if (!options.alternative_names.empty()) {
    AddExtension(certificate, NID_subject_alt_name, options.alternative_names);
  }
  EVP_PKEY* signer = options.issuer ? options.issuer->key.get() : issued.key.get();
  X509_sign(certificate, signer, EVP_sha256());
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(out, certificate);
  issued.certificate_pem = Text(out);
  out = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(out, issued.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  issued.key_pem = Text(out);
  return issued;
}

Issued IssueAuthority(const std::string& name, const Issued* issuer) {
  IssueOptions options;
  options.name = name;
  options.issuer = issuer;
  options.authority = true;
  return Issue(options);
}

}  // namespace tidegate::net
