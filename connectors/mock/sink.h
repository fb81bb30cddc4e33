// Takes what is published and keeps the last ones, so that a person or a test can look.
// Thread: Publish on any worker. Owner: the connector.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/api/sink.h"
#include "connectors/mock/mock_config.h"

namespace tidegate::mock {

inline constexpr std::size_t kPublishedKept = 100;             // messages
inline constexpr std::size_t kPublishedBytesKept = 256 * 1024;  // content, over all

struct PublishedMessage {
  std::string content;
  std::string key;
  std::vector<connectors::NamedText> headers;
};

class MockSink : public connectors::Sink {
 public:
  explicit MockSink(const MockConfig& config) : config_(config) {}
  Task<connectors::PublishResult> Publish(const connectors::OutMessage& message,
                                          TimePoint deadline) override;

  std::uint64_t count() const;
  std::vector<PublishedMessage> Last() const;

 private:
  const MockConfig& config_;
  mutable std::mutex mutex_;  // several workers publish; the section is a copy of one message
  std::uint64_t count_ = 0;
  std::size_t bytes_ = 0;
  std::deque<PublishedMessage> last_;
};

}  // namespace tidegate::mock
