// A small HTTP/1.1 client for what the gateway itself asks for: tokens, keys, specifications.
//
// One call, one connection, closed afterwards; redirects are not followed (a credential would go to
// where an answer points). Whole bodies in memory, within limits.
// Thread: the worker given. Owner: values; the coroutine may be destroyed at any time.
// Fails: ConnectFailed, TlsFailed as net::Dial and TlsClient do; ConnectionClosed when the answer
// is malformed, cut short or too large; Timeout when it does not come in time. Texts name host,
// port and cause, never headers, query or body. Any complete answer is ok, whatever its status.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/base/status.h"
#include "server/base/task.h"
#include "server/http/client_response.h"
#include "server/http/client_url.h"
#include "server/net/tls_client.h"
#include "server/net/worker.h"

namespace tidegate::http {

struct ClientRequest {
  ClientRequest() {}
  std::string method = "GET";
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;  // Host and lengths are added
  std::string body;
};

struct ClientOptions {
  ClientOptions() {}
  std::chrono::milliseconds connect_timeout{3000};   // name, TCP and TLS together
  std::chrono::milliseconds read_timeout{10'000};    // silence while answering
  std::chrono::milliseconds request_timeout{30'000};  // the whole call
  ResponseLimits limits;
  std::shared_ptr<net::TlsClient> tls;  // needed by https URLs
};

// Fails InvalidArgument when a header or the method is not one.
Task<StatusOr<ClientResponse>> Fetch(net::Worker& worker, ClientOptions options,
                                     ClientRequest request);

// The bytes of a request, and a name or value that may stand in a form body or Basic credentials
// (RFC 6749 appendix B).
StatusOr<std::string> FormatRequest(const ClientRequest& request);
std::string FormEncode(std::string_view text);

}  // namespace tidegate::http
