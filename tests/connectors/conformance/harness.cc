#include "tests/connectors/conformance/harness.h"

#include <cstdlib>

#include "server/base/check.h"
#include "server/base/codec.h"
#include "tests/support/patience.h"

namespace tidegate::connectors::conformance {
namespace {

constexpr auto kTakeLimit = kPatience;

Got Copy(const Message& message) {
  Got got;
  got.content = std::string(message.content);
  got.has_content = message.has_content;
  got.topic = std::string(message.topic);
  got.partition = message.partition;
  got.offset = message.offset;
  got.redelivered = message.redelivered;
  for (const HeaderField& field : message.headers) {
    got.headers.emplace_back(std::string(field.name), std::string(field.value));
  }
  return got;
}

Task<StatusOr<std::vector<Got>>> TakeOn(Source& source, std::size_t count, std::uint32_t demand,
                                        bool ack) {
  std::vector<Got> all;
  MessageBatch batch;
  batch.Reserve(demand);
  while (all.size() < count) {
    batch.Clear();
    const auto left = static_cast<std::uint32_t>(count - all.size());
    const std::uint32_t asked = std::min(demand, left);
    auto taken = co_await source.Next(batch, asked);
    if (!taken.ok()) {
      co_return Status(taken.status().code(), "after " + std::to_string(all.size()) + " of " +
                                                  std::to_string(count) + ": " +
                                                  MessageOf(taken.status()));
    }
    TG_CHECK(*taken == batch.size());
    TG_CHECK(batch.size() <= asked);  // never more than was asked for
    std::size_t bytes = 0;
    for (Message& message : batch) {
      bytes += message.content.size();
      all.push_back(Copy(message));
      if (ack) message.ack.Done();
    }
    TG_CHECK(batch.size() == 1 || bytes <= kBatchBytesMax);
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

void OnWorker(net::Worker& worker, const std::function<void()>& function) {
  std::promise<void> turn;
  worker.Post([&] {
    function();
    turn.set_value();
  });
  turn.get_future().get();
}

Contents ContentsOf(const std::vector<Got>& messages) {
  Contents contents;
  for (const Got& message : messages) contents.insert(message.content);
  return contents;
}

Contents Numbered(int first, int count) {
  Contents contents;
  for (int i = first; i < first + count; ++i) contents.insert("m" + std::to_string(i));
  return contents;
}

ConnectorPtr Harness::MakeRefused(net::WorkerPool& /*workers*/) {
  ADD_FAILURE() << "this harness makes no connector that is refused";
  return nullptr;
}

void Harness::Cut() {
  ASSERT_NE(proxy(), nullptr);
  proxy()->Refuse(true);
  proxy()->Cut(faults::How::kReset);
}

void Harness::Restore() {
  ASSERT_NE(proxy(), nullptr);
  proxy()->Heal();
}

void ProxiedHarness::StartProxy(const char* variable, const std::string& script) {
  const char* address = std::getenv(variable);
  ASSERT_NE(address, nullptr) << variable << " is not set: start a broker with " << script
                              << ", or run tests/run.sh";
  const std::string text = address;
  const std::size_t colon = text.rfind(':');
  ASSERT_NE(colon, std::string::npos) << variable << " is HOST:PORT";
  const auto port = static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1)));
  proxy_ = faults::FaultProxy::Start(text.substr(0, colon), port);
  ASSERT_NE(proxy_, nullptr);
}

Pump::Pump(SourcePtr source, net::Worker& worker)
    : worker_(worker), state_(std::make_shared<State>()) {
  state_->source = std::move(source);
  asio::co_spawn(worker.executor(), Run(state_), asio::detached);
}

Task<void> Pump::Run(std::shared_ptr<State> state) {
  MessageBatch batch;
  bool ok = true;
  while (ok) {
    batch.Clear();
    const auto taken = co_await state->source->Next(batch, 16);
    ok = taken.ok();
    for (Message& message : batch) {
      state->seen.insert(std::string(message.content));
      message.ack.Done();
    }
  }
  batch.Clear();
  state->ended.set_value();
}

Contents Pump::seen() {
  Contents copy;
  OnWorker(worker_, [&] { copy = state_->seen; });
  return copy;
}

bool Pump::WaitFor(const std::function<bool(const Contents&)>& done, std::chrono::seconds limit) {
  const TimePoint until = Clock::now() + limit;
  while (!done(seen())) {
    if (Clock::now() > until) return false;
    Await(worker_, worker_.wheel().Sleep(std::chrono::milliseconds(100)));
  }
  return true;
}

void Pump::Close() {
  if (state_ == nullptr) return;
  Await(worker_, state_->source->Close());
  state_->ended.get_future().get();
  OnWorker(worker_, [&] { state_->source.reset(); });
  state_.reset();
}

void ConformanceTest::SetUp() {
  harness_ = GetParam().make();
  harness_->Begin();
  ASSERT_FALSE(HasFatalFailure());
  workers_ = std::make_unique<net::WorkerPool>(2);
  workers_->Start();
  group_ = "tidegate.conformance." + RandomToken(6);
}

void ConformanceTest::Disconnect() {
  if (connector_) {
    Await(worker(), connector_->Drain(Clock::now() + std::chrono::seconds(10), worker()));
  }
  connector_.reset();
  // Twice round: what the first turn posts runs in the second.
  for (std::size_t i = 0; i < 2 * workers_->size(); ++i) {
    net::Worker& on = worker(i % workers_->size());
    OnWorker(on, [&] { on.DropLocals(); });
  }
}

void ConformanceTest::TearDown() {
  if (!workers_) return;
  const std::uint64_t bugs = BugCount();
  Disconnect();
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
  // Without positions a promise to each cannot be kept, and flow asks for none.
  spec.qos = recover() ? Qos::kAtLeastOnce : Qos::kNone;
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

StatusOr<SourcePtr> ConformanceTest::OpenFilled(SourceSpec spec, int count, std::size_t on) {
  if (recover()) Fill(count);
  StatusOr<SourcePtr> source = Open(std::move(spec), on);
  if (!recover() && source.ok()) Fill(count);
  return source;
}

StatusOr<std::vector<Got>> ConformanceTest::Take(Source& source, std::size_t count,
                                                 std::uint32_t demand, bool ack) {
  using Result = StatusOr<std::vector<Got>>;
  std::promise<Result> promise;
  asio::co_spawn(worker().executor(), TakeOn(source, count, demand, ack),
                 [&promise](std::exception_ptr, Result result) {
                   promise.set_value(std::move(result));
                 });
  std::future<Result> result = promise.get_future();
  if (result.wait_for(kTakeLimit) != std::future_status::ready) {
    Await(worker(), source.Close());  // ends Next, which says how far it had come
  }
  return result.get();
}

void ConformanceTest::Close(SourcePtr& source, std::size_t on) {
  Await(worker(on), source->Close());
  OnWorker(worker(on), [&] { source.reset(); });  // it dies on its own worker
}

PublishResult ConformanceTest::Publish(const OutMessage& message, std::size_t on,
                                       std::chrono::milliseconds patience) {
  return Await(worker(on),
               PublishOn(*connector_, worker(on), message, Clock::now() + patience));
}

PublishResult ConformanceTest::Publish(const std::string& content,
                                       std::chrono::milliseconds patience) {
  OutMessage message;
  message.content = content;
  return Publish(message, 0, patience);
}

void ConformanceTest::Fill(int count, int first) {
  if (!harness_->loops()) return;
  for (int i = first; i < first + count; ++i) {
    const PublishResult result = Publish("m" + std::to_string(i));
    ASSERT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
  }
}

std::int64_t ConformanceTest::Total(const Position& position) const {
  std::int64_t total = 0;
  for (const Position::Entry& entry : position.entries()) total += entry.offset + 1;
  return total;
}

}  // namespace tidegate::connectors::conformance
