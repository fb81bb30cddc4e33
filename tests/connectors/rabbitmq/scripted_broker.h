// A broker of a few lines on a port of its own: it answers every request as a broker would, unless
// a test says otherwise, and confirms what is published.
//
// Thread: Start and the counts on any; `Answer` runs on the threads of its connections, one at a
// time. Owner: the test; its end closes everything.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/support/loopback/loopback_server.h"

namespace tidegate::rabbitmq {

class ScriptedBroker {
 public:
  struct Answer {
    std::string bytes;
    bool hang_up = false;  // after these
  };
  // What is answered to a method on the connection with this number (the first is 1); nullopt: what
  // a broker answers.
  using Script =
      std::function<std::optional<Answer>(int connection, std::uint32_t method, unsigned channel)>;

  explicit ScriptedBroker(Script script, std::uint32_t frame_max = 131072);

  // Publishes of earlier connections are not confirmed.
  void ConfirmFrom(int connection) { confirms_from_ = connection; }

  int port() const { return server_.port(); }
  int connections() const { return server_.connections(); }
  // Content headers that came.
  int headers() const { return headers_; }

 private:
  void Serve(int fd, int number);
  bool Hear(int fd, int number, const std::string& payload, unsigned channel);

  const Script script_;
  const std::uint32_t frame_max_;
  std::atomic<int> headers_{0};
  std::atomic<int> confirms_from_{1};
  tests::LoopbackServer server_;
};

}  // namespace tidegate::rabbitmq
