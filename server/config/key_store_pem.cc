// PEM texts: what key_store.h promises about them.
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstring>
#include <memory>

#include "server/base/strings.h"
#include "server/config/key_store_contents.h"
#include "server/config/key_store_pkcs12.h"

namespace tidegate::config {
namespace {

struct Block {
  std::string label;
  std::string header;  // "Proc-Type: 4,ENCRYPTED…" of old keys
  std::string der;
};

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

bool IsCertificate(const Block& block) {
  return block.label == "CERTIFICATE" || block.label == "X509 CERTIFICATE" ||
         block.label == "TRUSTED CERTIFICATE";
}
bool IsKey(const Block& block) {
  const std::string_view label = block.label;
  constexpr std::string_view kEnd = "PRIVATE KEY";
  return label.size() >= kEnd.size() && label.substr(label.size() - kEnd.size()) == kEnd;
}

// All blocks of a text; what stands between them is comment.
StoreFault Blocks(std::string_view text, std::vector<Block>* blocks) {
  ERR_clear_error();
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  for (;;) {
    char* label = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &label, &header, &data, &size) != 1) break;
    Block& block = blocks->emplace_back();
    block.label = label;
    block.header = header;
    block.der = std::string(reinterpret_cast<char*>(data), static_cast<std::size_t>(size));
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<std::size_t>(size));
    if (blocks->size() > kStoreEntriesMax) {
      return StoreFault(StorePart::kStore, "has more than " + std::to_string(kStoreEntriesMax) +
                                               " blocks");
    }
  }
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE) {
    return StoreFault();
  }
  return StoreFault(StorePart::kStore, "is PEM that " + std::string(kCutShort));
}

// A certificate's own bytes, without what "TRUSTED CERTIFICATE" adds.
std::string OwnBytes(const Block& block) {
  const auto* at = reinterpret_cast<const unsigned char*>(block.der.data());
  const auto* begin = at;
  X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(block.der.size()));
  ERR_clear_error();
  if (certificate == nullptr) return block.der;  // refused where it is used
  X509_free(certificate);
  return block.der.substr(0, static_cast<std::size_t>(at - begin));
}

std::vector<std::string> CertificatesOf(const std::vector<Block>& blocks) {
  std::vector<std::string> found;
  for (const Block& block : blocks) {
    if (IsCertificate(block)) found.push_back(OwnBytes(block));
  }
  return found;
}

int GivePassword(char* buffer, int size, int, void* user) {
  const auto& password = *static_cast<const std::string*>(user);
  if (password.size() > static_cast<std::size_t>(size)) return 0;
  std::memcpy(buffer, password.data(), password.size());
  return static_cast<int>(password.size());
}

