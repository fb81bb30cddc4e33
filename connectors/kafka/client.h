// One librdkafka handle. Made on the control thread; may be dropped anywhere: it is destroyed on
// the control thread, with a deadline.
//
// Thread: Make on the control thread; rk() any. Owner: shared_ptr. Everything that hangs on the
// handle (queues, topics) must be destroyed by its owner before the last reference goes.
#pragma once

#include <memory>

#include "connectors/kafka/client_thread.h"
#include "connectors/kafka/conf.h"
#include "connectors/kafka/monitor.h"

namespace tidegate::kafka {

// What a handle must have before it connects, and is given anew while it lives: bearer tokens,
// Kerberos tickets. Thread: (control) but Renewed handles, any. Owner: Shared.
class Credentials {
 public:
  virtual ~Credentials() = default;
  // (control) Waits until they are there. Fails AuthFailed, ConnectFailed, Timeout, ConfigInvalid.
  virtual Status Prepare(TimePoint deadline) = 0;
  // (control) `rk` was made and has not been used; what it needs is renewed until Detach returns.
  virtual Status Attach(rd_kafka_t* rk) = 0;
  virtual void Detach(rd_kafka_t* rk) = 0;
};

// What all parts of one connector share.
struct Shared {
  KafkaConfig config;
  std::shared_ptr<Monitor> monitor;
  std::shared_ptr<Credentials> credentials;  // nullptr: the library has what it needs
  ClientThread& threads = ClientThread::Shared();
};
using SharedPtr = std::shared_ptr<const Shared>;

inline constexpr auto kOpenDeadline = std::chrono::seconds(10);
inline constexpr auto kQueryTimeout = std::chrono::seconds(5);
inline constexpr auto kCredentialsTimeout = std::chrono::seconds(5);
// A refused login is not tried again sooner: brokers and directories count failures.
inline constexpr auto kRefusedPause = std::chrono::seconds(1);
inline constexpr auto kDestroyDeadline = std::chrono::seconds(5);

class Client {
 public:
  static StatusOr<std::shared_ptr<Client>> Make(const SharedPtr& shared, const ConfSpec& spec,
                                                RebalanceFunction rebalance = nullptr,
                                                void* rebalance_target = nullptr);
  Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  rd_kafka_t* rk() const { return rk_; }

 private:
  SharedPtr shared_;
  rd_kafka_t* rk_ = nullptr;
  std::shared_ptr<ClientOpaque> opaque_;
};
using ClientPtr = std::shared_ptr<Client>;

}  // namespace tidegate::kafka
