// Makes up one message an interval, for one consumer, with ids from 0 (or after its position).
//
// The clock runs from the first demand; a consumer that paused gets at most one second of messages
// at once, the rest is not made up for. Thread: its worker. Owner: a private reader.
#pragma once

#include "connectors/api/source.h"
#include "connectors/mock/mock_config.h"
#include "server/net/worker.h"

namespace tidegate::mock {

class MockSource : public connectors::Source {
 public:
  // `next`: the id of the first message. `config` outlives the source (the connector holds both).
  MockSource(std::shared_ptr<const MockConfig> config, std::int64_t next, net::Worker& worker);

  Task<StatusOr<std::size_t>> Next(connectors::MessageBatch& batch, std::uint32_t max) override;
  const connectors::Position& origin() const override { return origin_; }
  Task<void> Close() override;

 private:
  void Make(connectors::MessageBatch& batch);
  std::chrono::nanoseconds Pause() const;

  std::shared_ptr<const MockConfig> config_;
  connectors::Position origin_;
  std::int64_t next_;
  std::int64_t made_ = 0;
  Timer timer_;
  TimePoint due_;
  bool started_ = false;
  bool closed_ = false;
};

}  // namespace tidegate::mock
