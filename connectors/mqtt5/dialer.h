// From an endpoint's settings to an open connection: name, TCP, TLS, CONNECT, and wherever servers
// refer to.
//
// Thread: any worker; the place a server has moved to is under a mutex. Owner: Shared.
// Fails: by the ErrorClass of the step; `connect mqtt5 host:port: cause`.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/api/connector.h"
#include "connectors/mqtt5/connection.h"
#include "connectors/mqtt5/monitor.h"
#include "connectors/mqtt5/mqtt5_config.h"
#include "connectors/mqtt5/reason.h"

namespace tidegate::mqtt5 {

class Dialer {
 public:
  explicit Dialer(const Mqtt5Config& config) : config_(config) {}

  // `hint`: where the last server sent us, or empty. All of it within `deadline`.
  Task<StatusOr<ConnectionPtr>> Open(net::Worker& worker, Connect connect, ConnectionEvents& events,
                                     std::string hint, TimePoint deadline);
  // The same step by step, with a look at whether the consumer's topics may be read.
  Task<std::vector<connectors::TestStage>> Test(net::Worker& worker, Connect connect,
                                                std::vector<std::string> filters);
  // The server has said that it has moved there for good. Forgotten when nobody is there.
  void Moved(const std::string& reference);

 private:
  ServerAddress Start(const std::string& hint, bool& moved);
  Task<StatusOr<net::ByteStreamPtr>> Reach(net::Worker& worker, ServerAddress to,
                                           TimePoint deadline);
  Task<bool> TestMqtt(net::Worker& worker, net::ByteStreamPtr stream, Connect connect,
                      std::vector<std::string> filters,
                      std::vector<connectors::TestStage>& stages);

  const Mqtt5Config& config_;
  std::mutex mutex_;
  ServerAddress moved_;  // 0x9D: for good
};

// What all parts of one connector share.
struct Shared {
  Shared(Mqtt5Config settings, std::shared_ptr<Monitor> watch)
      : config(std::move(settings)), monitor(std::move(watch)), dialer(config) {}
  const Mqtt5Config config;
  const std::shared_ptr<Monitor> monitor;
  Dialer dialer;
};
using SharedPtr = std::shared_ptr<Shared>;

// CONNECT with what settings say of everybody: credentials, limits, keep alive.
Connect MakeConnect(const Mqtt5Config& config, std::string client_id);

}  // namespace tidegate::mqtt5
