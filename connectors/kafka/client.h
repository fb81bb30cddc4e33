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

// What all parts of one connector share.
struct Shared {
  KafkaConfig config;
  std::shared_ptr<Monitor> monitor;
  ClientThread& threads = ClientThread::Shared();
};
using SharedPtr = std::shared_ptr<const Shared>;

inline constexpr auto kOpenDeadline = std::chrono::seconds(10);
inline constexpr auto kQueryTimeout = std::chrono::seconds(5);
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
