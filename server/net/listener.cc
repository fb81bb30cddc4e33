#include "server/net/listener.h"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <cerrno>

#include "server/base/limits.h"
#include "server/base/log.h"

namespace tidegate::net {

namespace {

constexpr asio::as_tuple_t<asio::deferred_t> kDirectTuple{asio::deferred};
constexpr auto kAcceptPause = std::chrono::milliseconds(200);
constexpr auto kRefusedLinger = std::chrono::milliseconds(200);
constexpr std::size_t kRefusedHeldMax = 64;  // of the process; a flood gets less courtesy
// Sent to an address that has too many connections: it never reaches the engine.
constexpr std::string_view kRefusal =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
    "Content-Length: 0\r\n\r\n";

ErrorCode SetReusePort(int fd) {
  const int on = 1;
  if (::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) return ErrorCode();
  return ErrorCode(errno, boost::system::system_category());
}

Status BindError(const ListenerOptions& options, const ErrorCode& ec) {
  return Unavailable("listen on " + options.address + ":" + std::to_string(options.port) +
                     " (listener " + options.name + "): " + ec.message());
}

std::atomic<std::size_t> refused_held{0};

struct HeldRefusal {
  HeldRefusal() { refused_held.fetch_add(1, std::memory_order_relaxed); }
  ~HeldRefusal() { refused_held.fetch_sub(1, std::memory_order_relaxed); }
};

// A close on a request that nobody reads resets the connection, and with it the answer.
Task<void> LetRead(Worker& worker, std::unique_ptr<TcpStream> stream) {
  const HeldRefusal held;
  stream->ShutdownWrite();
  co_await worker.wheel().Sleep(kRefusedLinger);
}

std::string KeyOf(const asio::ip::address& address) { return address.to_string(); }

}  // namespace

ConnectionSlot::~ConnectionSlot() {
  if (listener_ != nullptr) listener_->Release(address_);
}

StatusOr<std::unique_ptr<Listener>> Listener::Bind(WorkerPool& workers, ListenerOptions options,
                                                   OnConnection on_connection) {
  std::unique_ptr<Listener> listener(
      new Listener(workers, std::move(options), std::move(on_connection)));
  TG_RETURN_IF_ERROR(listener->Open());
  return listener;
}

Listener::Listener(WorkerPool& workers, ListenerOptions options, OnConnection on_connection)
    : workers_(workers), options_(std::move(options)), on_connection_(std::move(on_connection)) {}

Listener::~Listener() = default;

Status Listener::Open() {
  ErrorCode ec;
  const auto address = asio::ip::make_address(options_.address, ec);
  if (ec) return InvalidArgument("listener " + options_.name + ": not an IP address");
  asio::ip::tcp::endpoint endpoint(address, options_.port);
  {
    // The probe without SO_REUSEPORT: fails while anyone else listens there.
    asio::io_context context(1);
    Acceptor probe(context);
    probe.open(endpoint.protocol(), ec);
    if (!ec) probe.set_option(Acceptor::reuse_address(true), ec);
    if (!ec) probe.bind(endpoint, ec);
    if (!ec) endpoint = probe.local_endpoint(ec);
    if (ec) return BindError(options_, ec);
  }
  port_ = endpoint.port();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto acceptor = std::make_shared<Acceptor>(workers_.at(i).context());
    acceptor->open(endpoint.protocol(), ec);
    if (!ec) acceptor->set_option(Acceptor::reuse_address(true), ec);
    if (!ec) ec = SetReusePort(acceptor->native_handle());
    if (!ec) acceptor->bind(endpoint, ec);
    if (!ec) acceptor->listen(options_.backlog, ec);
    if (!ec) acceptor->non_blocking(true, ec);
    if (ec) return BindError(options_, ec);
    acceptors_.push_back(acceptor);
    unstarted_.push_back(std::move(acceptor));
  }
  return OkStatus();
}

void Listener::Start() {
  for (std::size_t i = 0; i < unstarted_.size(); ++i) {
    Worker& worker = workers_.at(i);
    worker.Post([this, &worker, i, acceptor = std::move(unstarted_[i])] {
      worker.Spawn("accept", AcceptLoop(i, acceptor));
    });
  }
  unstarted_.clear();
}

