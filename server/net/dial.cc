#include "server/net/dial.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/address.hpp>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "server/net/tcp_stream.h"
#include "server/net/timer_wheel.h"

namespace tidegate::net {
namespace {

using Endpoint = asio::ip::tcp::endpoint;

constexpr std::size_t kLookupThreads = 4;   // one name server that hangs must not stop all names
constexpr std::size_t kLookupsMax = 256;    // waiting for a thread; more are refused
constexpr std::size_t kAddressesMax = 16;   // of one name

constexpr asio::as_tuple_t<asio::deferred_t> kDirect{asio::deferred};

// One question, shared by the coroutine that asks and the thread that answers.
struct Lookup {
  Lookup(Worker& asker, std::string name) : worker(asker), host(std::move(name)) {}

  Worker& worker;           // alive while `waiting`
  const std::string host;
  std::mutex mutex;         // guards the rest until the answer is posted
  bool waiting = true;
  int error = 0;            // of getaddrinfo
  std::vector<asio::ip::address> found;
  // The worker's thread only.
  Timer* wake = nullptr;
  bool answered = false;
};

void Answer(const std::shared_ptr<Lookup>& lookup) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(lookup->host.c_str(), nullptr, &hints, &list);
  std::vector<asio::ip::address> found;
  for (const addrinfo* at = list; at != nullptr && found.size() < kAddressesMax;
       at = at->ai_next) {
    Endpoint endpoint;
    if (at->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), at->ai_addr, at->ai_addrlen);
    endpoint.resize(at->ai_addrlen);
    if (std::find(found.begin(), found.end(), endpoint.address()) == found.end()) {
      found.push_back(endpoint.address());
    }
  }
  if (list != nullptr) freeaddrinfo(list);
  // Under the lock: while somebody waits, the worker and its context are alive.
  const std::lock_guard<std::mutex> lock(lookup->mutex);
  if (!lookup->waiting) return;
  lookup->error = error;
  lookup->found = std::move(found);
  lookup->worker.Post([lookup] {
    lookup->answered = true;
    if (lookup->wake != nullptr) lookup->wake->cancel();
  });
}

// The threads that ask. They are never joined: one may hang in getaddrinfo for as long as the
// resolver of the system likes, and the process must be able to end meanwhile.
class LookupThreads {
 public:
  static LookupThreads& Instance() {
    static LookupThreads* const kThreads = new LookupThreads();
    return *kThreads;
  }

  bool Ask(std::shared_ptr<Lookup> lookup) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (queue_.size() >= kLookupsMax) return false;
    queue_.push_back(std::move(lookup));
    // An idle thread that was woken for another name still counts as idle here.
    if (queue_.size() > idle_ && threads_ < kLookupThreads) {
      ++threads_;
      std::thread([this] { Run(); }).detach();
    }
    changed_.notify_one();
    return true;
  }

 private:
  void Run() {
    for (;;) {
      std::shared_ptr<Lookup> next;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        ++idle_;
        changed_.wait(lock, [this] { return !queue_.empty(); });
        --idle_;
        next = std::move(queue_.front());
        queue_.pop_front();
      }
      Answer(next);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Lookup>> queue_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
};

// Ends the wait however the coroutine ends.
class Waiting {
 public:
  explicit Waiting(Lookup& lookup, Timer& timer) : lookup_(lookup) { lookup.wake = &timer; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    lookup_.wake = nullptr;
    const std::lock_guard<std::mutex> lock(lookup_.mutex);
    lookup_.waiting = false;
  }

 private:
  Lookup& lookup_;
};

// Closes a socket that takes too long to connect.
class ConnectTimer final : public WheelTimer {
 public:
  explicit ConnectTimer(TcpSocket& socket) : socket_(socket) {}
  void OnTimer() override {
    ErrorCode ignored;
    socket_.close(ignored);
  }

 private:
  TcpSocket& socket_;
};

std::string_view Unbracketed(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return host.substr(1, host.size() - 2);
  }
  return host;
}

std::string TextOf(const Endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

Status Failed(const std::string& what, const std::string& cause) {
  return MakeError(ErrorClass::kConnectFailed, what + ": " + cause);
}

}  // namespace

Task<StatusOr<std::vector<Endpoint>>> ResolveHost(Worker& worker, std::string host,
                                                  std::uint16_t port, TimePoint deadline) {
  const std::string what = "resolve " + host + ":" + std::to_string(port);
  std::vector<Endpoint> endpoints;
  const std::string name(Unbracketed(host));
  if (name.empty()) co_return Failed(what, "no host is named");
  ErrorCode no_address;
  const asio::ip::address literal = asio::ip::make_address(name, no_address);
  if (!no_address) {
    endpoints.emplace_back(literal, port);
    co_return endpoints;
  }
  const auto lookup = std::make_shared<Lookup>(worker, name);
  Timer timer(worker.executor());
  timer.expires_at(deadline);
  const Waiting waiting(*lookup, timer);
  if (!LookupThreads::Instance().Ask(lookup)) {
    co_return Failed(what, "too many names are being looked up");
  }
  while (!lookup->answered && Clock::now() < deadline) co_await timer.async_wait(kDirect);
  if (!lookup->answered) co_return Failed(what, "no answer from the name service in time");
  if (lookup->error != 0) co_return Failed(what, gai_strerror(lookup->error));
  for (const asio::ip::address& address : lookup->found) endpoints.emplace_back(address, port);
  if (endpoints.empty()) co_return Failed(what, "the name has no address");
  co_return endpoints;
}

Task<StatusOr<ByteStreamPtr>> DialTcp(Worker& worker, std::vector<Endpoint> endpoints,
                                      TimePoint deadline) {
  Status last = Failed("connect", "there is no address");
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const Endpoint& endpoint = endpoints[i];
    const std::string what = "connect to " + TextOf(endpoint);
    const TimePoint now = Clock::now();
    if (now >= deadline) co_return Failed(what, "no answer in time");
    const auto share = (deadline - now) / static_cast<long>(endpoints.size() - i);
    TcpSocket socket(worker.executor());
    ConnectTimer timer(socket);
    worker.wheel().ArmAt(timer, now + share);
    const auto [ec] = co_await socket.async_connect(endpoint, kDirect);
    timer.Cancel();
    if (!ec && socket.is_open()) {
      Peer peer;
      peer.address = endpoint.address();
      peer.port = endpoint.port();
      ByteStreamPtr stream = std::make_unique<TcpStream>(std::move(socket), std::move(peer));
      co_return stream;
    }
    const bool late = !ec || ec == asio::error::operation_aborted;
    last = Failed(what, late ? "no answer in time" : ec.message());
  }
  co_return last;
}

Task<StatusOr<ByteStreamPtr>> Dial(Worker& worker, std::string host, std::uint16_t port,
                                   TimePoint deadline) {
  auto endpoints = co_await ResolveHost(worker, host, port, deadline);
  if (!endpoints.ok()) co_return endpoints.status();
  auto stream = co_await DialTcp(worker, *std::move(endpoints), deadline);
  if (stream.ok()) co_return stream;
  // The error names an address; who configured a name wants to see that too.
  const std::string name(Unbracketed(host));
  const std::string text = MessageOf(stream.status());
  if (text.find(name) != std::string::npos) co_return stream;
  co_return MakeError(ErrorClass::kConnectFailed,
                      "dial " + host + ":" + std::to_string(port) + ": " + text);
}

}  // namespace tidegate::net
