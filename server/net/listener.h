// A listening address served by every worker: one SO_REUSEPORT acceptor each (DESIGN §3).
//
// Bind() first takes the port without SO_REUSEPORT, so that a second process fails instead of
// taking half of the connections; port 0 is chosen there, once. Caps: when `connections_max` are
// open the acceptors pause (the kernel's backlog waits); an address beyond `per_address_max` is
// refused. Out of file descriptors: the acceptors pause for kAcceptPause, are counted and logged.
//
// Thread: Bind, Start, StopAccepting, counters: any; the callback runs on the accepting worker.
// Owner: the server; it must outlive every ConnectionSlot it gave out. Fails: Bind by Status.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/base/status.h"
#include "server/net/tcp_stream.h"
#include "server/net/worker.h"

namespace tidegate::net {

struct ListenerOptions {
  std::string name;                // for logs and metrics
  std::string address = "0.0.0.0";
  std::uint16_t port = 0;
  int backlog = 1024;
  std::size_t connections_max = 10'000;  // of this listener, all workers
  std::size_t per_address_max = 1'000;   // 0: no cap
};

class Listener;

// One counted connection; gives its place back when destroyed. Move-only.
class ConnectionSlot {
 public:
  ConnectionSlot() = default;
  ConnectionSlot(Listener* listener, const asio::ip::address& address)
      : listener_(listener), address_(address) {}
  ConnectionSlot(ConnectionSlot&& other) noexcept
      : listener_(std::exchange(other.listener_, nullptr)), address_(other.address_) {}
  ConnectionSlot& operator=(ConnectionSlot other) noexcept {
    std::swap(listener_, other.listener_);
    std::swap(address_, other.address_);
    return *this;
  }
  ~ConnectionSlot();

 private:
  Listener* listener_ = nullptr;
  asio::ip::address address_;
};

class Listener {
 public:
  using OnConnection = std::function<void(Worker&, std::unique_ptr<TcpStream>, ConnectionSlot)>;

  // Binds and listens on all workers; nothing is accepted before Start().
  static StatusOr<std::unique_ptr<Listener>> Bind(WorkerPool& workers, ListenerOptions options,
                                                  OnConnection on_connection);
  ~Listener();

  void Start();
  // Connections that the kernel has completed already are still handed out, then the port closes.
  // `done` runs on a worker when all acceptors are closed.
  void StopAccepting(std::function<void()> done = nullptr);

  const ListenerOptions& options() const { return options_; }
  std::uint16_t port() const { return port_; }
  std::size_t open_connections() const { return open_->load(std::memory_order_relaxed); }
  // Outlives the listener: metrics may be collected later.
  std::shared_ptr<const std::atomic<std::size_t>> open_counter() const { return open_; }
  std::uint64_t accepted() const { return accepted_.load(std::memory_order_relaxed); }
  std::uint64_t refused_per_address() const { return refused_->load(std::memory_order_relaxed); }
  std::uint64_t accept_pauses() const { return pauses_->load(std::memory_order_relaxed); }
  std::shared_ptr<const std::atomic<std::uint64_t>> refused_counter() const { return refused_; }
  std::shared_ptr<const std::atomic<std::uint64_t>> pause_counter() const { return pauses_; }

 private:
  friend class ConnectionSlot;
  using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

  Listener(WorkerPool& workers, ListenerOptions options, OnConnection on_connection);
  Status Open();
  Task<void> AcceptLoop(std::size_t index, std::shared_ptr<Acceptor> acceptor);
  // False: out of descriptors, or another failure that needs a pause.
  bool Take(std::size_t index, const ErrorCode& ec, TcpSocket socket,
            const asio::ip::tcp::endpoint& remote);
  void DrainBacklog(std::size_t index);
  bool AddAddress(const asio::ip::address& address);
  void Release(const asio::ip::address& address);

  WorkerPool& workers_;
  const ListenerOptions options_;
  const OnConnection on_connection_;
  std::uint16_t port_ = 0;
  // Started acceptors belong to their loops, which die with their worker's context: asio objects
  // must not outlive it, this listener may.
  std::vector<std::shared_ptr<Acceptor>> unstarted_;
  std::vector<std::weak_ptr<Acceptor>> acceptors_;
  std::atomic<bool> stopping_{false};
  const std::shared_ptr<std::atomic<std::size_t>> open_ =
      std::make_shared<std::atomic<std::size_t>>(0);
  std::atomic<std::uint64_t> accepted_{0};
  const std::shared_ptr<std::atomic<std::uint64_t>> refused_ =
      std::make_shared<std::atomic<std::uint64_t>>(0);
  const std::shared_ptr<std::atomic<std::uint64_t>> pauses_ =
      std::make_shared<std::atomic<std::uint64_t>>(0);
  std::mutex mutex_;  // connections per address; taken once per connection, never per request
  std::unordered_map<std::string, std::size_t> addresses_;
};

}  // namespace tidegate::net
