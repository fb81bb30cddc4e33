#include "server/http/http_server.h"

#include <thread>

namespace tidegate::http {

namespace {

ListenerInfo InfoOf(const HttpServerOptions& options) {
  ListenerInfo info;
  info.name = options.listener.name;
  info.tls = options.tls != nullptr;
  return info;
}

}  // namespace

StatusOr<std::unique_ptr<HttpServer>> HttpServer::Bind(net::WorkerPool& workers, Handler& handler,
                                                       HttpServerOptions options,
                                                       telemetry::Registry& registry) {
  std::unique_ptr<HttpServer> server(
      new HttpServer(workers, handler, std::move(options), registry));
  HttpServer* raw = server.get();
  auto listener = net::Listener::Bind(
      workers, server->options_.listener,
      [raw](net::Worker& worker, std::unique_ptr<net::TcpStream> stream, net::ConnectionSlot slot) {
        raw->Accept(worker, std::move(stream), std::move(slot));
      });
  if (!listener.ok()) return listener.status();
  server->listener_ = std::move(*listener);
  registry.AddCollector("tidegate_http_connections_open", "Connections open now.", "gauge",
                        [name = server->info_.name, counted = server->listener_->open_counter()] {
                          telemetry::Registry::Sample sample;
                          sample.labels = {{"listener", name}};
                          sample.value = static_cast<double>(counted->load());
                          return std::vector<telemetry::Registry::Sample>{sample};
                        });
  server->AddListenerMetrics(registry);
  return server;
}

// The operations listener counts as well: a scrape sees that it is refused itself.
void HttpServer::AddListenerMetrics(telemetry::Registry& registry) const {
  const auto add = [&](const char* name, const char* help,
                       std::shared_ptr<const std::atomic<std::uint64_t>> counted) {
    registry.AddCollector(name, help, "counter", [listener = info_.name, counted] {
      telemetry::Registry::Sample sample;
      sample.labels = {{"listener", listener}};
      sample.value = static_cast<double>(counted->load());
      return std::vector<telemetry::Registry::Sample>{sample};
    });
  };
  add("tidegate_http_connections_refused_total",
      "Connections refused because their address has too many.", listener_->refused_counter());
  add("tidegate_http_accept_pauses_total",
      "Times the listener stopped accepting: too many connections, or no file descriptors.",
      listener_->pause_counter());
}

HttpServer::HttpServer(net::WorkerPool& workers, Handler& handler, HttpServerOptions options,
                       telemetry::Registry& registry)
    : workers_(workers), options_(std::move(options)), info_(InfoOf(options_)),
      counters_(registry, info_.name) {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    hosts_.push_back(std::make_unique<ConnectionHost>(workers_.at(i), handler, options_.limits,
                                                      info_, options_.proxies, counters_));
  }
}

void HttpServer::Start() { listener_->Start(); }

void HttpServer::Accept(net::Worker& worker, std::unique_ptr<net::TcpStream> stream,
                        net::ConnectionSlot slot) {
  ConnectionHost& host = *hosts_[worker.index()];
  if (options_.tls) {
    worker.Spawn("tls connection", ServeTls(*this, host, std::move(stream), std::move(slot)));
    return;
  }
  auto connection = std::make_unique<Connection>(host, std::move(stream), std::move(slot));
  worker.Spawn("connection", Connection::Run(std::move(connection)));
}

Task<void> HttpServer::ServeTls(HttpServer& server, ConnectionHost& host,
                                net::ByteStreamPtr stream, net::ConnectionSlot slot) {
  StatusOr<net::ByteStreamPtr> secured = co_await server.options_.tls->Accept(
      host.worker, std::move(stream), server.options_.limits.tls_handshake_timeout);
  if (!secured.ok()) {
    server.counters_.Closed(CloseReason::kTls);
    co_return;
  }
  auto connection = std::make_unique<Connection>(host, std::move(*secured), std::move(slot));
  co_await Connection::Run(std::move(connection));
}

void HttpServer::Drain() {
  workers_.PostAll([this](net::Worker& worker) { hosts_[worker.index()]->Drain(); });
}

void HttpServer::Resume() {
  workers_.PostAll([this](net::Worker& worker) { hosts_[worker.index()]->Resume(); });
}

void HttpServer::StopAccepting(std::function<void()> done) {
  listener_->StopAccepting(std::move(done));
}

void HttpServer::CloseAll() {
  workers_.PostAll([this](net::Worker& worker) { hosts_[worker.index()]->CloseAll(); });
}

bool HttpServer::WaitClosed(std::chrono::milliseconds limit) const {
  const TimePoint deadline = Clock::now() + limit;
  while (open_connections() > 0) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace tidegate::http
