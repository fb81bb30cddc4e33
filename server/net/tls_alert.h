// A TLS alert that the peer sent, as an ErrorCode: its value is the alert's number (RFC 8446 §6),
// its message says it in words. It compares equal to errc::connection_reset, which it also is.
//
// In TLS 1.3 a server judges the client's certificate after the client's handshake is done, so the
// refusal arrives with the first read: whoever reads first after Connect tells it as TlsFailed.
// Thread: any. Fails: never.
#pragma once

#include <string>

#include "server/base/task.h"

namespace tidegate::net {

// The alert that an OpenSSL error code stands for; no error when it is none from the peer.
ErrorCode PeerAlertOf(unsigned long openssl_error);
bool IsPeerAlert(const ErrorCode& ec);

}  // namespace tidegate::net