// A key in the form of its kind ("RSA PRIVATE KEY") as PKCS #8.
bool ToPkcs8(const std::string& der, std::string* pkcs8) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<EVP_PKEY, FreeKey> key(
      d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  PKCS8_PRIV_KEY_INFO* info = key ? EVP_PKEY2PKCS8(key.get()) : nullptr;
  unsigned char* bytes = nullptr;
  const int size = info == nullptr ? 0 : i2d_PKCS8_PRIV_KEY_INFO(info, &bytes);
  if (size > 0) {
    *pkcs8 = std::string(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_clear_free(bytes, static_cast<std::size_t>(size));
  }
  PKCS8_PRIV_KEY_INFO_free(info);
  ERR_clear_error();
  return size > 0;
}

StoreFault WrongKeyPassword() {
  return StoreFault(StorePart::kKeyPassword, "does not open the private key");
}

// An old key whose own header says how it is encrypted.
StoreFault OpenHeaderKey(Block block, const std::string& password, std::string* pkcs8) {
  EVP_CIPHER_INFO cipher;
  long size = static_cast<long>(block.der.size());
  const bool known = PEM_get_EVP_CIPHER_INFO(block.header.data(), &cipher) == 1;
  ERR_clear_error();
  if (!known) {
    return StoreFault(StorePart::kStore, "the key is encrypted in a way that is not read");
  }
  const Wiped wiped(block.der);
  std::string copy = password;
  const Wiped wiped_copy(copy);
  auto* data = reinterpret_cast<unsigned char*>(block.der.data());
  if (PEM_do_header(&cipher, data, &size, GivePassword, &copy) != 1) {
    ERR_clear_error();
    return WrongKeyPassword();
  }
  block.der.resize(static_cast<std::size_t>(size));
  return ToPkcs8(block.der, pkcs8) ? StoreFault() : WrongKeyPassword();
}

StoreFault OpenKey(const Block& block, const std::optional<std::string>& password,
                   std::string* pkcs8) {
  const bool by_header = !block.header.empty();
  if (block.label == "OPENSSH PRIVATE KEY") {
    return StoreFault(StorePart::kStore,
                      "holds a key of OpenSSH's own form; write it as PKCS #8 (ssh-keygen -p -m "
                      "PKCS8)");
  }
  if (by_header || block.label == "ENCRYPTED PRIVATE KEY") {
    if (!password) {
      return StoreFault(StorePart::kKeyPassword, "is missing; the private key is encrypted");
    }
    if (by_header) return OpenHeaderKey(block, *password, pkcs8);
    switch (OpenPkcs8(block.der, *password, pkcs8)) {
      case KeyOpening::kOpened: return StoreFault();
      case KeyOpening::kWrongPassword: return WrongKeyPassword();
      case KeyOpening::kNotSupported: break;
    }
    return StoreFault(StorePart::kStore, "the key is encrypted in a way that is not read");
  }
  if (block.label == "PRIVATE KEY") {
    *pkcs8 = block.der;
    return StoreFault();
  }
  if (ToPkcs8(block.der, pkcs8)) return StoreFault();
  return StoreFault(StorePart::kStore, "holds a private key that cannot be read");
}

}  // namespace

StoreFault ReadPemTrust(std::string_view text, std::string* pem) {
  std::vector<Block> blocks;
  StoreFault fault = Blocks(text, &blocks);
  if (!fault.ok()) return fault;
  const std::vector<std::string> found = CertificatesOf(blocks);
  if (found.empty()) {
    return StoreFault(StorePart::kStore, Trim(text).empty() ? "is empty"
                                                            : "holds no certificate as PEM");
  }
  return MakeTrust(found, pem);
}

StoreFault ReadPemIdentity(std::string_view chain, std::string_view key,
                           const std::optional<std::string>& key_password,
                           TlsIdentity* identity) {
  std::vector<Block> key_blocks;
  StoreFault fault = Blocks(key, &key_blocks);
  if (!fault.ok()) return fault;
  const Block* found = nullptr;
  for (const Block& block : key_blocks) {
    if (found == nullptr && IsKey(block)) found = &block;
  }
  if (found == nullptr) {
    return StoreFault(StorePart::kStore, Trim(key).empty() ? "is empty"
                                                           : "holds no private key as PEM");
  }
  std::vector<Block> chain_blocks;
  if (!Trim(chain).empty()) {
    fault = Blocks(chain, &chain_blocks);
    if (!fault.ok()) return StoreFault(StorePart::kChain, fault.text);
  }
  const bool own_text = !Trim(chain).empty();
  const std::vector<std::string> certificates =
      CertificatesOf(own_text ? chain_blocks : key_blocks);
  if (certificates.empty()) {
    return StoreFault(StorePart::kChain,
                      own_text ? "holds no certificate as PEM"
                               : "is missing, and the key's text holds no certificate either");
  }
  if (certificates.size() > kChainMax) {
    return StoreFault(StorePart::kChain,
                      "has more than " + std::to_string(kChainMax) + " certificates");
  }
  std::string pkcs8;
  const Wiped wiped(pkcs8);
  fault = OpenKey(*found, key_password, &pkcs8);
  if (!fault.ok()) return fault;
  return MakeIdentity(pkcs8, certificates, {}, identity);
}

}  // namespace tidegate::config
