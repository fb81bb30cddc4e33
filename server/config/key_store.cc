#include "server/config/key_store.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

#include "server/base/codec.h"
#include "server/base/strings.h"
#include "server/config/key_store_jks.h"
#include "server/config/key_store_pkcs12.h"

namespace tidegate::config {
namespace {

constexpr std::size_t kAliasesShown = 8;
constexpr std::size_t kPemLine = 64;

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using X509Ptr = std::unique_ptr<X509, FreeX509>;
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;

std::string PemOf(std::string_view label, const std::string& der) {
  std::string text = Base64(der);
  const Wiped wiped(text);
  std::string pem = "-----BEGIN " + std::string(label) + "-----\n";
  for (std::size_t i = 0; i < text.size(); i += kPemLine) {
    pem.append(text, i, kPemLine);
    pem += '\n';
  }
  return pem + "-----END " + std::string(label) + "-----\n";
}

X509Ptr Certificate(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = at + der.size();
  X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  return at == end ? std::move(certificate) : nullptr;
}

KeyPtr PrivateKey(const std::string& pkcs8) {
  const auto* at = reinterpret_cast<const unsigned char*>(pkcs8.data());
  KeyPtr key;
  if (PKCS8_PRIV_KEY_INFO* info =
          d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(pkcs8.size()))) {
    key.reset(EVP_PKCS82PKEY(info));
    PKCS8_PRIV_KEY_INFO_free(info);
  }
  ERR_clear_error();
  return key;
}

bool Fits(X509* certificate, EVP_PKEY* key) {
  const bool fits = X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  return fits;
}

bool SignedItself(X509* certificate) {
  return X509_NAME_cmp(X509_get_subject_name(certificate),
                       X509_get_issuer_name(certificate)) == 0;
}

// Leaf first, then who vouches for whom, as far as the pool goes.
std::vector<std::string> ChainFrom(const std::vector<X509Ptr>& parsed,
                                   const std::vector<StoreCertificate>& pool, std::size_t leaf) {
  std::vector<std::string> chain{pool[leaf].der};
  std::vector<bool> used(pool.size(), false);
  used[leaf] = true;
  std::size_t last = leaf;
  while (chain.size() < kChainMax && !SignedItself(parsed[last].get())) {
    std::size_t next = pool.size();
    for (std::size_t i = 0; i < pool.size() && next == pool.size(); ++i) {
      if (used[i] || !parsed[i]) continue;
      if (X509_check_issued(parsed[i].get(), parsed[last].get()) == X509_V_OK) next = i;
    }
    if (next == pool.size()) break;
    used[next] = true;
    chain.push_back(pool[next].der);
    last = next;
  }
  ERR_clear_error();
  return chain;
}

bool SameAlias(std::string_view a, std::string_view b) { return EqualsIgnoreCase(a, b); }

// "there is no entry "x"; there are: a, b": aliases are no secrets, but may be many and odd.
StoreFault NoSuchAlias(const std::string& alias, const std::vector<std::string>& names) {
  std::string text = "names no such entry of the store: \"" + alias + "\"; there ";
  if (names.empty()) return StoreFault(StorePart::kAlias, text + "is none of this kind");
  text += "are: ";
  for (std::size_t i = 0; i < std::min(names.size(), kAliasesShown); ++i) {
    if (i > 0) text += ", ";
    text += names[i].empty() ? "(without a name)" : names[i].substr(0, 255);
  }
  if (names.size() > kAliasesShown) text += ", …";
  return StoreFault(StorePart::kAlias, text);
}

StoreFault Contents(std::string_view bytes, const std::optional<std::string>& password,
                    StoreForm* form, StoreContents* contents) {
  *form = SniffStore(bytes);
  switch (*form) {
    case StoreForm::kJks: return ReadJks(bytes, password, contents);
    case StoreForm::kPkcs12: return ReadPkcs12(bytes, password, contents);
    case StoreForm::kJceks:
      return StoreFault(StorePart::kStore,
                        "is a JCEKS store, which is not read; convert it with keytool "
                        "-importkeystore -deststoretype PKCS12");
    case StoreForm::kPem:
      return StoreFault(StorePart::kStore, "is PEM, not a binary store; say pem");
    case StoreForm::kUnknown: break;
  }
  return StoreFault(StorePart::kStore, bytes.empty() ? "is empty" : "is not a key store");
}

// Of all keys the one with the alias, or the first.
StoreFault ChooseKey(const StoreContents& contents, const std::string& alias,
                     const StoreKey** chosen) {
  std::vector<std::string> names;
  for (const StoreKey& key : contents.keys) {
    if (*chosen == nullptr && (alias.empty() || SameAlias(key.alias, alias))) *chosen = &key;
    names.push_back(key.alias);
  }
  if (*chosen != nullptr) return StoreFault();
  if (alias.empty()) return StoreFault(StorePart::kStore, "holds no private key");
  return NoSuchAlias(alias, names);
}

StoreFault OpenKey(const StoreKey& key, StoreForm form, const StoreAccess& access,
                   std::string* pkcs8) {
  if (!key.plain.empty()) {
    *pkcs8 = key.plain;
    return StoreFault();
  }
  const std::string& password = access.key_password ? *access.key_password
                                                    : access.password.value_or("");
  KeyOpening opening = KeyOpening::kWrongPassword;
  if (form == StoreForm::kPkcs12) {
    opening = OpenPkcs8(key.sealed, password, pkcs8);
  } else if (OpenJksKey(key.sealed, password, pkcs8)) {
    opening = KeyOpening::kOpened;
  }
  const std::string entry = key.alias.empty() ? "" : " of the entry \"" + key.alias + "\"";
  if (opening == KeyOpening::kOpened) return StoreFault();
  if (opening == KeyOpening::kNotSupported) {
    return StoreFault(StorePart::kStore, "the key" + entry + " is encrypted in a way that is "
                                         "not read");
  }
  return StoreFault(StorePart::kKeyPassword,
                    "does not open the key" + entry +
                        (access.key_password ? "" : " (it is not given: the store's was tried)"));
}

}  // namespace

