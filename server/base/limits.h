// Every hard limit of the process, each with its reason. Defaults that a bootstrap file may change
// stand in proto/tidegate/config/v1/gateway.proto and are repeated here only where code needs them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tidegate {

using namespace std::chrono_literals;  // NOLINT: units make the table readable

// --- logging
inline constexpr std::uint32_t kLogLinesPerSecond = 20;  // per event: outages must not fill disks
inline constexpr std::size_t kLogEventsTracked = 1024;   // events are literals; this is a backstop

// --- workers
inline constexpr std::size_t kWorkersMax = 64;           // metric slots are allocated per worker
inline constexpr auto kWheelTick = 100ms;                // one coarse wheel, see net/timer_wheel.h

// --- HTTP (reliability.md §5)
inline constexpr std::size_t kRequestLineBytesMax = 8 * 1024;    // 414
inline constexpr std::size_t kHeadBytesMax = 16 * 1024;          // 431
inline constexpr std::size_t kHeaderFieldsMax = 100;             // 431
inline constexpr std::size_t kHeaderFieldBytesMax = 8 * 1024;    // 431
inline constexpr std::size_t kBodyBytesMax = 1024 * 1024;        // 413: brokers take about as much
inline constexpr auto kHeadTimeout = 10s;                        // 408, not extended by progress
inline constexpr auto kKeepAliveIdle = 60s;
inline constexpr auto kRequestTimeout = 30s;                     // 504
inline constexpr std::uint32_t kKeepAliveRequestsMax = 1'000'000;  // measured work is not cut short

// --- messages
inline constexpr std::size_t kPositionBytesMax = 4 * 1024;    // an id must fit a header field
inline constexpr std::size_t kRingBytes = 4 * 1024 * 1024;    // recent messages of a live reader
inline constexpr std::size_t kCatchUpReadersMax = 8;          // per endpoint
inline constexpr std::size_t kStreamQueueBytes = 256 * 1024;  // per consumer
inline constexpr std::size_t kStreamQueueFrames = 1000;       // per consumer
inline constexpr auto kStreamStall = 30s;                     // no progress: closed
inline constexpr std::size_t kLiveReadersPerEndpointMax = 64;  // each a client: topic overrides
inline constexpr std::size_t kGroupsPerEndpointMax = 64;
inline constexpr std::size_t kGroupsPerProcessMax = 256;
inline constexpr auto kPositionStoreEvery = 5s;
inline constexpr std::size_t kPositionStoresMax = 8;          // admin calls at once, per connector
inline constexpr std::size_t kPositionsTracked = 10'000;      // names in memory before a sweep
inline constexpr auto kPositionFresh = 10s;                   // a poll after a poll reads memory
inline constexpr auto kReaderLinger = 10s;                    // polls do not open a source each
inline constexpr auto kAttachLimit = 10s;                     // until a reader has a place: 503
inline constexpr std::int64_t kCatchUpNear = 10'000;          // messages apart: share one reader
inline constexpr auto kCatchUpPatience = 200ms;               // then the slow are left behind
inline constexpr auto kCatchUpWait = 2s;                      // queued longer: any reader will do
inline constexpr std::size_t kCatchUpChunkFrames = 128;       // handed to one consumer at once
inline constexpr std::size_t kCatchUpChunkBytes = 64 * 1024;
inline constexpr auto kCoalesceWindow = 5ms;                  // above kCoalesceRate
inline constexpr auto kCoalesceWindowMax = 1000ms;            // an explicit window
inline constexpr std::int64_t kCoalesceRate = 200;            // messages per second
inline constexpr std::size_t kCoalesceMessagesMax = 64;       // one gather write
inline constexpr std::uint64_t kBatchesAheadMax = 64;         // posted to a worker, not yet run
inline constexpr auto kClientLinger = 60s;                    // broker clients after last use
inline constexpr std::size_t kBrokerNameBytesMax = 200;
inline constexpr std::size_t kPollBatchMax = 256;             // messages per turn of a worker

// --- one request (server/exchange, server/flow)
inline constexpr std::size_t kAttributesMax = 64;              // set by steps of a flow
inline constexpr std::size_t kClientIdentifierBytesMax = 128;  // becomes part of a broker name
inline constexpr std::size_t kApiKeyBytesMax = 1024;           // longer ones are refused unhashed
inline constexpr std::size_t kKeyCacheEntries = 1024;          // per worker, direct mapped
inline constexpr std::size_t kInFlightPerWorkerMax = 10'000;   // requests and streams; then 503
inline constexpr std::size_t kBalanceScheduleMax = 4096;       // steps of weighted round robin
inline constexpr std::size_t kPageQueueBytes = 256 * 1024;     // http-get: unsent messages
inline constexpr auto kStreamCheckEvery = 1s;                  // expiry of keys under live streams
inline constexpr std::uint32_t kControlFramesPerSecond = 50;   // WebSocket: then 1008
inline constexpr auto kCloseHandshakeWait = 2s;                // WebSocket: for the peer's close

}  // namespace tidegate
