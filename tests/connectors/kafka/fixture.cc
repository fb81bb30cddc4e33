#include "tests/connectors/kafka/fixture.h"

#include "connectors/kafka/factory.h"
#include "tests/support/is_ok.h"
#include "tests/support/patience.h"

namespace tidegate::kafka {

using connectors::MessageBatch;
using connectors::SourcePtr;

void Await(net::Worker& worker, Task<void> task) {
  std::promise<void> promise;
  asio::co_spawn(worker.executor(), std::move(task),
                 [&promise](std::exception_ptr) { promise.set_value(); });
  promise.get_future().get();
}

namespace {

Task<connectors::PublishResult> PublishOn(KafkaConnector& connector, net::Worker& worker,
                                          connectors::OutMessage message, TimePoint deadline) {
  auto sink = connector.SinkFor(worker);
  if (!sink.ok()) co_return connectors::PublishResult(connectors::Outcome::kNo, sink.status());
  co_return co_await (*sink)->Publish(message, deadline);
}

Task<StatusOr<std::vector<Got>>> ReadOn(connectors::Source& source, std::size_t count, bool ack) {
  std::vector<Got> all;
  MessageBatch batch;
  batch.Reserve(256);
  while (all.size() < count) {
    batch.Clear();
    const auto left = static_cast<std::uint32_t>(count - all.size());
    auto taken = co_await source.Next(batch, left);
    if (!taken.ok()) co_return taken.status();
    for (connectors::Message& message : batch) {
      Got got;
      got.topic = std::string(message.topic);
      got.partition = message.partition;
      got.offset = message.offset;
      got.has_key = message.key.has_value();
      if (message.key) got.key = std::string(*message.key);
      got.has_content = message.has_content;
      got.content = std::string(message.content);
      for (const auto& field : message.headers) {
        got.headers.emplace_back(std::string(field.name), std::string(field.value));
      }
      got.has_timestamp = message.timestamp_ms.has_value();
      all.push_back(std::move(got));
      if (ack) message.ack.Done();
    }
  }
  co_return all;
}

}  // namespace

void ClusterTest::SetUp() {
  auto cluster = DevCluster::Start(1, {{"orders", 1}, {"events", 3}});
  ASSERT_TRUE(IsOk(cluster));
  cluster_ = std::move(*cluster);
  workers_ = std::make_unique<net::WorkerPool>(2);
  workers_->Start();
}

void ClusterTest::TearDown() {
  // Posts that free clients run, then the clients are closed, then the workers end.
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < workers_->size(); ++i) {
      std::promise<void> turn;
      workers_->at(i).Post([&] {
        workers_->at(i).DropLocals();
        turn.set_value();
      });
      turn.get_future().get();
    }
  }
  EXPECT_TRUE(SettleKafka(Clock::now() + kPatience));
  workers_->Stop();
  workers_.reset();
  cluster_.reset();
}

KafkaConfig ClusterTest::Config() const {
  KafkaConfig config;
  config.bootstrap = cluster_->bootstrap();
  config.producer.enabled = true;
  config.producer.topics = {"orders"};
  config.consumer.enabled = true;
  config.consumer.topics = {"orders"};
  config.consumer.reset = Reset::kEarliest;
  // The embedded cluster waits this long, less a second, for a member that left to come back.
  config.properties.emplace_back("session.timeout.ms", "4000");
  config.properties.emplace_back("heartbeat.interval.ms", "500");
  return config;
}

std::shared_ptr<KafkaConnector> ClusterTest::Make(KafkaConfig config) {
  connectors::ConnectorContext context;
  context.api = "test";
  context.endpoint = "kafka";
  context.workers = workers_.get();
  auto made = KafkaConnector::Make(std::move(config), context);
  EXPECT_TRUE(made.ok()) << MessageOf(made.status());
  return std::static_pointer_cast<KafkaConnector>(*made);
}

connectors::PublishResult ClusterTest::Publish(KafkaConnector& connector,
                                               connectors::OutMessage message,
                                               std::chrono::milliseconds patience,
                                               std::size_t worker) {
  net::Worker& on = workers_->at(worker);
  return Await(on, PublishOn(connector, on, message, Clock::now() + patience));
}

StatusOr<SourcePtr> ClusterTest::Open(KafkaConnector& connector, connectors::SourceSpec spec,
                                      std::size_t worker) {
  net::Worker& on = workers_->at(worker);
  return Await(on, connector.OpenSource(std::move(spec), on));
}

StatusOr<std::vector<Got>> ClusterTest::Read(connectors::Source& source, std::size_t count,
                                             bool ack) {
  return Await(worker(), ReadOn(source, count, ack));
}

void ClusterTest::Close(SourcePtr source) {
  Await(worker(), source->Close());
  Await(worker(), source->Close());  // twice is harmless
}

void ClusterTest::Fill(const std::string& topic, int count, int partition, int first) {
  for (int i = first; i < first + count; ++i) {
    ASSERT_TRUE(IsOk(cluster_->Produce(topic, "k", "m" + std::to_string(i), partition)));
  }
}

}  // namespace tidegate::kafka
