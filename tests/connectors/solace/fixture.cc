#include "tests/connectors/solace/fixture.h"

#include <boost/asio/detached.hpp>

#include "server/base/check.h"
#include "server/base/codec.h"
#include "tests/support/patience.h"

namespace tidegate::solace {
namespace {

using connectors::Message;
using connectors::MessageBatch;

Got CopyOf(const Message& message) {
  Got got;
  got.content = std::string(message.content);
  got.topic = std::string(message.topic);
  if (message.key) got.key = std::string(*message.key);
  got.redelivered = message.redelivered;
  got.has_timestamp = message.timestamp_ms.has_value();
  for (const auto& field : message.headers) {
    got.headers.emplace_back(std::string(field.name), std::string(field.value));
  }
  for (const auto& entry : message.metadata) got.metadata.emplace_back(entry.name, entry.value);
  return got;
}

Task<StatusOr<std::vector<Held>>> TakeOn(connectors::Source& source, std::size_t count,
                                         std::uint32_t demand) {
  std::vector<Held> all;
  MessageBatch batch;
  while (all.size() < count) {
    batch.Clear();
    const auto left = static_cast<std::uint32_t>(count - all.size());
    auto taken = co_await source.Next(batch, std::min(demand, left));
    if (!taken.ok()) co_return taken.status();
    for (Message& message : batch) {
      Held held;
      held.got = CopyOf(message);
      held.ack = std::move(message.ack);
      all.push_back(std::move(held));
    }
  }
  co_return all;
}

Task<connectors::PublishResult> PublishOn(connectors::Connector& connector, net::Worker& worker,
                                          connectors::OutMessage message, TimePoint deadline) {
  auto sink = connector.SinkFor(worker);
  if (!sink.ok()) co_return connectors::PublishResult(connectors::Outcome::kNo, sink.status());
  co_return co_await (*sink)->Publish(message, deadline);
}

}  // namespace

void Await(net::Worker& worker, Task<void> task) {
  std::promise<void> promise;
  asio::co_spawn(worker.executor(), std::move(task),
                 [&promise](std::exception_ptr) { promise.set_value(); });
  promise.get_future().get();
}

std::string Got::Meta(const std::string& name) const {
  for (const auto& [key, value] : metadata) {
    if (key == name) return value;
  }
  return "(none)";
}

void PeerTest::SetUp() {
  workers_ = std::make_unique<net::WorkerPool>(2);
  workers_->Start();
  topic_ = "t" + RandomToken(4) + "/x";
  group_ = "tidegate.test." + RandomToken(4);
  config_.host = "127.0.0.1";
  config_.vpn = "default";
  config_.tls_host = "127.0.0.1";
  config_.producer.enabled = true;
  config_.producer.topics = {topic_};
  config_.consumer.enabled = true;
  config_.consumer.topics = {topic_};
}

void PeerTest::StartPeer(const std::vector<std::string>& options) {
  peer_ = amqp10::Peer::Start(options);
}

void PeerTest::Connect() {
  config_.port = config_.tls_on ? peer_->tls_port() : peer_->port();
  connectors::ConnectorContext context;
  context.api = "test";
  context.endpoint = "solace";
  context.workers = workers_.get();
  connector_ = SolaceConnector::Make(config_, tls_, context);
}

void PeerTest::Disconnect() {
  if (connector_ == nullptr) return;
  Await(worker(), connector_->Drain(Clock::now() + kPatience, worker()));
  connector_.reset();
}

void PeerTest::TearDown() {
  Disconnect();
  for (std::size_t i = 0; i < 2 * workers_->size(); ++i) {
    std::promise<void> turn;
    workers_->at(i % workers_->size()).Post([&] { turn.set_value(); });
    turn.get_future().get();
  }
  workers_->Stop();
  workers_.reset();
  EXPECT_EQ(BugCount(), 0u);
}

connectors::SourceSpec PeerTest::Each() const { return connectors::SourceSpec(); }

connectors::SourceSpec PeerTest::Member(connectors::Qos qos) const {
  connectors::SourceSpec spec;
  spec.share = connectors::Share::kGroup;
  spec.qos = qos;
  spec.start = connectors::Start::kCommitted;
  spec.group = group_;
  return spec;
}

StatusOr<connectors::SourcePtr> PeerTest::Open(connectors::SourceSpec spec) {
  return Await(worker(), connector_->OpenSource(std::move(spec), worker()));
}

StatusOr<std::vector<Held>> PeerTest::Take(connectors::Source& source, std::size_t count,
                                           std::uint32_t demand) {
  std::promise<StatusOr<std::vector<Held>>> promise;
  auto result = promise.get_future();
  asio::co_spawn(worker().executor(), TakeOn(source, count, demand),
                 [&promise](std::exception_ptr, StatusOr<std::vector<Held>> value) {
                   promise.set_value(std::move(value));
                 });
  if (result.wait_for(kPatience) == std::future_status::ready) return result.get();
  Await(worker(), source.Close());
  (void)result.get();
  return DeadlineExceeded("not enough messages in time");
}

void PeerTest::Close(connectors::SourcePtr& source) {
  Await(worker(), source->Close());
  std::promise<void> turn;  // the source dies on its own worker
  worker().Post([&] {
    source.reset();
    turn.set_value();
  });
  turn.get_future().get();
}

connectors::PublishResult PeerTest::Publish(const connectors::OutMessage& message,
                                            std::chrono::milliseconds patience) {
  return Await(worker(), PublishOn(*connector_, worker(), message, Clock::now() + patience));
}

connectors::PublishResult PeerTest::PublishTo(const std::string& topic, const std::string& content,
                                              std::chrono::milliseconds patience) {
  const std::vector<std::string> topics = {topic};
  connectors::OutMessage message;
  message.content = content;
  message.topics = topics;
  return Publish(message, patience);
}

bool PeerTest::Until(const std::function<bool()>& done) {
  const TimePoint end = Clock::now() + kPatience;
  while (!done()) {
    if (Clock::now() > end) return false;
    Await(worker(), worker().wheel().Sleep(std::chrono::milliseconds(20)));
  }
  return true;
}

}  // namespace tidegate::solace
