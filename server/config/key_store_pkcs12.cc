#include "server/config/key_store_pkcs12.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include <array>
#include <memory>

namespace tidegate::config {
namespace {

constexpr int kNestingMax = 4;
// Java marks what it trusts by this attribute (its value lists usages).
constexpr std::string_view kTrustedAttribute = "2.16.840.1.113894.746875.1.1";

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Pkcs12Ptr = std::unique_ptr<PKCS12, Deleter<PKCS12_free>>;
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free>>;
using SigPtr = std::unique_ptr<X509_SIG, Deleter<X509_SIG_free>>;
using P8Ptr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Deleter<PKCS8_PRIV_KEY_INFO_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;

void FreeContents(STACK_OF(PKCS7) * stack) { sk_PKCS7_pop_free(stack, PKCS7_free); }
void FreeBags(STACK_OF(PKCS12_SAFEBAG) * stack) {
  sk_PKCS12_SAFEBAG_pop_free(stack, PKCS12_SAFEBAG_free);
}
using ContentsPtr = std::unique_ptr<STACK_OF(PKCS7), Deleter<FreeContents>>;
using BagsPtr = std::unique_ptr<STACK_OF(PKCS12_SAFEBAG), Deleter<FreeBags>>;

// Made once and kept: loading providers costs a millisecond. Without the legacy module (a slim
// image) new stores are still read.
OSSL_LIB_CTX* OwnContext() {
  static OSSL_LIB_CTX* const kContext = [] {
    OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();
    OSSL_PROVIDER_load(context, "default");
    OSSL_PROVIDER_load(context, "legacy");
    ERR_clear_error();
    return context;
  }();
  return kContext;
}

template <typename T, typename Encode>
std::string DerOf(T* object, Encode encode) {
  unsigned char* bytes = nullptr;
  const int size = encode(object, &bytes);
  if (size <= 0) return "";
  std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_clear_free(bytes, static_cast<std::size_t>(size));
  return der;
}

// How often the password is hashed, where the algorithm says so.
bool TooManyIterations(const X509_ALGOR* algorithm) {
  const ASN1_TYPE* parameter = algorithm->parameter;
  if (parameter == nullptr || parameter->type != V_ASN1_SEQUENCE) return false;
  const ASN1_INTEGER* count = nullptr;
  std::unique_ptr<PBE2PARAM, Deleter<PBE2PARAM_free>> second;
  std::unique_ptr<PBKDF2PARAM, Deleter<PBKDF2PARAM_free>> derivation;
  std::unique_ptr<PBEPARAM, Deleter<PBEPARAM_free>> first;
  if (OBJ_obj2nid(algorithm->algorithm) == NID_pbes2) {
    second.reset(static_cast<PBE2PARAM*>(
        ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), parameter)));
    if (!second || OBJ_obj2nid(second->keyfunc->algorithm) != NID_id_pbkdf2) return false;
    derivation.reset(static_cast<PBKDF2PARAM*>(
        ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), second->keyfunc->parameter)));
    if (derivation) count = derivation->iter;
  } else {
    first.reset(static_cast<PBEPARAM*>(
        ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), parameter)));
    if (first) count = first->iter;
  }
  ERR_clear_error();
  return count != nullptr && ASN1_INTEGER_get(count) > kIterationsMax;
}

bool LastErrorIsUnsupported() {
  bool unsupported = false;
  while (const unsigned long code = ERR_get_error()) {
    const int reason = ERR_GET_REASON(code);
    unsupported = unsupported || reason == ERR_R_UNSUPPORTED ||
                  reason == EVP_R_UNSUPPORTED_ALGORITHM || reason == EVP_R_UNKNOWN_PBE_ALGORITHM ||
                  reason == EVP_R_UNSUPPORTED_CIPHER;
  }
  return unsupported;
}

