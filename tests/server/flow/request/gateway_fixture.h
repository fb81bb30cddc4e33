// The serving side without sockets: a worker with its thread, the real HTTP engine over memory
// streams, the real data plane and entrypoints, mock endpoints.
//
// The test thread talks to the worker by posts and waits for what it expects, at most 10 s.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "connectors/mock/factory.h"
#include "server/entrypoints/builtin.h"
#include "server/flow/data_plane.h"
#include "server/http/connection.h"
#include "server/net/memory_stream.h"
#include "server/telemetry/metrics.h"
#include "tests/server/flow/request/definitions.h"
#include "tests/support/patience.h"

namespace tidegate::flow {

inline constexpr auto kTestWait = kPatience;

// A client's end of one connection.
class TestClient {
 public:
  TestClient(net::Worker& worker, std::unique_ptr<net::MemoryStream> stream)
      : worker_(worker), stream_(std::move(stream)) {}
  // On its worker, which the fixture's end is: waiting there for a post would wait for ever.
  ~TestClient() { worker_.IsCurrent() ? stream_->Close() : Close(); }

  void Send(const std::string& bytes) {
    Run([this, bytes](std::shared_ptr<std::promise<void>> done) {
      worker_.Spawn("test.send", SendTask(*stream_, bytes, done));
    });
  }
  // Reads until `marker` stands in what was received behind `from`, or the end of the stream.
  std::string ReadUntil(const std::string& marker, std::size_t from = 0) {
    Run([this, marker, from](std::shared_ptr<std::promise<void>> done) {
      worker_.Spawn("test.read", ReadTask(*stream_, received_, marker, from, done));
    });
    return received_;
  }
  std::string ReadToEnd() { return ReadUntil("\x01never\x01"); }
  const std::string& received() const { return received_; }
  void Forget() { received_.clear(); }
  void Close() {
    Run([this](std::shared_ptr<std::promise<void>> done) {
      stream_->Close();
      done->set_value();
    });
  }

 private:
  template <typename F>
  void Run(F function) {
    auto done = std::make_shared<std::promise<void>>();
    auto future = done->get_future();
    worker_.Post([function, done] { function(done); });
    ASSERT_EQ(future.wait_for(kTestWait), std::future_status::ready) << "received: " << received_;
  }
  static Task<void> SendTask(net::ByteStream& stream, std::string bytes,
                             std::shared_ptr<std::promise<void>> done) {
    const asio::const_buffer buffer(bytes.data(), bytes.size());
    const std::span<const asio::const_buffer> one(&buffer, 1);
    co_await stream.WriteAll(one);
    done->set_value();
  }
  static Task<void> ReadTask(net::ByteStream& stream, std::string& received, std::string marker,
                             std::size_t from, std::shared_ptr<std::promise<void>> done) {
    while (received.find(marker, from) == std::string::npos) {
      std::string piece(4096, '\0');
      const std::span<char> space(piece.data(), piece.size());
      const net::IoResult io = co_await stream.ReadSome(space);
      if (io.ec) break;
      received.append(piece, 0, io.bytes);
    }
    done->set_value();
  }

  net::Worker& worker_;
  std::unique_ptr<net::MemoryStream> stream_;
  std::string received_;
};

class Gateway {
 public:
  explicit Gateway(DataPlaneOptions options = DataPlaneOptions(),
                   connectors::ConnectorKind kind = mock::MockKind())
      : pool(1) {
    options.connectors = {std::move(kind)};
    if (options.entrypoints.empty()) options.entrypoints = Entrypoints();
    plane = MakeDataPlane(pool, std::move(options));
    counters = std::make_unique<http::HttpCounters>(registry, "test");
    info.name = "test";
    host = std::make_unique<http::ConnectionHost>(pool.at(0), plane->handler(), limits, info,
                                                  proxies, *counters);
    pool.Start();
  }
  static std::vector<EntrypointKind> Entrypoints() {
    return {{"websocket", entrypoints::MakeWebsocket},
            {"sse", entrypoints::MakeSse},
            {"http-get", entrypoints::MakeHttpGet},
            {"http-post", entrypoints::MakeHttpPost}};
  }
  ~Gateway() {
    OnWorker([this] { clients.clear(); });  // a stream's two ends share what only it may touch
    plane->StartDrain();
    plane->EndStreams();
    plane->WaitForStreams(kTestWait);
    OnWorker([this] { host->CloseAll(); });
    while (OpenConnections() > 0) std::this_thread::yield();
    plane->Shutdown(Clock::now() + std::chrono::seconds(2));
    pool.Stop();
  }

  template <typename F>
  void OnWorker(F function) {
    std::promise<void> done;
    pool.at(0).Post([&] {
      function();
      done.set_value();
    });
    done.get_future().wait();
  }
  std::size_t OpenConnections() {
    std::size_t open = 0;
    OnWorker([&] { open = host->open; });
    return open;
  }

  Status Deploy(std::vector<model::ApiPtr> apis) {
    problems.clear();
    auto snapshot = plane->Assemble(apis, problems);
    if (!snapshot.ok()) return snapshot.status();
    return plane->Publish(*snapshot, kTestWait);
  }

  TestClient& Connect(const std::string& address = "192.0.2.1") {
    OnWorker([&] {
      net::Peer peer;
      peer.address = asio::ip::make_address(address);
      auto pair = net::MemoryStream::MakePair(pool.at(0).executor(), 1 << 20, peer);
      clients.push_back(std::make_unique<TestClient>(pool.at(0), std::move(pair.second)));
      auto connection = std::make_unique<http::Connection>(*host, std::move(pair.first),
                                                           net::ConnectionSlot());
      pool.at(0).Spawn("connection", http::Connection::Run(std::move(connection)));
    });
    return *clients.back();
  }
  // One request on a connection of its own, read to the end of the connection.
  std::string Ask(const std::string& head, const std::string& body = "") {
    TestClient& client = Connect();
    std::string request = head + "\r\nHost: gateway\r\nConnection: close\r\n";
    if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    client.Send(request + "\r\n" + body);
    return client.ReadToEnd();
  }

  net::WorkerPool pool;
  telemetry::Registry registry;
  http::HttpLimits limits;
  http::ListenerInfo info;
  http::TrustedProxies proxies;
  std::unique_ptr<http::HttpCounters> counters;
  std::unique_ptr<DataPlane> plane;
  std::unique_ptr<http::ConnectionHost> host;
  std::vector<std::unique_ptr<TestClient>> clients;
  std::vector<AssembleProblem> problems;
};

inline std::string BodyOf(const std::string& response) {
  const std::size_t at = response.find("\r\n\r\n");
  return at == std::string::npos ? "" : response.substr(at + 4);
}

// Takes chunk framing off a body.
inline std::string Unchunk(const std::string& body) {
  std::string out;
  std::size_t at = 0;
  while (at < body.size()) {
    const std::size_t end = body.find("\r\n", at);
    if (end == std::string::npos) break;
    const std::size_t size = std::stoul(body.substr(at, end - at), nullptr, 16);
    if (size == 0) break;
    out += body.substr(end + 2, size);
    at = end + 2 + size + 2;
  }
  return out;
}

}  // namespace tidegate::flow
