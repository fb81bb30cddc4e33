// One subscription to a broker: pull with explicit demand.
//
// Thread: the worker it was opened on (its home). Owner: a reader of flow (unique_ptr); Close() is
// called before destruction and cancels a pending Next with Cancelled.
// Fails: a broken connection is repaired inside; Next fails only when the source is over:
// OutOfRange reason SOURCE_COMPLETED (mock count reached), or a class of server/base/error_class.h.
// After a failure the source is closed and thrown away.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/api/message.h"
#include "connectors/api/position.h"
#include "connectors/api/qos.h"
#include "server/base/status.h"
#include "server/base/task.h"

namespace tidegate::connectors {

// What one Next hands over at most, unless a single message is larger: 256 messages of the largest
// size would be gigabytes.
inline constexpr std::size_t kBatchBytesMax = 1024 * 1024;

// Where reading starts. Without RECOVER it is always from now on (each), or what brokers kept for
// the group.
enum class Start : std::uint8_t {
  kReset,     // the endpoint's reset rule: latest (high watermark now), earliest, or none = failure
  kLatest,    // the high watermark now, whatever the rule
  kPosition,  // after `position`; partitions it does not name follow the reset rule
  kCommitted, // group only: where the group stands at the broker, else the reset rule
};

struct SourceSpec {
  SourceSpec() = default;
  Share share = Share::kEach;
  Qos qos = Qos::kNone;
  Start start = Start::kReset;
  Position position;
  std::string group;                 // broker name (group mode): made in server/flow only
  std::vector<std::string> topics;   // instead of the configured ones, already validated
};

class Source {
 public:
  virtual ~Source() = default;

  // Waits for at least one message, adds up to `max` to `batch` (cleared by the caller) and returns
  // how many; at most kBatchBytesMax of content and headers, or one larger message. While nobody
  // calls Next nothing more is handed over, and what the source itself keeps ready stays within
  // Capabilities::window messages and a bound in bytes.
  //   kAtLeastOnce  every message has an `ack`; unsettled ones are delivered again, to whoever asks
  //   kAtMostOnce   the broker's acknowledgement has gone out before Next returns; `ack` is empty
  //   kAuto         `ack` may be empty; settling one is a hint that it was handed over
  //   kNone         no acks
  virtual Task<StatusOr<std::size_t>> Next(MessageBatch& batch, std::uint32_t max) = 0;

  // Each and private: where reading began (exclusive), every partition named. Valid once OpenSource
  // has returned; partitions found later (a topic grew) are added. Without RECOVER: always empty,
  // and messages have no offset.
  virtual const Position& origin() const = 0;

  // Each: where the broker's log ends now for every partition (exclusive, last existing offset);
  // nullopt where unknown. From cached facts, never waits.
  virtual std::optional<Position> HighWatermark() const { return std::nullopt; }

  // Each: everything up to here was handed over or does not exist (control records, compaction,
  // what an end-of-partition event told); nullopt where only messages tell. Never waits. Without
  // it a reader cannot know that it is at the end of a log whose last record is no message.
  virtual std::optional<Position> Reached() const { return std::nullopt; }

  // Commits what was acknowledged, leaves the group, frees the client. Never fails; has a deadline.
  virtual Task<void> Close() = 0;
};

using SourcePtr = std::unique_ptr<Source>;

}  // namespace tidegate::connectors
