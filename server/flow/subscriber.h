// The two sides of delivery: a Subscriber takes frames, an Attachment is its seat at a reader.
//
// Thread: everything here runs on the subscriber's own worker. Owner: the session owns both; the
// Attachment must be destroyed before the Subscriber (destroying it detaches, remembers the
// position where the QoS says so, and no call reaches the subscriber afterwards).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/api/connector.h"
#include "server/base/status.h"
#include "server/base/task.h"
#include "server/flow/encoder.h"
#include "server/flow/frame.h"
#include "server/net/worker.h"

namespace tidegate::flow {

enum class EndReason : std::uint8_t {
  kCompleted,       // the source is finished (mock count)
  kFailed,          // the source failed: the Status says how
  kSlow,            // no progress for kStreamStall
  kGoaway,          // drain, or the API changed or went: reconnect
  kPlanGone,        // subscription paused or closed, key revoked, plan closed: Status has the text
  kClientGone,      // the client closed
};

// What waits for one consumer, or for all of an API.
struct Backlog {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t paused = 0;  // consumers that take no more until they have read
};

class Subscriber {
 public:
  virtual ~Subscriber() = default;
  virtual const std::shared_ptr<const Encoder>& encoder() const = 0;

  // Frames this subscriber can take now. Group mode never pushes more than this.
  virtual std::size_t Demand() const = 0;
  // Queues one frame, writes nothing yet. False: full, the frame was not taken; the reader applies
  // the slow-consumer rule of the QoS (DESIGN §5).
  virtual bool Push(FramePtr frame) = 0;
  // The end of a batch: write what is queued, as much as the socket takes.
  virtual void Flush() = 0;
  // `count` messages were dropped for it (none, at-most-once): a gap event.
  virtual void OnGap(std::uint64_t count) = 0;
  // Drops the oldest queued frames until one of `bytes` fits, and returns how many went; 0 where
  // nothing can be dropped. Only under none and at-most-once, before OnGap.
  virtual std::size_t MakeRoom(std::size_t bytes) {
    (void)bytes;
    return 0;
  }
  // How long a live reader may hold frames back so that several go out in one write: 0 not at all,
  // nullopt adaptive (nothing below 200 msg/s, then 5 ms).
  virtual std::optional<std::chrono::milliseconds> coalesce() const {
    return std::chrono::milliseconds(0);
  }
  // Last call: no frame will follow. Called at most once, never from inside Attach or a destructor.
  // No callback may destroy the attachment it came through; post that.
  virtual void OnEnd(EndReason reason, const Status& status) = 0;
};

struct SubscribeSpec {
  SubscribeSpec() = default;
  connectors::Qos qos = connectors::Qos::kAuto;
  connectors::Share share = connectors::Share::kEach;
  std::string broker_name;            // see broker_name.h; of an each reader with ".each" behind it
  std::optional<connectors::Position> position;  // from Last-Event-ID or cursor, parsed
  std::vector<std::string> topics;    // overrides, validated
  std::string api;                    // short names for metrics
  std::string endpoint;
};

class Attachment {
 public:
  virtual ~Attachment() = default;
  // Where the subscriber stands: after every frame it reported written (or where it began). The
  // id text as the connector writes it; empty under none and auto.
  virtual std::string Id() const = 0;
  virtual const connectors::Position& position() const = 0;
  // The subscriber has room again after Push returned false or Demand was 0.
  virtual void OnRoom() = 0;
  // The socket has taken this frame completely: advances the position, acknowledges (group).
  virtual void OnWritten(const FramePtr& frame) = 0;
  // Nothing is waiting for it at the tail now: every message up to the log's end as known has been
  // pushed (http-get stops early only by its limits; used by tests and metrics).
  virtual bool caught_up() const = 0;
};
using AttachmentPtr = std::unique_ptr<Attachment>;

}  // namespace tidegate::flow