StoreFault NotSupported() {
  return StoreFault(StorePart::kStore,
                    "is encrypted in a way that is not read (or OpenSSL's legacy module is "
                    "missing); write it anew with a current keytool or openssl");
}
StoreFault Iterations() {
  return StoreFault(StorePart::kStore, "hashes its password more than " +
                                           std::to_string(kIterationsMax) + " times");
}

class Reader {
 public:
  Reader(const std::optional<std::string>& password, StoreContents* contents)
      : contents_(*contents) {
    if (password) {
      password_ = password->c_str();
      password_size_ = static_cast<int>(password->size());
    }
  }

  StoreFault Read(PKCS12* store) {
    StoreFault fault = CheckMac(store);
    if (!fault.ok()) return fault;
    const ContentsPtr parts(PKCS12_unpack_authsafes(store));
    if (!parts) return Damaged();
    for (int i = 0; fault.ok() && i < sk_PKCS7_num(parts.get()); ++i) {
      fault = Part(sk_PKCS7_value(parts.get(), i));
    }
    return fault;
  }

 private:
  static StoreFault Damaged() {
    ERR_clear_error();
    return StoreFault(StorePart::kStore, std::string(kCutShort));
  }
  StoreFault Refused() {
    if (LastErrorIsUnsupported()) return NotSupported();
    return password_ == nullptr
               ? StoreFault(StorePart::kPassword, std::string(kPasswordMissing))
               : StoreFault(StorePart::kPassword, std::string(kWrongPassword));
  }

  StoreFault CheckMac(PKCS12* store) {
    if (PKCS12_mac_present(store) != 1) return StoreFault();
    const ASN1_INTEGER* count = nullptr;
    PKCS12_get0_mac(nullptr, nullptr, nullptr, &count, store);
    if (count != nullptr && ASN1_INTEGER_get(count) > kIterationsMax) return Iterations();
    if (PKCS12_verify_mac(store, password_, password_size_) == 1) return StoreFault();
    // An empty password is written in two ways.
    if (password_size_ == 0) {
      const char* other = password_ == nullptr ? "" : nullptr;
      if (PKCS12_verify_mac(store, other, 0) == 1) {
        password_ = other;
        ERR_clear_error();
        return StoreFault();
      }
    }
    return Refused();
  }

  StoreFault Part(PKCS7* part) {
    const int kind = OBJ_obj2nid(part->type);
    BagsPtr bags;
    if (kind == NID_pkcs7_data) {
      bags.reset(PKCS12_unpack_p7data(part));
      if (!bags) return Damaged();
    } else if (kind == NID_pkcs7_encrypted) {
      if (part->d.encrypted == nullptr) return Damaged();
      if (TooManyIterations(part->d.encrypted->enc_data->algorithm)) return Iterations();
      bags.reset(PKCS12_unpack_p7encdata(part, password_, password_size_));
      if (!bags) return Refused();
    } else {
      return StoreFault();
    }
    return Bags(bags.get(), 0);
  }

