#include "bench/net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>

#include "bench/options.h"

namespace tidegate::bench {
namespace {

sockaddr_in AddressOf(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    Fail("not an IPv4 address: " + host, 2);
  }
  return address;
}

void NoDelay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

volatile bool g_stop = false;

std::int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * kSecond + now.tv_nsec;
}

Target ParseTarget(std::string url) {
  if (const auto scheme = url.find("://"); scheme != std::string::npos) url.erase(0, scheme + 3);
  Target target;
  const auto slash = url.find('/');
  target.path = slash == std::string::npos ? "/" : url.substr(slash);
  const std::string host = url.substr(0, slash);
  const auto colon = host.rfind(':');
  if (colon == std::string::npos) Fail("an address needs a port: " + host, 2);
  target.host = host.substr(0, colon);
  target.port = std::atoi(host.c_str() + colon + 1);
  return target;
}

int ListenOn(const std::string& address, int& port) {
  const Target target = ParseTarget(address);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in name = AddressOf(target.host, target.port);
  if (bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 || listen(fd, 4096) != 0) {
    Fail("listen on " + address + ": " + std::strerror(errno));
  }
  socklen_t size = sizeof name;
  getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  port = ntohs(name.sin_port);
  return fd;
}

int ConnectTo(const Target& target) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) Fail(std::string("socket: ") + std::strerror(errno));
  sockaddr_in name = AddressOf(target.host, target.port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) {
    Fail("connect to " + target.host + ":" + std::to_string(target.port) + ": " +
         std::strerror(errno));
  }
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  NoDelay(fd);
  return fd;
}

int AcceptFrom(int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) NoDelay(fd);
  return fd;
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      pollfd waiting{fd, POLLOUT, 0};
      if (poll(&waiting, 1, 5000) <= 0) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void WriteFile(const std::string& path, const std::string& text) {
  if (path.empty()) return;
  const std::string draft = path + ".new";
  std::ofstream(draft) << text << '\n';
  if (std::rename(draft.c_str(), path.c_str()) != 0) Fail("cannot write " + path);
}

void StopOnSignals() {
  struct sigaction action {};
  action.sa_handler = [](int) { g_stop = true; };
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

Poller::Poller() : fd_(epoll_create1(EPOLL_CLOEXEC)) {}

void Poller::Add(int fd, std::uint64_t tag, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  if (epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    Fail(std::string("epoll_ctl: ") + std::strerror(errno));
  }
}

void Poller::Remove(int fd) { epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr); }

const std::vector<epoll_event>& Poller::Wait(std::int64_t until) {
  ready_.resize(512);
  const std::int64_t left = until - NowNs();
  timespec timeout{};
  if (left > 0) {
    timeout.tv_sec = left / kSecond;
    timeout.tv_nsec = left % kSecond;
  }
  const int count =
      epoll_pwait2(fd_, ready_.data(), static_cast<int>(ready_.size()), &timeout, nullptr);
  ready_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return ready_;
}

}  // namespace tidegate::bench
