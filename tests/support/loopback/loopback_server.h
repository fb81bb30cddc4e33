// A server on a port of its own on the loopback, for tests that play the other side themselves: a
// thread for each connection, which reads and answers as it likes.
//
// Thread: any; `Serve` runs on the threads of its connections. Owner: the test, or a scripted
// broker as its last member: its end shuts every connection and waits until they have been served.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string_view>
#include <thread>

namespace tidegate::tests {

class LoopbackServer {
 public:
  // `number`: of the connection, from 1. The socket is closed afterwards.
  using Serve = std::function<void(int fd, int number)>;

  explicit LoopbackServer(Serve serve);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void Accept();
  void Run(int fd, int number);

  const Serve serve_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::list<int> open_;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

// Everything, or until the peer has gone.
void SendAll(int fd, std::string_view bytes);

}  // namespace tidegate::tests
