// Server side TLS (1.2 and newer) on OpenSSL with memory BIOs over any ByteStream: TryWrite works.
//
// Certificates are read from PEM files and read again when these change (Refresh, called every few
// seconds off the hot path); a bad new file keeps the old certificate and logs why. SNI is recorded
// in Peer, ALPN answers http/1.1, a verified client certificate leaves its SHA-256 in Peer.
//
// Thread: Accept on the stream's worker; Refresh on any one thread. Owner: shared by listeners.
// Fails: Create by Status (text = file + cause), Accept by Status.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "server/base/status.h"
#include "server/net/byte_stream.h"
#include "server/net/worker.h"

namespace tidegate::net {

enum class ClientCertificates : std::uint8_t { kNone, kOptional, kRequired };

struct TlsOptions {
  std::string certificate_file;  // PEM chain, leaf first
  std::string key_file;          // PEM
  std::string client_ca_file;    // PEM; needed unless client_certificates is kNone
  ClientCertificates client_certificates = ClientCertificates::kNone;
};

class TlsContext {
 public:
  static StatusOr<std::shared_ptr<TlsContext>> Create(TlsOptions options);
  ~TlsContext();

  // Handshake within `limit`; on success the stream speaks TLS. Closes the stream on failure.
  Task<StatusOr<ByteStreamPtr>> Accept(Worker& worker, ByteStreamPtr stream,
                                       std::chrono::milliseconds limit);

  // Looks at the files; reloads when they changed. OkStatus when nothing changed or the new ones
  // are in use; otherwise why the old ones were kept.
  Status Refresh();
  // notAfter of the leaf in use, seconds since 1970.
  std::int64_t expires_at() const;
  std::uint64_t handshake_failures() const;

 private:
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidegate::net
