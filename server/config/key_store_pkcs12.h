// Reader of PKCS #12 (RFC 7292) on OpenSSL, in a library context of its own that has the old
// ciphers (RC2, 3DES) which the process's context must not have.
//
// Thread: any. Fails: by StoreFault; iteration counts above kIterationsMax are refused, or a small
// file could hold the control thread for hours.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/config/key_store_contents.h"

namespace tidegate::config {

inline constexpr long kIterationsMax = 2'000'000;  // Java writes 10,000, OpenSSL 2,048

StoreFault ReadPkcs12(std::string_view bytes, const std::optional<std::string>& password,
                      StoreContents* contents);

enum class KeyOpening : std::uint8_t { kOpened, kWrongPassword, kNotSupported };
// An EncryptedPrivateKeyInfo (also that of a PEM file).
KeyOpening OpenPkcs8(std::string_view sealed, std::string_view password, std::string* pkcs8);

}  // namespace tidegate::config
