// What a binary store holds, before an entry is chosen and its key opened. For key_store*.cc.
// Thread: values. Owner: the reader of one store.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/config/key_store.h"

namespace tidegate::config {

struct StoreCertificate {
  std::string alias;
  std::string der;
  bool trusted = false;  // the store says that it is an anchor (JKS: always; PKCS #12: Java's mark)
};

struct StoreKey {
  std::string alias;
  std::string sealed;              // EncryptedPrivateKeyInfo; empty when `plain` is filled
  std::string plain;               // PKCS #8, where the store does not encrypt it
  std::vector<std::string> chain;  // DER, leaf first; empty in PKCS #12, which keeps no order
};

struct StoreContents {
  std::vector<StoreKey> keys;
  std::vector<StoreCertificate> certificates;
};

// Texts that all forms share.
inline constexpr std::string_view kCutShort = "is cut short or damaged";
inline constexpr std::string_view kWrongPassword =
    "does not open the store: it is wrong, or the store was changed";
inline constexpr std::string_view kPasswordMissing = "is missing; the store needs one";

// From DER to the PEM of an identity: the leaf is the one whose key it is. `chain` is taken in its
// order when it is there, otherwise built from `pool`. The key is checked against the leaf.
StoreFault MakeIdentity(const std::string& pkcs8, const std::vector<std::string>& chain,
                        const std::vector<StoreCertificate>& pool, TlsIdentity* identity);
// PEM of certificates; each must be one.
StoreFault MakeTrust(const std::vector<std::string>& certificates, std::string* pem);

// Overwrites what must not stay in memory.
class Wiped {
 public:
  explicit Wiped(std::string& text) : text_(text) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped();

 private:
  std::string& text_;
};

}  // namespace tidegate::config
