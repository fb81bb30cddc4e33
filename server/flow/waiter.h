// A consumer of *each* that is not live: what its reader's home knows of it.
//
// Thread: the home worker. Owner: EachReader.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "connectors/api/position.h"
#include "connectors/api/qos.h"
#include "server/flow/each_fan.h"
#include "server/flow/encoder.h"
#include "server/flow/lanes.h"

namespace tidegate::flow {

class CatchUpReader;

// What a seat asks for when it comes.
struct AdmitRequest {
  AdmitRequest() = default;
  std::uint64_t id = 0;
  std::shared_ptr<EachFan> fan;
  std::shared_ptr<const Encoder> encoder;
  connectors::Qos qos = connectors::Qos::kNone;
  std::optional<connectors::Position> position;
  bool remembered = false;  // the position is not the client's own word
};

struct Waiter {
  enum class State : std::uint8_t {
    kQueued,   // needs a catch-up reader
    kCatchUp,  // has one: `reader`
    kRing,     // served from the ring at `next`
    kParked,   // was too slow for its catch-up reader; queues again when it is ready
  };

  std::uint64_t id = 0;
  std::shared_ptr<EachFan> fan;
  std::uint32_t encoding = 0;
  State state = State::kQueued;
  bool placed = false;      // its attach was answered
  bool busy = false;        // has a chunk it has not taken, or its attach has not returned
  bool remembered = false;
  bool reset = false;       // begins where the reset rule says; `at` is not known yet
  bool solo = false;        // shares no source: its position made a shared one fail
  Offsets at;               // what it was given
  std::uint64_t next = 0;   // kRing
  std::size_t ahead = 0;    // kRing, kCatchUp: lanes in which it has more than what it follows
  Offsets follows;          // kRing with ahead > 0: the live position at `next`
  std::vector<FramePtr> chunk;  // kCatchUp: being filled
  CatchUpReader* reader = nullptr;
  TimePoint queued_since;

  bool ready_to_share() const { return !reset && IsComplete(at); }
};

}  // namespace tidegate::flow
