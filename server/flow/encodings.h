// The distinct ways in which a reader's subscribers want a message written. A message is encoded
// once for each of them, not once for each subscriber.
//
// Two subscribers share an encoding when their encoders have equal keys and both get ids, or both
// do not. Numbers are never used again, so a cached frame cannot be taken for another encoding's.
// Thread: the reader's home worker. Owner: the reader. Fails: never.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/api/qos.h"
#include "server/flow/encoder.h"
#include "server/flow/frame.h"

namespace tidegate::flow {

inline bool GivesIds(connectors::Qos qos) {
  return qos == connectors::Qos::kAtMostOnce || qos == connectors::Qos::kAtLeastOnce;
}

inline FramePtr EncodeFrame(const Encoder& encoder, const connectors::Message& message,
                            std::string_view id, Place place, std::string& scratch) {
  scratch.clear();
  encoder.Encode(message, id, scratch);
  FramePtr frame = FramePtr::Make(scratch, place, message.timestamp_ms.value_or(0));
  if (encoder.Ends(scratch)) frame.MarkLast();
  return frame;
}

class Encodings {
 public:
  struct Encoding {
    std::uint32_t number = 0;
    bool with_id = false;
    std::uint32_t users = 0;
    std::uint32_t live = 0;  // users that follow the live reader: encoded for at once
    std::shared_ptr<const Encoder> encoder;
  };

  std::uint32_t Acquire(const std::shared_ptr<const Encoder>& encoder, connectors::Qos qos) {
    const bool with_id = encoder->wants_id() && GivesIds(qos);
    for (Encoding& known : all_) {
      if (known.with_id != with_id || known.encoder->key() != encoder->key()) continue;
      ++known.users;
      return known.number;
    }
    Encoding added;
    added.number = ++last_number_;
    added.with_id = with_id;
    added.users = 1;
    added.encoder = encoder;
    all_.push_back(std::move(added));
    return last_number_;
  }
  void Release(std::uint32_t number) {
    Encoding* encoding = Find(number);
    if (encoding == nullptr || --encoding->users > 0) return;
    std::erase_if(all_, [&](const Encoding& known) { return known.number == number; });
  }
  Encoding* Find(std::uint32_t number) {
    for (Encoding& known : all_) {
      if (known.number == number) return &known;
    }
    return nullptr;
  }
  std::vector<Encoding>& all() { return all_; }

 private:
  std::vector<Encoding> all_;
  std::uint32_t last_number_ = 0;
};

}  // namespace tidegate::flow
