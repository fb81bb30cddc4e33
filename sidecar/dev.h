// `tidegate dev`: a playground in one process. An embedded Kafka with one demo message a second,
// two demo APIs, nothing kept.
// Thread: main; the demo producer has a thread of its own. Owner: main. Fails: Start by Status.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "connectors/kafka/dev_cluster.h"
#include "server/model/gateway.h"
#include "sidecar/options.h"
#include "sidecar/ports_file.h"

namespace tidegate::sidecar {

class DevPlayground {
 public:
  static StatusOr<std::unique_ptr<DevPlayground>> Start();
  ~DevPlayground();

  // The demo APIs, as a person would write them.
  std::string Definitions() const;
  // The lines to try, with the addresses that were bound.
  std::string Welcome(const BoundAddresses& addresses) const;

 private:
  explicit DevPlayground(std::unique_ptr<kafka::DevCluster> cluster);
  void ProduceLoop();

  std::unique_ptr<kafka::DevCluster> cluster_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread producer_;
};

// Loopback addresses, no state, a socket that needs no root: what no flag or variable said.
Options DevDefaults(Options options);

}  // namespace tidegate::sidecar
