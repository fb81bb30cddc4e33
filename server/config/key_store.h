// Key stores and trust stores of every form, read from memory into PEM.
//
// The form is told by the bytes (SniffStore). What is wrong comes back as a fault that says which
// setting it is about, so that the caller names the field; fault texts never hold a password, a key
// or bytes of the store, but may list its aliases.
// Thread: any, no state but a library context of its own (the old ciphers of PKCS #12 stay out of
// the process's). Owner: the caller. Fails: by StoreFault.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/tls_material.h"

namespace tidegate::config {

enum class StorePart : std::uint8_t { kNone, kStore, kPassword, kKeyPassword, kAlias, kChain };

struct StoreFault {
  StoreFault() = default;
  StoreFault(StorePart about, std::string why) : part(about), text(std::move(why)) {}
  bool ok() const { return part == StorePart::kNone; }

  StorePart part = StorePart::kNone;
  std::string text;
};

// What the settings say about a store.
struct StoreAccess {
  std::optional<std::string> password;
  std::optional<std::string> key_password;  // absent: the store's
  std::string alias;                        // empty: see the proto
};

enum class StoreForm : std::uint8_t { kUnknown, kPem, kJks, kJceks, kPkcs12 };
StoreForm SniffStore(std::string_view bytes);

// JKS or PKCS #12, whatever it is called.
StoreFault ReadTrustStore(std::string_view bytes, const StoreAccess& access, std::string* pem);
StoreFault ReadKeyStore(std::string_view bytes, const StoreAccess& access, TlsIdentity* identity);

// PEM texts. `chain` may be empty when the key's text holds the certificates too.
StoreFault ReadPemTrust(std::string_view text, std::string* pem);
StoreFault ReadPemIdentity(std::string_view chain, std::string_view key,
                           const std::optional<std::string>& key_password, TlsIdentity* identity);

}  // namespace tidegate::config
