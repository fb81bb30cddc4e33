#include "tests/support/fault_proxy/fault_proxy.h"

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <optional>
#include <set>
#include <thread>
#include <vector>

namespace tidegate::faults {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct Shared;

// One client and its connection to the broker.
class Link : public std::enable_shared_from_this<Link> {
 public:
  Link(Shared& shared, tcp::socket client);
  void Start();
  void End(How how);
  bool silent() const { return silent_; }

 private:
  struct Lane {
    explicit Lane(asio::io_context& context) : delay(context) {}
    std::array<char, 64 * 1024> buffer;
    asio::steady_timer delay;
    std::uint64_t chunks = 0;
    std::uint64_t bytes = 0;
  };
  Lane& lane(Way way) { return way == Way::kUp ? up_ : down_; }
  tcp::socket& From(Way way) { return way == Way::kUp ? client_ : broker_; }
  tcp::socket& To(Way way) { return way == Way::kUp ? broker_ : client_; }
  void Read(Way way);
  void Pass(Way way, std::size_t size, std::optional<How> then);
  void Write(Way way, std::size_t size, std::optional<How> then);
  void HalfClose(Way way);
  // How much of a chunk goes on, and what happens behind it.
  std::size_t Judge(Way way, std::size_t size, std::optional<How>& then);
  static void Abort(tcp::socket& socket);

  Shared& shared_;
  tcp::socket client_;
  tcp::socket broker_;
  Lane up_;
  Lane down_;
  const std::uint64_t number_;
  bool silent_ = false;
  bool over_ = false;
  int halves_ = 0;  // directions that have ended in peace
};

struct Shared {
  asio::io_context context{1};
  tcp::endpoint broker;
  std::optional<Fault> fault;
  std::chrono::milliseconds delay{0};
  std::set<std::shared_ptr<Link>> links;
  std::uint64_t before = 0;  // connections made before `counts.links` begins
  ProxyCounts counts;
};

Link::Link(Shared& shared, tcp::socket client)
    : shared_(shared), client_(std::move(client)), broker_(shared.context), up_(shared.context),
      down_(shared.context), number_(shared.counts.connections) {}

void Link::Start() {
  broker_.async_connect(shared_.broker, [self = shared_from_this()](const error_code& ec) {
    if (self->over_) return;
    if (ec) return self->End(How::kReset);
    error_code ignored;
    self->broker_.set_option(tcp::no_delay(true), ignored);
    self->client_.set_option(tcp::no_delay(true), ignored);
    self->Read(Way::kUp);
    self->Read(Way::kDown);
  });
}

void Link::Abort(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(tcp::socket::linger(true, 0), ignored);
  socket.close(ignored);
}

void Link::End(How how) {
  if (over_ || (how == How::kSilence && silent_)) return;
  if (how == How::kSilence) {
    silent_ = true;
    error_code ignored;
    client_.cancel(ignored);
    broker_.cancel(ignored);
    up_.delay.cancel();
    down_.delay.cancel();
    return;
  }
  over_ = true;
  error_code ignored;
  if (how == How::kReset) {
    Abort(client_);
    Abort(broker_);
  } else {
    client_.shutdown(tcp::socket::shutdown_both, ignored);
    client_.close(ignored);
    broker_.shutdown(tcp::socket::shutdown_both, ignored);
    broker_.close(ignored);
  }
  up_.delay.cancel();
  down_.delay.cancel();
  shared_.links.erase(shared_from_this());
}

std::size_t Link::Judge(Way way, std::size_t size, std::optional<How>& then) {
  Lane& at = lane(way);
  ++at.chunks;
  const std::uint64_t before = at.bytes;
  at.bytes += size;
  const std::uint64_t number = number_ > shared_.before ? number_ - shared_.before : 0;
  if (number > 0) {
    LinkCounts& told = shared_.counts.links[number - 1];
    (way == Way::kUp ? told.chunks_up : told.chunks_down) = at.chunks;
    (way == Way::kUp ? told.bytes_up : told.bytes_down) = at.bytes;
  }
  if (!shared_.fault || shared_.fault->way != way) return size;
  const Fault fault = *shared_.fault;
  if (fault.connection != 0 && fault.connection != number) return size;
  const bool by_chunk = fault.unit == Fault::Unit::kChunks;
  if (by_chunk ? at.chunks < fault.after : at.bytes <= fault.after) return size;
  shared_.fault.reset();
  ++shared_.counts.faults;
  then = fault.how;
  if (by_chunk || before >= fault.after) return 0;
  return static_cast<std::size_t>(fault.after - before);
}

void Link::Read(Way way) {
  Lane& at = lane(way);
  From(way).async_read_some(
      asio::buffer(at.buffer), [self = shared_from_this(), way](const error_code& ec,
                                                                std::size_t size) {
        if (self->over_ || self->silent_) return;
        if (ec == asio::error::eof) return self->HalfClose(way);
        if (ec) return self->End(How::kReset);
        std::optional<How> then;
        const std::size_t pass = self->Judge(way, size, then);
        self->Pass(way, pass, then);
      });
}

void Link::HalfClose(Way way) {
  error_code ignored;
  To(way).shutdown(tcp::socket::shutdown_send, ignored);
  if (++halves_ == 2) End(How::kFin);
}

void Link::Pass(Way way, std::size_t size, std::optional<How> then) {
  if (shared_.delay.count() == 0) return Write(way, size, then);
  Lane& at = lane(way);
  at.delay.expires_after(shared_.delay);
  at.delay.async_wait([self = shared_from_this(), way, size, then](const error_code& ec) {
    if (!ec && !self->over_ && !self->silent_) self->Write(way, size, then);
  });
}

void Link::Write(Way way, std::size_t size, std::optional<How> then) {
  if (size == 0 && then) return End(*then);
  asio::async_write(To(way), asio::buffer(lane(way).buffer.data(), size),
                    [self = shared_from_this(), way, then](const error_code& ec, std::size_t) {
                      if (self->over_ || self->silent_) return;
                      if (ec) return self->End(How::kReset);
                      if (then) return self->End(*then);
                      self->Read(way);
                    });
}

class Proxy final : public FaultProxy {
 public:
  Proxy() : acceptor_(shared_.context), work_(shared_.context.get_executor()) {}

