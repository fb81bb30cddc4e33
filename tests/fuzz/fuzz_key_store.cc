// fuzz-deps: tg_config
// Any bytes are read as a store without a crash; what is accepted is PEM that is accepted again.
// The password is that of the seeds, so that the fuzzer starts behind the seal.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/config/key_store.h"
#include "server/config/key_store_jks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace config = tidegate::config;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  config::StoreContents contents;
  // Without a password the seal is not checked: entries and keys of changed stores are reached.
  if (config::ReadJks(bytes, std::nullopt, &contents).ok()) {
    for (const config::StoreKey& key : contents.keys) {
      std::string pkcs8;
      config::OpenJksKey(key.sealed, "changeit", &pkcs8);
    }
  }
  config::StoreAccess access;
  std::string pem;
  if (config::ReadTrustStore(bytes, access, &pem).ok()) {
    std::string again;
    if (!config::ReadPemTrust(pem, &again).ok() || again != pem) std::abort();
  }
  access.password = "changeit";
  config::TlsIdentity identity;
  if (config::ReadKeyStore(bytes, access, &identity).ok()) {
    config::TlsIdentity again;
    const config::StoreFault fault =
        config::ReadPemIdentity(identity.chain_pem, identity.key_pem, std::nullopt, &again);
    if (!fault.ok() || again.chain_pem != identity.chain_pem) std::abort();
  }
  return 0;
}
