// The messages of one http-get answer on their way from a reader to the socket: at most `limit` of
// them, at most kPageQueueBytes unsent.
//
// Thread: the connection's worker. Owner: the serving coroutine. Fails: ends with an EndReason.
#pragma once

#include <deque>
#include <memory>

#include "server/flow/event.h"
#include "server/flow/stream_registry.h"
#include "server/flow/subscriber.h"

namespace tidegate::entrypoints {

class Page final : public flow::Subscriber, public flow::StreamControl {
 public:
  Page(std::shared_ptr<const flow::Encoder> encoder, std::uint32_t limit,
       std::optional<std::chrono::milliseconds> coalesce, net::Worker& worker)
      : encoder_(std::move(encoder)), limit_(limit), coalesce_(coalesce), changed_(worker) {}

  // Frames to be written now, oldest first; they leave the queue when Written is called.
  std::deque<flow::FramePtr>& queue() { return queue_; }
  void Written(std::size_t count, flow::Attachment& seat);
  bool full() const { return written_ >= limit_; }
  bool ended() const { return ended_; }
  flow::EndReason reason() const { return reason_; }
  const Status& status() const { return status_; }
  // False: the deadline came.
  Task<bool> WaitUntil(TimePoint deadline);

  // Subscriber
  const std::shared_ptr<const flow::Encoder>& encoder() const override { return encoder_; }
  std::size_t Demand() const override;
  bool Push(flow::FramePtr frame) override;
  void Flush() override { changed_.Set(); }
  void OnGap(std::uint64_t) override {}
  std::optional<std::chrono::milliseconds> coalesce() const override { return coalesce_; }
  void OnEnd(flow::EndReason reason, const Status& status) override { Stop(reason, status); }

  // StreamControl
  void Stop(flow::EndReason reason, const Status& status) override;
  std::uint64_t messages() const override { return written_; }
  std::uint64_t bytes() const override { return bytes_; }
  flow::Backlog backlog() const override;

 private:
  const std::shared_ptr<const flow::Encoder> encoder_;
  const std::uint32_t limit_;
  const std::optional<std::chrono::milliseconds> coalesce_;
  flow::Event changed_;
  std::deque<flow::FramePtr> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint32_t taken_ = 0;    // pushed so far
  std::uint32_t written_ = 0;
  std::uint64_t bytes_ = 0;
  bool ended_ = false;
  flow::EndReason reason_ = flow::EndReason::kCompleted;
  Status status_;
};

}  // namespace tidegate::entrypoints
