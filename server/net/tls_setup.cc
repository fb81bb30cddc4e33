#include "server/net/tls_setup.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>

namespace tidegate::net {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;
using X509Ptr = std::unique_ptr<X509, FreeX509>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;

BioPtr Open(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// The library's own would ask on the terminal.
int NoPassword(char*, int, int, void*) { return 0; }

// True when the loop over a PEM text ended because there was no further block.
bool AtEnd() {
  const unsigned long code = ERR_peek_last_error();
  return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

}  // namespace

std::string TakeOpensslError(const char* fallback) {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason != nullptr ? reason : fallback;
}

Status UseTrust(ssl_ctx_st* context, const std::string& pem, bool announce) {
  ERR_clear_error();
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  const BioPtr bio = Open(pem);
  std::size_t count = 0;
  for (;; ++count) {
    const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr));
    if (!certificate) break;
    if (X509_STORE_add_cert(store, certificate.get()) != 1 ||
        (announce && SSL_CTX_add_client_CA(context, certificate.get()) != 1)) {
      return InvalidArgument("use a trusted certificate: " + TakeOpensslError("refused"));
    }
  }
  if (!AtEnd()) {
    return InvalidArgument("read the trusted certificates: " + TakeOpensslError("not readable"));
  }
  ERR_clear_error();
  if (count == 0) return InvalidArgument("read the trusted certificates: there is none");
  return OkStatus();
}

Status UseIdentity(ssl_ctx_st* context, const std::string& chain_pem, const std::string& key_pem) {
  ERR_clear_error();
  const BioPtr chain = Open(chain_pem);
  const X509Ptr leaf(PEM_read_bio_X509(chain.get(), nullptr, NoPassword, nullptr));
  if (!leaf) {
    return InvalidArgument("read the certificate: " + TakeOpensslError("there is none"));
  }
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return InvalidArgument("use the certificate: " + TakeOpensslError("refused"));
  }
  SSL_CTX_clear_chain_certs(context);
  for (;;) {
    const X509Ptr next(PEM_read_bio_X509(chain.get(), nullptr, NoPassword, nullptr));
    if (!next) break;
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) {
      return InvalidArgument("use the certificate chain: " + TakeOpensslError("refused"));
    }
  }
  if (!AtEnd()) {
    return InvalidArgument("read the certificate chain: " + TakeOpensslError("not readable"));
  }
  ERR_clear_error();
  const BioPtr bio = Open(key_pem);
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  if (!key) return InvalidArgument("read the private key: " + TakeOpensslError("not readable"));
  // Asked for before the context is: that would say no more than "key values mismatch".
  if (X509_check_private_key(leaf.get(), key.get()) != 1) {
    ERR_clear_error();
    return InvalidArgument("use the certificate: the private key is not its own");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return InvalidArgument("use the private key: " + TakeOpensslError("refused"));
  }
  return OkStatus();
}

}  // namespace tidegate::net
