// Sockets and epoll for programs of one thread: only what floors and generator need.
//
// Thread: one. Fails: what cannot be set up ends the program; reads and writes say how they went.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::bench {

constexpr std::int64_t kSecond = 1'000'000'000;

// CLOCK_MONOTONIC in nanoseconds: the same clock for all programs of one machine.
std::int64_t NowNs();

struct Target {
  std::string host;  // an IPv4 address
  int port = 0;
  std::string path;
};

// Reads `http://ADDRESS:PORT/path`, `ws://…` or without a scheme.
Target ParseTarget(std::string url);

// A listening socket on `address` ("127.0.0.1:0"); its port is written to `port`.
int ListenOn(const std::string& address, int& port);
// A connected, non-blocking socket with TCP_NODELAY.
int ConnectTo(const Target& target);
// Accepts one connection, non-blocking with TCP_NODELAY; -1 when there is none.
int AcceptFrom(int listener);
// Sends all; waits for room where it must. False when the connection has gone.
bool SendAll(int fd, std::string_view bytes);
// Writes the file whole, by rename.
void WriteFile(const std::string& path, const std::string& text);
// SIGTERM and SIGINT set this; loops end.
extern volatile bool g_stop;
void StopOnSignals();

class Poller {
 public:
  Poller();
  void Add(int fd, std::uint64_t tag, std::uint32_t events = EPOLLIN);
  void Remove(int fd);
  // Waits until something is ready or `until` (NowNs) has come. The result holds until the next
  // call.
  const std::vector<epoll_event>& Wait(std::int64_t until);

 private:
  int fd_;
  std::vector<epoll_event> ready_;
};

}  // namespace tidegate::bench
