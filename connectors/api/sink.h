// The publishing side of an endpoint on one worker.
//
// Thread: the worker it was made for. Owner: the Connector (lives as long as it does).
#pragma once

#include <cstdint>

#include "connectors/api/message.h"
#include "server/base/status.h"
#include "server/base/task.h"

namespace tidegate::connectors {

enum class Outcome : std::uint8_t {
  kOk,       // the broker has it
  kNo,       // the broker certainly has not: safe to retry
  kUnknown,  // may or may not
};

struct PublishResult {
  PublishResult() = default;
  PublishResult(Outcome result, Status why) : outcome(result), status(std::move(why)) {}
  Outcome outcome = Outcome::kOk;
  Status status;  // OK exactly when outcome is kOk; its ErrorClass decides what the client is told
};

class Sink {
 public:
  virtual ~Sink() = default;
  // Completes when the outcome is known, at the latest at `deadline` (then kUnknown, Timeout, or
  // kNo when nothing was handed to the broker). Every configured topic gets the message; any
  // failure among them is the result. The views in `message` live until completion.
  virtual Task<PublishResult> Publish(const OutMessage& message, TimePoint deadline) = 0;
};

}  // namespace tidegate::connectors
