// The Solace-shaped AMQP 1.0 peer of tests/support/amqp10 as a child process, and its control line.
//
// Thread: one. Fails: Ask fails the running test and returns null.
#pragma once

#include <sys/types.h>

#include <boost/json/value.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tidegate::amqp10 {

inline boost::json::value Json(const std::string& text) {
  return boost::json::value(boost::json::string_view(text.data(), text.size()));
}

class Peer {
 public:
  // With these options of peer.py. Ends the process when it does not come up.
  static std::unique_ptr<Peer> Start(const std::vector<std::string>& options = {});
  ~Peer();

  std::uint16_t port() const { return port_; }
  std::uint16_t tls_port() const { return tls_port_; }
  // One JSON object as peer.py describes them, and its answer.
  boost::json::value Ask(const std::string& order);
  // How many endpoints, links, … there are: the size of the list `name` in the answer to `order`.
  std::size_t Count(const std::string& order, const std::string& name);

 private:
  Peer() = default;
  pid_t pid_ = -1;
  int stdin_ = -1;
  int control_ = -1;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  std::string unread_;
};

}  // namespace tidegate::amqp10
