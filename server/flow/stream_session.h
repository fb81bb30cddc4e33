// The write side of one streaming consumer (SSE, WebSocket): a bounded queue of shared frames,
// flushed with one gather write per batch; heartbeat, stall and slow handling. No coroutine and no
// allocation per message.
//
// Thread: the connection's worker. Owner: the entrypoint's serving coroutine (on its frame).
// Fails: ends with an EndReason; the entrypoint writes its own last frame (goaway, close, error).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "server/base/limits.h"
#include "server/flow/subscriber.h"
#include "server/http/handler.h"
#include "server/telemetry/metrics.h"

namespace tidegate::flow {

struct StreamOptions {
  StreamOptions() = default;
  std::shared_ptr<const Encoder> encoder;
  FramePtr heartbeat;                         // sent after `heartbeat_interval` without a write
  std::chrono::milliseconds heartbeat_interval{0};  // 0: none
  // Frames wait at most this long for company; 0: never; none: adaptive, which is no wait below
  // 200 msg/s of the reader and 5 ms above.
  std::optional<std::chrono::milliseconds> coalesce;
  FramePtr gap;                               // sent where messages were dropped; may be empty
  std::size_t queue_bytes = kStreamQueueBytes;  // what may wait; one frame always fits
  telemetry::Counter* dropped = nullptr;      // counts what the slow consumer lost
};

class StreamSession : public Subscriber {
 public:
  StreamSession(net::ByteStream& stream, net::Worker& worker, StreamOptions options);
  ~StreamSession() override;

  // Call after ReaderHub::Attach and after the head was sent: frames that arrive earlier wait, so
  // that Attach may fail with a status of its own. The session calls attachment.OnWritten/OnRoom.
  // Call with nullptr before the attachment is destroyed, or destroy the session's stream first.
  void SetAttachment(Attachment* attachment);

  // Queues a frame of the entrypoint's own (pong, comment) and flushes; after the head was sent.
  // False: queue full.
  bool SendOwn(FramePtr frame);

  // Completes when the stream is over: OnEnd was called, Stop() was called, or a write failed.
  // At most once. Then reason() and status() say how.
  Task<void> Wait();
  EndReason reason() const;
  // Ends Wait() with this reason (client gone, plan gone, goaway). Worker thread.
  void Stop(EndReason reason, Status status);
  const Status& status() const;

  // Writes what is still queued plus `last`, waiting at most `limit`. After Wait().
  Task<void> Finish(std::string last, std::chrono::milliseconds limit);

  // A frame that ends the stream (Encoder::Ends) went out: the entrypoint adds nothing. Wait() ends
  // with kFailed then.
  bool last_written() const;

  std::uint64_t frames_written() const;
  std::uint64_t bytes_written() const;
  Backlog backlog() const;

  const std::shared_ptr<const Encoder>& encoder() const override;
  std::size_t Demand() const override;
  bool Push(FramePtr frame) override;
  void Flush() override;
  void OnGap(std::uint64_t count) override;
  std::size_t MakeRoom(std::size_t bytes) override;
  std::optional<std::chrono::milliseconds> coalesce() const override;
  void OnEnd(EndReason reason, const Status& status) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidegate::flow
