// Every hard limit of the MQTT connector, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tidegate::mqtt5 {

using namespace std::chrono_literals;  // NOLINT: units make the table readable

// --- wire
inline constexpr std::size_t kHeadersMax = 256;                // of one message that is published
inline constexpr std::size_t kMessageBytesMax = 1'000'000;     // published, with headers; then 413
inline constexpr std::uint32_t kPacketBytesMax = 1'200'000;    // announced: what we take
inline constexpr std::size_t kReadBufferBytes = 32 * 1024;     // per connection, grows for a packet
inline constexpr std::size_t kReasonTextMax = 200;             // of a broker's own words, in errors
inline constexpr std::uint16_t kTopicAliasMax = 32;            // that a server may use towards us

// --- connections
inline constexpr auto kConnectTimeout = 5s;       // dialling, TLS, CONNACK, and SUBACK: each
inline constexpr std::uint16_t kKeepAliveSeconds = 30;  // asked for; a server may say otherwise
inline constexpr auto kPingTimeoutMin = 1s;       // PINGREQ to anything: half the keep alive,
inline constexpr auto kPingTimeoutMax = 10s;      // so that a dead peer is known within 1.5 of it
inline constexpr auto kCompanyWait = 200ms;       // for members that end at the same time
inline constexpr auto kFarewell = 3s;             // last acknowledgements, DISCONNECT, hanging up
inline constexpr int kRedirectsMax = 3;           // server references followed one after the other
inline constexpr auto kIdleLinger = 60s;          // a publisher's connection after its last message
inline constexpr auto kBackoffFirst = 1s;         // consumers: doubles, +-25 %
inline constexpr auto kBackoffMax = 30s;
inline constexpr auto kHealthyAfter = 60s;        // connected so long: attempts count from 0 again
inline constexpr auto kPublishBackoff = 500ms;    // publishes fail fast so long after a failure
inline constexpr auto kRefusedBackoff = 30s;      // after refused credentials: no lock-outs
inline constexpr auto kFailedFor = 10s;           // health is Failed so long without any connection

// --- consuming
inline constexpr std::uint16_t kReceiveMaximum = 64;           // unacknowledged messages
inline constexpr std::size_t kWindowMax = 4 * kReceiveMaximum;  // Mosquitto 2.0.11 sends more
inline constexpr std::size_t kUnsettledBytesMax = 16 << 20;  // then the socket is not read
inline constexpr std::size_t kQos0Messages = 1024;             // unread; then the oldest go
inline constexpr std::size_t kQos0Bytes = 4 * 1024 * 1024;
inline constexpr auto kQos0Patience = 1s;                      // the broker waits before we drop
inline constexpr std::size_t kTopicsInterned = 4096;           // per source, names seen
inline constexpr std::size_t kMetadataSets = 64;               // per source, before a sweep
inline constexpr std::size_t kIdsRemembered = 256;             // client ids whose end is known
inline constexpr std::size_t kSlotsMax = 64;                   // members of a group on one machine

// --- publishing
inline constexpr std::uint16_t kPublishWindow = 1024;          // unconfirmed, per connection
inline constexpr std::size_t kPublishesWaiting = 10'000;       // beyond the window; then 503
inline constexpr std::size_t kOutBytesMax = 8 * 1024 * 1024;   // not taken by the socket; then 503
inline constexpr std::size_t kOutSentMax = 64 * 1024;          // taken, and still in the buffer

}  // namespace tidegate::mqtt5
