// RabbitMQ connectors on two workers against the broker that TIDEGATE_TEST_RABBITMQ names; without
// it every test fails and says so. Exchanges have names of their own per test.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "connectors/rabbitmq/connector.h"
#include "tidegate/config/v1/rabbitmq.pb.h"

namespace tidegate::rabbitmq {

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
  std::string content;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::pair<std::string, std::string>> metadata;
  bool redelivered = false;
  connectors::Ack ack;

  std::string Metadata(std::string_view name) const;
};

class BrokerTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  using Settings = config::v1::RabbitmqEndpoint;
  // Producer and consumer on the exchange `name_`, topic; key "k", binding "#".
  Settings Base() const;
  std::shared_ptr<connectors::Connector> Make(const Settings& settings);
  net::Worker& worker(std::size_t i = 0) { return workers_->at(i); }

  connectors::PublishResult Publish(connectors::Connector& connector,
                                    const connectors::OutMessage& message,
                                    std::chrono::milliseconds patience = std::chrono::seconds(10),
                                    std::size_t worker = 0);
  connectors::PublishResult Publish(connectors::Connector& connector, std::string_view content);
  StatusOr<connectors::SourcePtr> Open(connectors::Connector& connector,
                                       connectors::SourceSpec spec);
  // A member of a group of its own per test.
  connectors::SourceSpec Member(connectors::Qos qos) const;
  connectors::SourceSpec Each() const;
  // Next until `count` messages are there, for at most a minute, then the source is closed and says
  // so; acknowledges each when `ack`, else hands the acks over.
  StatusOr<std::vector<Got>> Read(connectors::Source& source, std::size_t count, bool ack = true,
                                  std::uint32_t demand = 256);
  void Close(connectors::SourcePtr& source);
  // rabbitmqctl; its output. Fails the test when it fails.
  std::string Ctl(const std::string& arguments);
  // Another script of tests/support/rabbitmq.
  void Script(const std::string& line);

  std::string name_;
  std::string host_;
  std::string directory_;
  int port_ = 0;
  int tls_port_ = 0;
  std::unique_ptr<net::WorkerPool> workers_;
  std::vector<std::weak_ptr<connectors::Connector>> made_;
};

}  // namespace tidegate::rabbitmq