  ~Proxy() override {
    OnThread([this] {
      Close();
      CutNow(How::kReset);
    });
    work_.reset();
    thread_.join();
  }

  bool Begin(const std::string& host, std::uint16_t port, std::uint16_t listen_port) {
    tcp::resolver resolver(shared_.context);
    error_code ec;
    const auto found = resolver.resolve(host, std::to_string(port), ec);
    if (ec || found.empty()) return false;
    shared_.broker = found.begin()->endpoint();
    port_ = listen_port;
    if (!Listen()) return false;
    thread_ = std::thread([this] { shared_.context.run(); });
    return true;
  }

  std::uint16_t port() const override { return port_; }
  void Arm(const Fault& fault) override {
    OnThread([&] {
      Forget();
      shared_.fault = fault;
    });
  }
  void Disarm() override {
    OnThread([&] { Forget(); });
  }
  void Cut(How how) override {
    OnThread([&] { CutNow(how); });
  }
  void Refuse(bool on) override {
    OnThread([&] { on ? Close() : Open(); });
  }
  void Delay(std::chrono::milliseconds each_chunk) override {
    OnThread([&] { shared_.delay = each_chunk; });
  }
  void Heal() override {
    OnThread([&] {
      Forget();
      shared_.delay = std::chrono::milliseconds(0);
      const std::set<std::shared_ptr<Link>> links = shared_.links;
      for (const auto& link : links) {
        if (link->silent()) link->End(How::kReset);
      }
      Open();
    });
  }
  ProxyCounts counts() override {
    ProxyCounts out;
    OnThread([&] {
      out = shared_.counts;
      out.open = shared_.links.size();
    });
    return out;
  }

 private:
  template <typename F>
  void OnThread(F&& function) {
    std::promise<void> done;
    asio::post(shared_.context, [&] {
      function();
      done.set_value();
    });
    done.get_future().get();
  }
  void Forget() {
    shared_.fault.reset();
    shared_.before = shared_.counts.connections;
    shared_.counts.links.clear();
  }
  bool Listen() {
    error_code ec;
    acceptor_.open(tcp::v4(), ec);
    if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor_.bind(tcp::endpoint(asio::ip::address_v4::loopback(), port_), ec);
    if (!ec) acceptor_.listen(128, ec);
    if (ec) return false;
    port_ = acceptor_.local_endpoint(ec).port();
    Accept();
    return !ec;
  }
  void Open() {
    if (!acceptor_.is_open()) Listen();
  }
  void Close() {
    error_code ignored;
    acceptor_.close(ignored);
  }
  void CutNow(How how) {
    const std::set<std::shared_ptr<Link>> links = shared_.links;
    for (const auto& link : links) link->End(how);
  }
  void Accept() {
    acceptor_.async_accept(shared_.context, [this](const error_code& ec, tcp::socket socket) {
      if (ec == asio::error::operation_aborted) return;
      if (!ec) {
        ++shared_.counts.connections;
        shared_.counts.links.emplace_back();
        auto link = std::make_shared<Link>(shared_, std::move(socket));
        shared_.links.insert(link);
        link->Start();
      }
      if (acceptor_.is_open()) Accept();
    });
  }

  Shared shared_;
  tcp::acceptor acceptor_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<FaultProxy> FaultProxy::Start(const std::string& host, std::uint16_t port,
                                              std::uint16_t listen_port) {
  auto proxy = std::make_unique<Proxy>();
  if (!proxy->Begin(host, port, listen_port)) return nullptr;
  return proxy;
}

}  // namespace tidegate::faults
