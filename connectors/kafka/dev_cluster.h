// A Kafka cluster inside this process (librdkafka's mock): for `tidegate dev` and for tests. It
// speaks the protocol on loopback ports; other processes can use it. Records are kept in memory,
// at most 5 MiB a partition.
//
// Thread: any; calls may wait for the cluster's own thread. Owner: whoever made it; destroyed at
// once. Fails: Start by Unavailable when the library cannot make it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/status.h"

namespace tidegate::kafka {

class DevCluster {
 public:
  struct Topic {
    std::string name;
    int partitions = 1;
  };
  static StatusOr<std::unique_ptr<DevCluster>> Start(int brokers, const std::vector<Topic>& topics);
  ~DevCluster();

  std::string bootstrap() const;  // host:port, comma list
  Status CreateTopic(const std::string& name, int partitions);
  // Waits until the cluster has it, at most 10 s. partition -1: by the key.
  Status Produce(const std::string& topic, std::string_view key, std::string_view value,
                 int partition = -1);

  // Faults, for tests. Brokers count from 1.
  void SetDown(int broker);
  void SetUp(int broker);
  void SetRoundTrip(int broker, std::chrono::milliseconds delay);
  // The next requests of this API key (0 Produce, 1 Fetch, 8 OffsetCommit, …) fail with `code`.
  void FailNext(int api_key, int code, int times);

 private:
  struct Impl;
  explicit DevCluster(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidegate::kafka