Task<void> Listener::AcceptLoop(std::size_t index, std::shared_ptr<Acceptor> acceptor) {
  Worker& worker = workers_.at(index);
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (open_->load(std::memory_order_relaxed) >= options_.connections_max) {
      pauses_->fetch_add(1, std::memory_order_relaxed);
      co_await worker.wheel().Sleep(kWheelTick);
      continue;
    }
    asio::ip::tcp::endpoint remote;
    auto [ec, socket] = co_await acceptor->async_accept(remote, kDirectTuple);
    if (ec && stopping_.load(std::memory_order_relaxed)) break;
    if (!Take(index, ec, std::move(socket), remote)) {
      co_await worker.wheel().Sleep(kAcceptPause);
    }
  }
}

bool Listener::Take(std::size_t index, const ErrorCode& ec, TcpSocket socket,
                    const asio::ip::tcp::endpoint& remote) {
  if (ec == asio::error::connection_aborted) return true;  // gone before we looked
  if (ec) {
    pauses_->fetch_add(1, std::memory_order_relaxed);
    Log(LogLevel::kError, "listener.accept_failed",
        {{"listener", options_.name}, {"cause", ec.message()}});
    return false;
  }
  accepted_.fetch_add(1, std::memory_order_relaxed);
  Peer peer;
  peer.address = remote.address();
  if (peer.address.is_v6() && peer.address.to_v6().is_v4_mapped()) {
    peer.address = asio::ip::make_address_v4(asio::ip::v4_mapped, peer.address.to_v6());
  }
  peer.port = remote.port();
  if (!AddAddress(peer.address)) {
    refused_->fetch_add(1, std::memory_order_relaxed);
    auto stream = std::make_unique<TcpStream>(std::move(socket), std::move(peer));
    const asio::const_buffer text(kRefusal.data(), kRefusal.size());
    ErrorCode ignored;
    stream->TryWrite(std::span<const asio::const_buffer>(&text, 1), ignored);
    if (refused_held.load(std::memory_order_relaxed) < kRefusedHeldMax) {
      Worker& worker = workers_.at(index);
      worker.Spawn("refused", LetRead(worker, std::move(stream)));
    }
    return true;
  }
  open_->fetch_add(1, std::memory_order_relaxed);
  ConnectionSlot slot(this, peer.address);
  auto stream = std::make_unique<TcpStream>(std::move(socket), std::move(peer));
  on_connection_(workers_.at(index), std::move(stream), std::move(slot));
  return true;
}

void Listener::StopAccepting(std::function<void()> done) {
  stopping_.store(true, std::memory_order_relaxed);
  workers_.PostAll([this](Worker& worker) { DrainBacklog(worker.index()); }, std::move(done));
}

void Listener::DrainBacklog(std::size_t index) {
  const std::shared_ptr<Acceptor> acceptor = acceptors_[index].lock();
  if (!acceptor || !acceptor->is_open()) return;
  // The kernel would reset what it has completed: take it first.
  for (int i = 0; i < options_.backlog; ++i) {
    ErrorCode ec;
    asio::ip::tcp::endpoint remote;
    TcpSocket socket(workers_.at(index).executor());
    acceptor->accept(socket, remote, ec);
    if (ec) break;
    Take(index, ec, std::move(socket), remote);
  }
  ErrorCode ignored;
  acceptor->close(ignored);
}

bool Listener::AddAddress(const asio::ip::address& address) {
  if (options_.per_address_max == 0) return true;
  const std::lock_guard<std::mutex> lock(mutex_);
  std::size_t& count = addresses_[KeyOf(address)];
  if (count >= options_.per_address_max) return false;
  ++count;
  return true;
}

void Listener::Release(const asio::ip::address& address) {
  open_->fetch_sub(1, std::memory_order_relaxed);
  if (options_.per_address_max == 0) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = addresses_.find(KeyOf(address));
  if (it != addresses_.end() && --it->second == 0) addresses_.erase(it);
}

}  // namespace tidegate::net
