// Reader of Java's own key store format, JKS versions 1 and 2 (Java writes 2).
//
// The store is walked within its bytes, then its seal is checked (SHA-1 over password and bytes, in
// constant time) before anything of it is used. Keys stay sealed until one is chosen.
// Thread: pure functions. Fails: by StoreFault.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/config/key_store_contents.h"

namespace tidegate::config {

// Without a password the seal is not checked: allowed for trust stores, as Java does.
StoreFault ReadJks(std::string_view bytes, const std::optional<std::string>& password,
                   StoreContents* contents);
// A sealed key of such a store; false when the password is not its own.
bool OpenJksKey(std::string_view sealed, std::string_view password, std::string* pkcs8);

}  // namespace tidegate::config
