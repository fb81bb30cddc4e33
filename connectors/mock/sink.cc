#include "connectors/mock/sink.h"

#include "connectors/api/qos.h"

namespace tidegate::mock {

Task<connectors::PublishResult> MockSink::Publish(const connectors::OutMessage& message,
                                                  TimePoint /*deadline*/) {
  std::size_t size = message.content.size();
  for (const connectors::HeaderField& header : message.headers) {
    size += header.name.size() + header.value.size();
  }
  if (size > connectors::Capabilities().message_bytes_max) {
    co_return connectors::PublishResult(
        connectors::Outcome::kNo,
        MakeError(ErrorClass::kMessageRejected, "mock publish: the message is too large"));
  }
  std::lock_guard lock(mutex_);
  if (config_.fail_after && count_ >= static_cast<std::uint64_t>(*config_.fail_after)) {
    // Nothing was kept: a certain no, but for the classes that only a broker could leave open.
    const bool open = config_.fail_with == ErrorClass::kTimeout ||
                      config_.fail_with == ErrorClass::kConnectionClosed;
    co_return connectors::PublishResult(
        open ? connectors::Outcome::kUnknown : connectors::Outcome::kNo,
        MakeError(config_.fail_with, "mock publish: failAfter was reached"));
  }
  ++count_;
  PublishedMessage kept;
  kept.content = std::string(message.content);
  kept.key = std::string(message.key.value_or(std::string_view()));
  for (const connectors::HeaderField& header : message.headers) {
    connectors::NamedText text;
    text.name = std::string(header.name);
    text.value = std::string(header.value);
    kept.headers.push_back(std::move(text));
  }
  bytes_ += kept.content.size();
  last_.push_back(std::move(kept));
  while (last_.size() > kPublishedKept || (bytes_ > kPublishedBytesKept && last_.size() > 1)) {
    bytes_ -= last_.front().content.size();
    last_.pop_front();
  }
  co_return connectors::PublishResult();
}

std::uint64_t MockSink::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

std::vector<PublishedMessage> MockSink::Last() const {
  std::lock_guard lock(mutex_);
  return {last_.begin(), last_.end()};
}

}  // namespace tidegate::mock
