// What is promised (QoS), who receives it (Share), and what a connector can do (Capabilities).
// Compared at deploy time; a mismatch is refused with a text that names both sides (DESIGN §5).
#pragma once

#include <cstdint>
#include <string_view>

namespace tidegate::connectors {

enum class Qos : std::uint8_t { kNone, kAuto, kAtMostOnce, kAtLeastOnce };
std::string_view NameOf(Qos qos);  // "none", "auto", "at-most-once", "at-least-once"

enum class Share : std::uint8_t { kEach, kGroup, kPrivate };
std::string_view NameOf(Share share);

// A set of Qos levels.
class QosSet {
 public:
  constexpr QosSet() = default;
  template <typename... Levels>
  static constexpr QosSet Of(Levels... levels) {
    QosSet set;
    ((set.bits_ |= 1U << static_cast<unsigned>(levels)), ...);
    return set;
  }
  constexpr bool Has(Qos qos) const { return (bits_ >> static_cast<unsigned>(qos)) & 1U; }

 private:
  std::uint8_t bits_ = 0;
};

struct Capabilities {
  bool publish = false;    // the connector can, and the endpoint's producer block is on
  bool subscribe = false;  // the same for consumer
  QosSet levels;
  bool auto_ack = false;    // AUTO_ACK: acknowledges by itself
  bool manual_ack = false;  // MANUAL_ACK: waits for the consumer's acknowledgement
  bool recover = false;     // RECOVER: can restart after a given id
  bool private_only = false;  // one generator per consumer (mock): share is always kPrivate
  bool ordered = true;        // per partition
  // Group, at-least-once: deliveries of one source that may be unsettled at once. Beyond it the
  // source waits for acks, and the broker keeps the rest for other members.
  std::uint32_t window = 256;
  std::uint64_t message_bytes_max = 1'000'000;  // with headers; larger is 413 before sending
};

}  // namespace tidegate::connectors
