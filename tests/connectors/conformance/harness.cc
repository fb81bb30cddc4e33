#include "tests/connectors/conformance/harness.h"

#include "server/base/check.h"
#include "server/base/codec.h"

namespace tidegate::connectors::conformance {
namespace {

Task<StatusOr<std::vector<Got>>> TakeOn(Source& source, std::size_t count, std::uint32_t demand,
                                        bool ack) {
  std::vector<Got> all;
  MessageBatch batch;
  batch.Reserve(demand);
  while (all.size() < count) {
    batch.Clear();
    const auto left = static_cast<std::uint32_t>(count - all.size());
    auto taken = co_await source.Next(batch, std::min(demand, left));
    if (!taken.ok()) co_return taken.status();
    TG_CHECK(*taken == batch.size());
    TG_CHECK(batch.size() <= demand);  // never more than was asked for
    for (Message& message : batch) {
      Got got;
      got.content = std::string(message.content);
      got.has_content = message.has_content;
      got.topic = std::string(message.topic);
      got.partition = message.partition;
      got.offset = message.offset;
      for (const HeaderField& field : message.headers) {
        got.headers.emplace_back(std::string(field.name), std::string(field.value));
      }
      all.push_back(std::move(got));
      if (ack) message.ack.Done();
    }
  }
  co_return all;
}

Task<PublishResult> PublishOn(Connector& connector, net::Worker& worker, OutMessage message,
                              TimePoint deadline) {
  auto sink = connector.SinkFor(worker);
  if (!sink.ok()) co_return PublishResult(Outcome::kNo, sink.status());
  co_return co_await (*sink)->Publish(message, deadline);
}

}  // namespace

void Await(net::Worker& worker, Task<void> task) {
  std::promise<void> promise;
  asio::co_spawn(worker.executor(), std::move(task),
                 [&promise](std::exception_ptr) { promise.set_value(); });
  promise.get_future().get();
}

void ConformanceTest::SetUp() {
  harness_ = GetParam().make();
  harness_->Begin();
  ASSERT_FALSE(HasFatalFailure());
  workers_ = std::make_unique<net::WorkerPool>(2);
  workers_->Start();
  group_ = "tidegate.conformance." + RandomToken(6);
}

void ConformanceTest::TearDown() {
  if (!workers_) return;
  const std::uint64_t bugs = BugCount();
  if (connector_) {
    Await(worker(), connector_->Drain(Clock::now() + std::chrono::seconds(10), worker()));
  }
  connector_.reset();
  // Twice round: what the first turn posts runs in the second.
  for (std::size_t i = 0; i < 2 * workers_->size(); ++i) {
    net::Worker& on = worker(i % workers_->size());
    std::promise<void> turn;
    on.Post([&] {
      on.DropLocals();
      turn.set_value();
    });
    turn.get_future().get();
  }
  EXPECT_TRUE(harness_->Settle());
  workers_->Stop();
  workers_.reset();
  EXPECT_EQ(bugs, 0u);
}

void ConformanceTest::Connect(From from, std::int64_t count) {
  connector_ = harness_->Make(*workers_, from, count);
  ASSERT_NE(connector_, nullptr);
}

SourceSpec ConformanceTest::Spec() const {
  SourceSpec spec;
  spec.share = share();
  spec.qos = Qos::kAtLeastOnce;
  return spec;
}

SourceSpec ConformanceTest::After(const Position& position) const {
  SourceSpec spec = Spec();
  spec.start = Start::kPosition;
  spec.position = position;
  return spec;
}

SourceSpec ConformanceTest::Member(Qos qos) const {
  SourceSpec spec;
  spec.share = Share::kGroup;
  spec.qos = qos;
  spec.start = Start::kCommitted;
  spec.group = group_;
  return spec;
}

StatusOr<SourcePtr> ConformanceTest::Open(SourceSpec spec, std::size_t on) {
  return Await(worker(on), connector_->OpenSource(std::move(spec), worker(on)));
}

StatusOr<std::vector<Got>> ConformanceTest::Take(Source& source, std::size_t count,
                                                 std::uint32_t demand, bool ack) {
  return Await(worker(), TakeOn(source, count, demand, ack));
}

void ConformanceTest::Close(SourcePtr& source, std::size_t on) {
  Await(worker(on), source->Close());
  // The source dies on its own worker.
  std::promise<void> turn;
  worker(on).Post([&] {
    source.reset();
    turn.set_value();
  });
  turn.get_future().get();
}

PublishResult ConformanceTest::Publish(const OutMessage& message, std::size_t on,
                                       std::chrono::milliseconds patience) {
  return Await(worker(on),
               PublishOn(*connector_, worker(on), message, Clock::now() + patience));
}

void ConformanceTest::Fill(int count, int first) {
  if (!harness_->loops()) return;
  for (int i = first; i < first + count; ++i) {
    const std::string content = "m" + std::to_string(i);
    OutMessage message;
    message.content = content;
    const PublishResult result = Publish(message);
    ASSERT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
  }
}

std::int64_t ConformanceTest::Total(const Position& position) const {
  std::int64_t total = 0;
  for (const Position::Entry& entry : position.entries()) total += entry.offset + 1;
  return total;
}

}  // namespace tidegate::connectors::conformance
