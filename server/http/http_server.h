// One HTTP listener of the process: acceptors on all workers, connections, counters.
//
//   auto server = HttpServer::Bind(workers, handler, options);   // StatusOr; the port is bound
//   (*server)->Start();
//   … Drain(); StopAccepting(); WaitClosed(20s) or CloseAll(); workers.Stop();
//
// Thread: control thread; everything that touches connections is posted to their workers.
// Owner: the process. It must outlive the worker pool (connections that are still open are
// destroyed with their worker's context and report to this object). Fails: Bind by Status.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/http/connection.h"
#include "server/net/tls_context.h"

namespace tidegate::http {

struct HttpServerOptions {
  HttpServerOptions() = default;
  net::ListenerOptions listener;
  HttpLimits limits;
  TrustedProxies proxies;
  std::shared_ptr<net::TlsContext> tls;  // null: plain
};

class HttpServer {
 public:
  static StatusOr<std::unique_ptr<HttpServer>> Bind(
      net::WorkerPool& workers, Handler& handler, HttpServerOptions options,
      telemetry::Registry& registry = telemetry::Registry::Global());

  // Begins to accept. The workers may be started before or after.
  void Start();
  std::uint16_t port() const { return listener_->port(); }
  const ListenerInfo& info() const { return info_; }
  const net::Listener& listener() const { return *listener_; }
  net::TlsContext* tls() { return options_.tls.get(); }

  // Idle connections close; answers say `Connection: close`. New connections are still accepted.
  void Drain();
  // Ends what Drain began: connections are kept again.
  void Resume();
  void StopAccepting(std::function<void()> done = nullptr);
  // Closes every stream at once.
  void CloseAll();
  std::size_t open_connections() const { return listener_->open_connections(); }
  // Control thread: true when the last connection has gone within `limit`.
  bool WaitClosed(std::chrono::milliseconds limit) const;

 private:
  HttpServer(net::WorkerPool& workers, Handler& handler, HttpServerOptions options,
             telemetry::Registry& registry);
  void AddListenerMetrics(telemetry::Registry& registry) const;
  void Accept(net::Worker& worker, std::unique_ptr<net::TcpStream> stream,
              net::ConnectionSlot slot);
  static Task<void> ServeTls(HttpServer& server, ConnectionHost& host, net::ByteStreamPtr stream,
                             net::ConnectionSlot slot);

  net::WorkerPool& workers_;
  const HttpServerOptions options_;
  const ListenerInfo info_;
  HttpCounters counters_;
  std::vector<std::unique_ptr<ConnectionHost>> hosts_;  // by worker
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace tidegate::http
