// Every hard limit of the RabbitMQ connector, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tidegate::rabbitmq {

using namespace std::chrono_literals;  // NOLINT: units make the table readable

// --- wire
inline constexpr std::size_t kNameBytesMax = 255;          // a short string of AMQP
inline constexpr std::uint32_t kFrameBytes = 128 * 1024;   // what we ask for; RabbitMQ's default
inline constexpr std::uint32_t kFrameBytesMin = 4096;      // AMQP 0-9-1: nobody may offer less
inline constexpr int kTableDepthMax = 8;                   // nesting of header tables read
inline constexpr std::size_t kMessageBytesMax = 16 * 1024 * 1024;  // content and headers
inline constexpr std::size_t kReplyTextMax = 255;          // of the broker's words in errors

// --- connections
inline constexpr std::size_t kReadBytes = 32 * 1024;             // one read of the socket
inline constexpr std::size_t kUnsentBytesMax = 64 * 1024 * 1024;  // then Overloaded
inline constexpr std::size_t kOutKeptBytes = 256 * 1024;         // capacity kept when all is sent
inline constexpr auto kRequestDeadline = 5s;   // a declaration; the broker answers in ms
inline constexpr auto kCloseDeadline = 2s;     // for the broker's close-ok
inline constexpr auto kBackoffFirst = 200ms;   // doubled each time, ±25 %
inline constexpr auto kBackoffMax = 5s;        // a broker that is back is found soon
inline constexpr auto kHealthyAfter = 10s;     // connected so long: pauses begin at the first again
inline constexpr auto kBriefLife = 1s;         // of a publisher's connection; sooner over: a pause
inline constexpr auto kLockOutPause = 30s;     // refused credentials: others may be locked out

// --- publishing
inline constexpr std::uint32_t kPublishesInFlightMax = 16384;  // per worker: 16 MiB of 1 KiB
// What a broker never confirms (a quorum queue without its majority) is in the way of the rest:
// then a new connection is made.
inline constexpr std::uint32_t kAbandonedMax = 1024;         // publishes that nobody waits for
inline constexpr std::size_t kConfirmSpanMax = 256 * 1024;   // from the oldest on: 26 MB
inline constexpr auto kBlockedPatience = 1s;   // publishes caught by an alarm: then unknown
inline constexpr std::size_t kDestinationsMax = 16;            // of one message

// --- reading
inline constexpr std::size_t kQueuesRemembered = 4096;   // whose bindings we know: 1 MiB
inline constexpr std::size_t kReadAheadBytesMax = 8 * 1024 * 1024;  // then the socket is not read
// At-most-once asks the broker after each batch, and the answer comes behind all that is under way.
inline constexpr std::uint16_t kAtMostOnceAheadMax = 32;

}  // namespace tidegate::rabbitmq
