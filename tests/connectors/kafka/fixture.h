// A Kafka connector on two workers against the embedded cluster.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "connectors/kafka/connector.h"
#include "connectors/kafka/dev_cluster.h"

namespace tidegate::kafka {

// Runs `task` on `worker` and waits for its result.
template <typename T>
T Await(net::Worker& worker, Task<T> task) {
  std::promise<T> promise;
  asio::co_spawn(worker.executor(), std::move(task), [&promise](std::exception_ptr error, T value) {
    if (error) {
      promise.set_exception(error);
    } else {
      promise.set_value(std::move(value));
    }
  });
  return promise.get_future().get();
}
void Await(net::Worker& worker, Task<void> task);

// What of a delivery outlives its batch.
struct Got {
  std::string topic;
  std::int32_t partition = -1;
  std::int64_t offset = -1;
  std::string key;
  bool has_key = false;
  bool has_content = true;
  std::string content;
  std::vector<std::pair<std::string, std::string>> headers;
  bool has_timestamp = false;
};

class ClusterTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  KafkaConfig Config() const;
  std::shared_ptr<KafkaConnector> Make(KafkaConfig config);
  net::Worker& worker(std::size_t i = 0) { return workers_->at(i); }

  connectors::PublishResult Publish(KafkaConnector& connector, connectors::OutMessage message,
                                    std::chrono::milliseconds patience = std::chrono::seconds(10),
                                    std::size_t worker = 0);
  StatusOr<connectors::SourcePtr> Open(KafkaConnector& connector, connectors::SourceSpec spec,
                                       std::size_t worker = 0);
  // Next until `count` messages are there; acknowledges each when `ack`.
  StatusOr<std::vector<Got>> Read(connectors::Source& source, std::size_t count, bool ack = true);
  void Close(connectors::SourcePtr source);
  void Fill(const std::string& topic, int count, int partition = 0, int first = 0);

  std::unique_ptr<DevCluster> cluster_;
  std::unique_ptr<net::WorkerPool> workers_;
};

}  // namespace tidegate::kafka