  StoreFault Bags(const STACK_OF(PKCS12_SAFEBAG) * bags, int depth) {
    if (depth > kNestingMax) return Damaged();
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); ++i) {
      const PKCS12_SAFEBAG* bag = sk_PKCS12_SAFEBAG_value(bags, i);
      if (contents_.keys.size() + contents_.certificates.size() >= kStoreEntriesMax) {
        return StoreFault(StorePart::kStore, "has more than " + std::to_string(kStoreEntriesMax) +
                                                 " entries");
      }
      StoreFault fault = Bag(bag, depth);
      if (!fault.ok()) return fault;
    }
    return StoreFault();
  }

  StoreFault Bag(const PKCS12_SAFEBAG* bag, int depth) {
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
      case NID_keyBag: {
        StoreKey& key = contents_.keys.emplace_back();
        key.alias = NameOf(bag);
        key.plain = DerOf(PKCS12_SAFEBAG_get0_p8inf(bag), i2d_PKCS8_PRIV_KEY_INFO);
        return StoreFault();
      }
      case NID_pkcs8ShroudedKeyBag: {
        StoreKey& key = contents_.keys.emplace_back();
        key.alias = NameOf(bag);
        key.sealed = DerOf(PKCS12_SAFEBAG_get0_pkcs8(bag), i2d_X509_SIG);
        return StoreFault();
      }
      case NID_certBag: {
        if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate) return StoreFault();
        const X509Ptr certificate(PKCS12_SAFEBAG_get1_cert(bag));
        if (!certificate) return Damaged();
        StoreCertificate& entry = contents_.certificates.emplace_back();
        entry.alias = NameOf(bag);
        entry.der = DerOf(certificate.get(), i2d_X509);
        entry.trusted = IsMarkedTrusted(bag);
        return StoreFault();
      }
      case NID_safeContentsBag:
        return Bags(PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
      default:
        return StoreFault();  // a revocation list, a secret
    }
  }

  static std::string NameOf(const PKCS12_SAFEBAG* bag) {
    char* name = PKCS12_get_friendlyname(const_cast<PKCS12_SAFEBAG*>(bag));
    if (name == nullptr) return "";
    std::string text(name);
    OPENSSL_free(name);
    return text;
  }

  static bool IsMarkedTrusted(const PKCS12_SAFEBAG* bag) {
    const STACK_OF(X509_ATTRIBUTE)* attributes = PKCS12_SAFEBAG_get0_attrs(bag);
    for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); ++i) {
      X509_ATTRIBUTE* attribute = sk_X509_ATTRIBUTE_value(attributes, i);
      std::array<char, 80> oid{};
      OBJ_obj2txt(oid.data(), oid.size(), X509_ATTRIBUTE_get0_object(attribute), 1);
      if (std::string_view(oid.data()) == kTrustedAttribute) return true;
    }
    return false;
  }

  const char* password_ = nullptr;
  int password_size_ = 0;
  StoreContents& contents_;
};

}  // namespace

StoreFault ReadPkcs12(std::string_view bytes, const std::optional<std::string>& password,
                      StoreContents* contents) {
  ERR_clear_error();
  PKCS12* raw = PKCS12_init_ex(NID_pkcs7_data, OwnContext(), nullptr);
  const BioPtr bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  const bool read = raw != nullptr && d2i_PKCS12_bio(bio.get(), &raw) != nullptr;
  const Pkcs12Ptr store(raw);  // the library has set it to null where it freed it
  if (!read) {
    ERR_clear_error();
    return StoreFault(StorePart::kStore, std::string(kCutShort));
  }
  StoreContents found;
  StoreFault fault = Reader(password, &found).Read(store.get());
  ERR_clear_error();
  if (fault.ok()) *contents = std::move(found);
  return fault;
}

KeyOpening OpenPkcs8(std::string_view sealed, std::string_view password, std::string* pkcs8) {
  ERR_clear_error();
  const auto* at = reinterpret_cast<const unsigned char*>(sealed.data());
  const SigPtr info(d2i_X509_SIG(nullptr, &at, static_cast<long>(sealed.size())));
  if (!info) {
    ERR_clear_error();
    return KeyOpening::kNotSupported;
  }
  const X509_ALGOR* algorithm = nullptr;
  X509_SIG_get0(info.get(), &algorithm, nullptr);
  if (TooManyIterations(algorithm)) return KeyOpening::kNotSupported;
  const P8Ptr plain(PKCS8_decrypt_ex(info.get(), password.data(),
                                     static_cast<int>(password.size()), OwnContext(), nullptr));
  if (!plain) {
    return LastErrorIsUnsupported() ? KeyOpening::kNotSupported : KeyOpening::kWrongPassword;
  }
  *pkcs8 = DerOf(plain.get(), i2d_PKCS8_PRIV_KEY_INFO);
  return KeyOpening::kOpened;
}

}  // namespace tidegate::config
