// Server side TLS (1.2 and newer) on OpenSSL with memory BIOs over any ByteStream: TryWrite works.
//
// Of several certificates the one is shown whose names (SAN, else CN) hold what the client asks for
// by SNI: an exact name first, then a wildcard, then the first certificate. A verified client
// certificate leaves its SHA-256 in Peer, ALPN answers http/1.1.
//
// Certificates come as PEM in memory from a source, which is asked again when its stamp changes
// (Refresh, called every few seconds off the hot path); what it refuses keeps the old ones in use.
//
// Thread: Accept on the stream's worker; Refresh on any one thread. Owner: shared by listeners.
// Fails: Create and Refresh by Status naming the certificate, Accept by Status.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/base/status.h"
#include "server/net/byte_stream.h"
#include "server/net/worker.h"

namespace tidegate::net {

enum class ClientCertificates : std::uint8_t { kNone, kOptional, kRequired };

struct TlsServerIdentity {
  std::string chain_pem;  // leaf first
  std::string key_pem;    // not encrypted
};

struct TlsServerOptions {
  std::vector<TlsServerIdentity> identities;  // at least one
  ClientCertificates client_certificates = ClientCertificates::kNone;
  std::string client_trust_pem;  // needed unless client_certificates is kNone
  bool only_tls13 = false;       // else 1.2 and newer
};

// Where the options come from, now and later.
struct TlsServerSource {
  std::function<StatusOr<TlsServerOptions>()> read;
  std::function<std::string()> stamp;  // changes when `read` may give something else
};

class TlsContext {
 public:
  static StatusOr<std::shared_ptr<TlsContext>> Create(TlsServerSource source);
  // Fixed for life.
  static StatusOr<std::shared_ptr<TlsContext>> Create(TlsServerOptions options);
  ~TlsContext();

  // Handshake within `limit`; on success the stream speaks TLS. Closes the stream on failure.
  Task<StatusOr<ByteStreamPtr>> Accept(Worker& worker, ByteStreamPtr stream,
                                       std::chrono::milliseconds limit);

  // Asks the source again when its stamp has changed. True: what came is in use (logged); false:
  // nothing changed; otherwise why the old certificates were kept, told once per change.
  StatusOr<bool> Refresh();
  // The earliest notAfter of the leaves in use, seconds since 1970.
  std::int64_t expires_at() const;
  std::uint64_t handshake_failures() const;

 private:
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidegate::net
