// Every limit of the Solace connector, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tidegate::solace {

using namespace std::chrono_literals;  // NOLINT: units make the table readable

// --- the broker's own grammar
inline constexpr std::size_t kTopicBytesMax = 250;
inline constexpr std::size_t kTopicLevelsMax = 128;
inline constexpr std::size_t kEndpointNameBytesMax = 200;  // of queues and topic endpoints
inline constexpr std::size_t kVpnNameBytesMax = 32;

// --- the wire
inline constexpr std::uint32_t kFrameBytes = 64 * 1024;  // larger gain nothing, and cost a buffer
// Unread by us: what a stalled reader holds, all its topics together, and at least for each.
inline constexpr std::size_t kSessionBytes = 2 * 1024 * 1024;
inline constexpr std::size_t kSessionBytesMin = 2 * kFrameBytes;
inline constexpr auto kIdleTimeout = 30s;        // a broker that says nothing for so long is gone
inline constexpr auto kConnectTimeout = 5s;      // dial, TLS, SASL and open together
inline constexpr auto kOpenTimeout = 9s;         // of a source with its links; flow waits 10 s
inline constexpr auto kCloseTimeout = 2s;        // for the broker's answer to our close
inline constexpr auto kTestTimeout = 9s;         // of a connectivity test

// --- reconnection (connectors.md §6.7; the longest pause is what a restarted broker costs us)
inline constexpr auto kBackoffMin = 500ms;
inline constexpr auto kBackoffMax = 8s;
inline constexpr auto kLockOutPause = 30s;       // refused credentials: others may be locked out
inline constexpr auto kHealthyAfter = 60s;       // then attempts count from nothing again
inline constexpr auto kPublishRetryPause = 500ms;  // between attempts that publishers ask for

// --- consuming
inline constexpr std::uint32_t kWindow = 256;    // unsettled deliveries of one source
inline constexpr std::size_t kIncomingBytesMax = 32 * 1024 * 1024;  // one message; then rejected
inline constexpr std::size_t kBodyDepthMax = 32;      // of a structured body
inline constexpr std::size_t kHeadersMax = 1000;      // of one message; the rest is left out

// --- publishing, per worker
inline constexpr std::uint64_t kMessageBytesMax = 10'000'000;  // what brokers take by default
inline constexpr std::uint32_t kPublishesInFlightMax = 4096;
inline constexpr std::size_t kBytesInFlightMax = 32 * 1024 * 1024;
inline constexpr std::size_t kSendersMax = 64;   // links; destinations of requests come and go

}  // namespace tidegate::solace
