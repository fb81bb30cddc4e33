// Client side TLS: whom we believe, what we show, and the handshake over any ByteStream.
//
// One TlsClient serves any number of connections to hosts with the same settings. What it does is
// the same for connectors, HTTP backends and webhooks: the whole client chain is sent, the name (or
// IP address) that was dialled must stand in the certificate, SNI names the host unless it is an
// address.
//
// Thread: Create on any; Connect on the stream's worker. Owner: shared. Secrets: the key stays in
// the library's context; error texts name no key and no password.
// Fails: Create with ConfigInvalid; Connect with TlsFailed (text = host + cause: not trusted, wrong
// name, expired, not yet valid, refused by the peer with its alert), ConnectionClosed when the peer
// hangs up during the handshake, ConnectFailed past the deadline. On failure the stream is closed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/base/status.h"
#include "server/base/task.h"
#include "server/net/byte_stream.h"
#include "server/net/worker.h"

namespace tidegate::net {

struct TlsClientOptions {
  TlsClientOptions() {}
  std::string trust_pem;        // certificates that are believed; empty: those of the system
  std::string chain_pem;        // what is shown, leaf first; empty: nothing
  std::string key_pem;          // its key, not encrypted
  bool verify_hostname = true;  // the name that was dialled must stand in the certificate
  bool trust_all = false;       // believes any certificate and any name
  bool only_tls13 = false;      // else 1.2 and newer
  std::vector<std::string> alpn;  // offered in this order; empty: none
};

class TlsClient {
 public:
  static StatusOr<std::shared_ptr<TlsClient>> Create(TlsClientOptions options);
  ~TlsClient();

  // `host` as in net::Dial: a name, or an address with or without brackets.
  Task<StatusOr<ByteStreamPtr>> Connect(Worker& worker, ByteStreamPtr tcp, std::string host,
                                        TimePoint deadline);

 private:
  struct Impl;
  explicit TlsClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidegate::net
