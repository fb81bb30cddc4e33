// A Solace connector on two workers against the Solace-shaped peer.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/solace/connector.h"
#include "tests/connectors/solace/peer.h"

namespace tidegate::solace {

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
  std::string topic;
  std::string key;
  bool redelivered = false;
  bool has_timestamp = false;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::string Meta(const std::string& name) const;  // "(none)" when it is not there
};
struct Held {
  Got got;
  connectors::Ack ack;
};

class PeerTest : public ::testing::Test {
 protected:
  // `options` of the peer; what changes the configuration is done to config_ before Connect.
  void StartPeer(const std::vector<std::string>& options = {});
  void Connect();
  void Disconnect();
  void SetUp() override;
  void TearDown() override;

  net::Worker& worker(std::size_t i = 0) { return workers_->at(i); }
  connectors::SourceSpec Each() const;
  connectors::SourceSpec Member(connectors::Qos qos) const;
  StatusOr<connectors::SourcePtr> Open(connectors::SourceSpec spec);
  // Takes `count` messages with their acks, within 15 s.
  StatusOr<std::vector<Held>> Take(connectors::Source& source, std::size_t count,
                                   std::uint32_t demand = 16);
  void Close(connectors::SourcePtr& source);
  connectors::PublishResult Publish(const connectors::OutMessage& message,
                                    std::chrono::milliseconds patience = std::chrono::seconds(10));
  connectors::PublishResult PublishTo(
      const std::string& topic, const std::string& content,
      std::chrono::milliseconds patience = std::chrono::seconds(10));
  // Until `done` holds, at most 15 s.
  bool Until(const std::function<bool()>& done);

  std::unique_ptr<net::WorkerPool> workers_;
  std::unique_ptr<amqp10::Peer> peer_;
  SolaceConfig config_;
  std::shared_ptr<net::TlsClient> tls_;
  connectors::ConnectorPtr connector_;
  std::string topic_;
  std::string group_;
};

}  // namespace tidegate::solace
