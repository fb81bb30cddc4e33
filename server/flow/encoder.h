// How an entrypoint writes a message: settings and framing, nothing of the consumer.
//
// Two encoders with equal key() write equal bytes, so their subscribers share frames. Immutable.
// Thread: any. Owner: shared_ptr held by entrypoint, subscribers and readers.
#pragma once

#include <string>
#include <string_view>

#include "connectors/api/message.h"

namespace tidegate::flow {

class Encoder {
 public:
  virtual ~Encoder() = default;
  // Identifies kind, settings and framing; not empty.
  virtual std::string_view key() const = 0;
  // Whether Encode looks at message.headers (a reader that nobody asks does not decode them).
  virtual bool wants_headers() const = 0;
  // Whether Encode writes `id` (ids are not built when nobody wants them).
  virtual bool wants_id() const = 0;
  // Appends the whole frame, transfer framing included. `id` is empty under QoS none and auto.
  virtual void Encode(const connectors::Message& message, std::string_view id,
                      std::string& out) const = 0;
  // Whether `frame`, which Encode has written, ends the stream of whoever gets it: the message
  // cannot be told in the form that was asked for, and the frame says so.
  virtual bool Ends(std::string_view frame) const {
    (void)frame;
    return false;
  }
};

}  // namespace tidegate::flow
