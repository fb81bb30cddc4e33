// A Connection over a memory stream, with a handler that records, driven without threads: Pump()
// runs the worker's context until nothing is ready.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "server/http/connection.h"
#include "server/net/memory_stream.h"
#include "server/telemetry/metrics.h"

namespace tidegate::http {

struct SeenRequest {
  std::string method, target, path, query, host, body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string peer;
};

class RecordingHandler : public Handler {
 public:
  Task<void> Handle(Exchange& exchange) override {
    SeenRequest seen;
    const RequestHead& head = exchange.head();
    seen.method = head.method;
    seen.target = head.target;
    seen.path = head.path;
    seen.query = head.query;
    seen.host = head.host;
    seen.peer = exchange.peer().address.to_string();
    for (const HeaderView& header : head.headers) {
      seen.headers.emplace_back(std::string(header.name), std::string(header.value));
    }
    if (read_body) {
      const StatusOr<std::string_view> body = co_await exchange.ReadBody(body_limit);
      if (!body.ok()) {
        failures.push_back(ReasonOf(body.status()));
        ResponseHead answer(ReasonOf(body.status()) == "BODY_TOO_LARGE" ? 413
                            : ReasonOf(body.status()) == "BODY_TIMEOUT" ? 408
                                                                         : 400);
        co_await exchange.Respond(answer, "bad body");
        co_return;
      }
      seen.body = *body;
    }
    requests.push_back(seen);
    ResponseHead answer(200);
    answer.Add("X-Request-Id", exchange.request_id());
    co_await exchange.Respond(answer, "ok:" + seen.path);
  }

  bool read_body = true;
  std::size_t body_limit = 1024 * 1024;
  std::vector<SeenRequest> requests;
  std::vector<std::string> failures;
};

class HttpFixture {
 public:
  explicit HttpFixture(Handler& handler, std::size_t capacity = 1024 * 1024)
      : worker(0, 0), counters(registry, "test"),
        host(worker, handler, limits, info, proxies, counters), capacity_(capacity) {}
  ~HttpFixture() {
    host.CloseAll();
    if (client) client->Close();
    Pump();
  }

  void Connect(const std::string& address = "192.0.2.1") {
    net::Peer peer;
    peer.address = asio::ip::make_address(address);
    peer.port = 4711;
    auto pair = net::MemoryStream::MakePair(worker.executor(), capacity_, peer);
    client = std::move(pair.second);
    auto connection =
        std::make_unique<Connection>(host, std::move(pair.first), net::ConnectionSlot());
    worker.Spawn("connection", Connection::Run(std::move(connection)));
    Pump();
  }

  void Pump() {
    worker.context().restart();
    while (worker.context().poll() > 0) {
    }
  }

  void Send(std::string_view bytes) {
    ErrorCode ec;
    const asio::const_buffer buffer(bytes.data(), bytes.size());
    client->TryWrite(std::span<const asio::const_buffer>(&buffer, 1), ec);
    Pump();
  }

  // Everything that the server wrote since the last call.
  std::string Received() {
    Pump();
    std::string all;
    while (client->readable() > 0) {
      std::string piece(client->readable(), '\0');
      worker.Spawn("read", Read(*client, piece));
      Pump();
      all += piece;
    }
    return all;
  }

  std::string Roundtrip(std::string_view bytes) {
    Send(bytes);
    return Received();
  }

  bool closed() const { return host.open == 0; }
  // The server has sent its FIN: it lingers, or has closed.
  bool finished() const { return client->finished(); }

  // Moves the worker's wheel as if this much time had passed for entries armed until now. The
  // connection compares with the real clock, so limits under test are set to 0 ms or 1 ms.
  void Advance(std::chrono::milliseconds time) {
    worker.wheel().Advance(Clock::now() + time);
    Pump();
  }

  net::Worker worker;
  HttpLimits limits;
  ListenerInfo info;
  TrustedProxies proxies;
  telemetry::Registry registry;
  HttpCounters counters;
  ConnectionHost host;
  std::unique_ptr<net::MemoryStream> client;

 private:
  static Task<void> Read(net::MemoryStream& stream, std::string& piece) {
    const std::span<char> space(piece.data(), piece.size());
    const net::IoResult io = co_await stream.ReadSome(space);
    piece.resize(io.bytes);
  }

  std::size_t capacity_;
};

inline int StatusOf(const std::string& response) {
  return response.size() > 12 ? std::atoi(response.c_str() + 9) : 0;
}

}  // namespace tidegate::http
