// From TLS settings to PEM in memory: every store of every form becomes the same few texts, so that
// connectors, backends and listeners know only PEM.
//
// Read are PEM (also encrypted keys), JKS and PKCS #12 (also the old RC2 and 3DES ones, in a
// library context of their own), from a file (`location`) or as text. A store is told by its bytes,
// not by its name: what `keytool` calls a .jks today is PKCS #12 inside, and is read as that.
//
// Thread: any; files and variables are read at each call. Owner: the caller; texts hold secrets.
// Fails: InvalidArgument naming the field (`trustStore.jks.password: …`): wrong password, missing
// alias, cut short, not a key store, key of another certificate each in words of its own;
// SECRET_UNRESOLVED where a reference stands for nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "server/base/status.h"

namespace google::protobuf {
class Message;
}

namespace tidegate::config {

class SecretResolver;

inline constexpr std::size_t kStoreBytesMax = 4 * 1024 * 1024;  // a file, or the decoded text
inline constexpr std::size_t kStoreEntriesMax = 1000;           // certificates and keys of a store
inline constexpr std::size_t kChainMax = 16;                    // certificates of one chain

// A certificate chain with its key. Both empty, or both there.
struct TlsIdentity {
  std::string chain_pem;  // leaf first, those that vouch for it after it
  std::string key_pem;    // PKCS #8, not encrypted
};

// What a connection to others needs.
struct TlsMaterial {
  std::string trust_pem;  // certificates that are believed; empty: those of the system
  std::string chain_pem;  // what is shown; empty: nothing
  std::string key_pem;
  bool verify_hostname = true;
  bool trust_all = false;
  bool only_tls13 = false;
};

// What a listener needs.
enum class ClientCertificateAsk : std::uint8_t { kNone, kOptional, kRequired };
struct ListenerTlsMaterial {
  std::vector<TlsIdentity> identities;  // at least one; the first is the default
  ClientCertificateAsk ask = ClientCertificateAsk::kNone;
  std::string client_trust_pem;  // filled unless ask is kNone
  bool only_tls13 = false;
};

enum class TlsSide : std::uint8_t { kListener, kConnection };
// What can be said against the settings without reading any file or variable.
Status CheckTls(const google::protobuf::Message& tls, TlsSide side);

// `tls` is a config.v1.Tls. Fields of the other side (a listener's `certificates` on a connection)
// are refused by name.
StatusOr<TlsMaterial> ReadTls(const google::protobuf::Message& tls, const SecretResolver& secrets);
StatusOr<ListenerTlsMaterial> ReadListenerTls(const google::protobuf::Message& tls,
                                              const SecretResolver& secrets);

}  // namespace tidegate::config
