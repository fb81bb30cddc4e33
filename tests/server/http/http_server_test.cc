// The whole server on loopback, port 0: accept on several workers, drain, stop.
#include "server/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>
#include <vector>

namespace tidegate::http {
namespace {

using ::testing::HasSubstr;

class Hello : public Handler {
 public:
  Task<void> Handle(Exchange& exchange) override {
    ResponseHead head(200);
    const std::string body = "worker " + std::to_string(exchange.worker().index());
    co_await exchange.Respond(head, body);
  }
};

class Client {
 public:
  struct Later {};
  explicit Client(std::uint16_t port) : Client(port, Later()) { Connect(); }
  // Has its descriptors, and connects when it is told.
  Client(std::uint16_t port, Later) : socket_(context_), port_(port) {
    socket_.open(asio::ip::tcp::v4());
  }
  void Connect() { socket_.connect({asio::ip::make_address("127.0.0.1"), port_}); }
  void Send(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes)); }
  std::string ReadAnswer() {  // all answers here have bodies of 8 bytes
    std::string all;
    char byte;
    while (all.find("\r\n\r\n") == std::string::npos || all.size() < all.find("\r\n\r\n") + 12) {
      ErrorCode ec;
      if (socket_.read_some(asio::buffer(&byte, 1), ec) == 0 || ec) break;
      all.push_back(byte);
    }
    return all;
  }
  bool AtEnd() {
    char byte;
    ErrorCode ec;
    return socket_.read_some(asio::buffer(&byte, 1), ec) == 0;
  }

 private:
  asio::io_context context_;
  asio::ip::tcp::socket socket_;
  const std::uint16_t port_;
};

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() {
    HttpServerOptions options;
    options.listener.name = "test";
    options.listener.address = "127.0.0.1";
    options.listener.per_address_max = 3;
    auto bound = HttpServer::Bind(*workers_, handler_, options, registry_);
    ExpectOk(bound.status());
    server_ = std::move(*bound);
    server_->Start();
    workers_->Start();
  }
  ~HttpServerTest() override {
    workers_->Stop();
    workers_.reset();  // before the server: open connections report to it
  }
  static void ExpectOk(const Status& status) { EXPECT_TRUE(status.ok()) << MessageOf(status); }

  telemetry::Registry registry_;
  Hello handler_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<net::WorkerPool> workers_ = std::make_unique<net::WorkerPool>(2);
};

TEST_F(HttpServerTest, ServesKeepAliveConnections) {
  Client client(server_->port());
  for (int i = 0; i < 5; ++i) {
    client.Send(kGet);
    EXPECT_THAT(client.ReadAnswer(), HasSubstr("200 OK"));
  }
  EXPECT_EQ(server_->open_connections(), 1U);
}

TEST_F(HttpServerTest, ASecondServerOnThePortFails) {
  HttpServerOptions options;
  options.listener.name = "second";
  options.listener.address = "127.0.0.1";
  options.listener.port = server_->port();
  net::WorkerPool others(1);
  auto second = HttpServer::Bind(others, handler_, options, registry_);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(MessageOf(second.status()), HasSubstr("listen on 127.0.0.1:"));
}

TEST_F(HttpServerTest, AnAddressBeyondItsCapIsRefused) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(server_->port()));
    clients.back()->Send(kGet);
    EXPECT_THAT(clients.back()->ReadAnswer(), HasSubstr("200 OK"));
  }
  Client refused(server_->port());
  refused.Send(kGet);  // nobody reads it, and yet the answer arrives
  EXPECT_THAT(refused.ReadAnswer(), HasSubstr("503 "));
  EXPECT_TRUE(refused.AtEnd());
  EXPECT_EQ(server_->listener().refused_per_address(), 1U);
}

TEST_F(HttpServerTest, DrainClosesIdleConnectionsAndStopClosesThePort) {
  Client idle(server_->port());
  idle.Send(kGet);
  EXPECT_THAT(idle.ReadAnswer(), HasSubstr("200 OK"));
  server_->Drain();
  EXPECT_TRUE(idle.AtEnd());
  {
    Client late(server_->port());
    late.Send(kGet);
    EXPECT_THAT(late.ReadAnswer(), HasSubstr("Connection: close"));
    EXPECT_TRUE(late.AtEnd());
  }
  std::atomic<bool> stopped{false};
  server_->StopAccepting([&stopped] { stopped.store(true); stopped.notify_all(); });
  stopped.wait(false);
  EXPECT_THROW(Client{server_->port()}, std::exception);
  EXPECT_TRUE(server_->WaitClosed(5s));
}

class HttpServerLimits : public ::testing::Test {
 protected:
  void Start(HttpServerOptions options) {
    options.listener.name = "limited";
    options.listener.address = "127.0.0.1";
    auto bound = HttpServer::Bind(*workers_, handler_, std::move(options), registry_);
    ASSERT_TRUE(bound.ok()) << MessageOf(bound.status());
    server_ = std::move(*bound);
    server_->Start();
    workers_->Start();
  }
  ~HttpServerLimits() override {
    workers_->Stop();
    workers_.reset();
  }
  // At most 10 s.
  bool Paused() const {
    const TimePoint give_up = Clock::now() + 10s;
    while (server_->listener().accept_pauses() == 0 && Clock::now() < give_up) {
      std::this_thread::yield();
    }
    return server_->listener().accept_pauses() > 0;
  }

  telemetry::Registry registry_;
  Hello handler_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<net::WorkerPool> workers_ = std::make_unique<net::WorkerPool>(1);
};

// The next one waits in the kernel's queue until one has gone.
TEST_F(HttpServerLimits, BeyondItsConnectionsTheListenerPausesAndRecovers) {
  HttpServerOptions options;
  options.listener.connections_max = 1;
  Start(std::move(options));
  auto first = std::make_unique<Client>(server_->port());
  first->Send(kGet);
  EXPECT_THAT(first->ReadAnswer(), HasSubstr("200 OK"));
  Client second(server_->port());
  second.Send(kGet);
  EXPECT_TRUE(Paused());
  EXPECT_EQ(server_->open_connections(), 1U);
  first.reset();
  EXPECT_THAT(second.ReadAnswer(), HasSubstr("200 OK"));
}

// accept() fails with EMFILE: the listener waits and goes on when there are descriptors again.
TEST_F(HttpServerLimits, WithoutFileDescriptorsTheListenerPausesAndRecovers) {
  Start(HttpServerOptions());
  Client client(server_->port(), Client::Later());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<int> taken;
  for (int fd = dup(0); fd >= 0; fd = dup(0)) taken.push_back(fd);
  client.Connect();  // needs no new descriptor, the other end does
  EXPECT_TRUE(Paused());
  for (const int fd : taken) close(fd);
  setrlimit(RLIMIT_NOFILE, &before);
  client.Send(kGet);
  EXPECT_THAT(client.ReadAnswer(), HasSubstr("200 OK"));
  EXPECT_EQ(server_->open_connections(), 1U);
}

}  // namespace
}  // namespace tidegate::http