Wiped::~Wiped() { OPENSSL_cleanse(text_.data(), text_.size()); }

StoreForm SniffStore(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, 4);
  if (head == "\xFE\xED\xFE\xED") return StoreForm::kJks;
  if (head == "\xCE\xCE\xCE\xCE") return StoreForm::kJceks;
  // A DER sequence with a long length, or of indefinite length.
  if (head.size() == 4 && head[0] == '\x30' && (head[1] & '\x80') != 0) return StoreForm::kPkcs12;
  if (bytes.find("-----BEGIN ") != std::string_view::npos) return StoreForm::kPem;
  return StoreForm::kUnknown;
}

StoreFault MakeTrust(const std::vector<std::string>& certificates, std::string* pem) {
  std::string text;
  for (const std::string& der : certificates) {
    if (!Certificate(der)) {
      return StoreFault(StorePart::kStore, "holds a certificate that cannot be read");
    }
    text += PemOf("CERTIFICATE", der);
  }
  *pem = std::move(text);
  return StoreFault();
}

StoreFault MakeIdentity(const std::string& pkcs8, const std::vector<std::string>& chain,
                        const std::vector<StoreCertificate>& pool, TlsIdentity* identity) {
  const KeyPtr key = PrivateKey(pkcs8);
  if (!key) return StoreFault(StorePart::kStore, "holds a private key that cannot be read");
  std::vector<std::string> used = chain;
  if (used.empty()) {
    std::vector<X509Ptr> parsed;
    std::size_t leaf = pool.size();
    for (std::size_t i = 0; i < pool.size(); ++i) {
      parsed.push_back(Certificate(pool[i].der));
      if (leaf == pool.size() && parsed[i] && Fits(parsed[i].get(), key.get())) leaf = i;
    }
    if (leaf == pool.size()) {
      return StoreFault(StorePart::kChain, pool.empty()
                                               ? "holds a key without a certificate"
                                               : "holds no certificate that fits the key");
    }
    used = ChainFrom(parsed, pool, leaf);
  } else {
    const X509Ptr leaf = Certificate(used.front());
    if (!leaf) {
      return StoreFault(StorePart::kChain, "begins with a certificate that cannot be read");
    }
    if (!Fits(leaf.get(), key.get())) {
      return StoreFault(StorePart::kChain, "the private key does not fit the first certificate");
    }
  }
  std::string pem;
  const StoreFault fault = MakeTrust(used, &pem);
  if (!fault.ok()) return StoreFault(StorePart::kChain, fault.text);
  identity->chain_pem = std::move(pem);
  identity->key_pem = PemOf("PRIVATE KEY", pkcs8);
  return StoreFault();
}

StoreFault ReadTrustStore(std::string_view bytes, const StoreAccess& access, std::string* pem) {
  StoreContents contents;
  StoreForm form = StoreForm::kUnknown;
  StoreFault fault = Contents(bytes, access.password, &form, &contents);
  if (!fault.ok()) return fault;
  // Java trusts only what it has marked; other tools mark nothing, and all of it is meant.
  const auto marked = [](const StoreCertificate& entry) { return entry.trusted; };
  const bool any_marked =
      std::any_of(contents.certificates.begin(), contents.certificates.end(), marked);
  std::vector<std::string> chosen;
  std::vector<std::string> names;
  for (const StoreCertificate& entry : contents.certificates) {
    if (any_marked && !entry.trusted) continue;
    names.push_back(entry.alias);
    if (access.alias.empty() || SameAlias(entry.alias, access.alias)) chosen.push_back(entry.der);
  }
  if (names.empty()) {
    return StoreFault(StorePart::kStore, "holds no trusted certificate");
  }
  if (chosen.empty()) return NoSuchAlias(access.alias, names);
  return MakeTrust(chosen, pem);
}

StoreFault ReadKeyStore(std::string_view bytes, const StoreAccess& access, TlsIdentity* identity) {
  if (SniffStore(bytes) == StoreForm::kJks && !access.password) {
    return StoreFault(StorePart::kPassword, std::string(kPasswordMissing));
  }
  StoreContents contents;
  StoreForm form = StoreForm::kUnknown;
  StoreFault fault = Contents(bytes, access.password, &form, &contents);
  if (!fault.ok()) return fault;
  const StoreKey* key = nullptr;
  fault = ChooseKey(contents, access.alias, &key);
  if (!fault.ok()) return fault;
  std::string pkcs8;
  const Wiped wiped(pkcs8);
  fault = OpenKey(*key, form, access, &pkcs8);
  if (!fault.ok()) return fault;
  if (form == StoreForm::kJks && key->chain.empty()) {
    return StoreFault(StorePart::kChain, "holds a key without a certificate");
  }
  return MakeIdentity(pkcs8, key->chain, contents.certificates, identity);
}

}  // namespace tidegate::config
