#include "connectors/mock/source.h"

#include <algorithm>
#include <tuple>

#include "server/base/codec.h"

namespace tidegate::mock {
namespace {

constexpr auto kBacklogMax = std::chrono::seconds(1);

}  // namespace

MockSource::MockSource(std::shared_ptr<const MockConfig> config, std::int64_t next,
                       net::Worker& worker)
    : config_(std::move(config)), next_(next), timer_(worker.executor()) {
  origin_.Set("", 0, next - 1);
}

std::chrono::nanoseconds MockSource::Pause() const {
  const std::int64_t jitter = config_->jitter.count();
  if (jitter == 0) return config_->interval;
  const auto spread = static_cast<std::uint64_t>(jitter) * 2 + 1;
  const auto offset = static_cast<std::int64_t>(RandomUint64() % spread) - jitter;
  return std::max(config_->interval + std::chrono::nanoseconds(offset),
                  std::chrono::nanoseconds(0));
}

void MockSource::Make(connectors::MessageBatch& batch) {
  connectors::Message& message = batch.Add();
  message.content = config_->content;
  for (const connectors::NamedText& header : config_->headers) {
    connectors::HeaderField field;
    field.name = header.name;
    field.value = header.value;
    message.headers.push_back(field);
  }
  message.partition = 0;
  message.offset = next_++;
  message.metadata = config_->metadata;
  ++made_;
}

Task<StatusOr<std::size_t>> MockSource::Next(connectors::MessageBatch& batch, std::uint32_t max) {
  if (closed_) co_return Cancelled("mock read: the source is closed");
  if (config_->count && next_ >= *config_->count) {
    co_return WithReason(OutOfRange("mock read: messageCount was reached"), "SOURCE_COMPLETED");
  }
  if (config_->fail_after && made_ >= *config_->fail_after) {
    co_return MakeError(config_->fail_with, "mock read: failAfter was reached");
  }
  if (!started_) {
    started_ = true;
    due_ = Clock::now() + Pause();
  }
  timer_.expires_at(due_);
  const auto [ec] = co_await timer_.async_wait(kTuple);
  if (ec || closed_) co_return Cancelled("mock read: the source was closed");
  const TimePoint now = Clock::now();
  due_ = std::max(due_, now - kBacklogMax);
  while (due_ <= now && batch.size() < max) {
    if (config_->count && next_ >= *config_->count) break;
    if (config_->fail_after && made_ >= *config_->fail_after) break;
    Make(batch);
    due_ += std::max(Pause(), std::chrono::nanoseconds(1000));
  }
  co_return batch.size();
}

Task<void> MockSource::Close() {
  closed_ = true;
  timer_.cancel();
  co_return;
}

}  // namespace tidegate::mock
