// What the serving side keeps on each worker: its snapshot pointer, subscriptions, live streams.
//
// Thread: its worker. Owner: DataPlane and every open call (shared), so that a call that outlives
// the data plane's shutdown still finds it. Fails: never.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "server/base/limits.h"
#include "server/flow/access_log.h"
#include "server/flow/reader_hub.h"
#include "server/flow/snapshot.h"
#include "server/flow/stream_caps.h"
#include "server/flow/stream_registry.h"
#include "server/net/worker.h"
#include "server/security/key_cache.h"
#include "server/security/subscription_index.h"

namespace tidegate::flow {

// What all workers share; outlives them.
struct Services {
  Services() = default;
  ReaderHub* hub = nullptr;
  AccessLog* access_log = nullptr;
  std::chrono::milliseconds request_timeout{30000};
  std::chrono::milliseconds drain_notice{5000};
  std::uint64_t body_bytes_max = kBodyBytesMax;
  std::atomic<bool> draining{false};
  StreamCaps* caps = nullptr;
  std::size_t consumer_buffer_bytes = kStreamQueueBytes;
  ShedMetrics shed;
  const EntrypointMetrics* unrouted = nullptr;  // requests that no API took
};

class WorkerState : private net::WheelTimer {
 public:
  WorkerState(net::Worker& worker, Services& services)
      : worker_(worker),
        services_(services),
        streams_(worker.index()) {}

  net::Worker& worker() { return worker_; }
  Services& services() { return services_; }
  StreamRegistry& streams() { return streams_; }
  security::KeyCache& keys() { return keys_; }

  const std::shared_ptr<const WorkerSnapshot>& snapshot() const { return snapshot_; }
  void SetSnapshot(std::shared_ptr<const Snapshot> snapshot);

  // nullptr: none were published for this API.
  const security::SubscriptionIndex* Subscriptions(std::string_view api) const;
  void SetSubscriptions(const std::string& api, security::SubscriptionIndexPtr index);

  // SHA-256 of the address, remembered for those seen lately.
  const std::string& AddressIdentifier(const std::string& address);

  telemetry::Gauge* ActiveStreams(const std::string& entrypoint, const std::string& listener);

  // Requests and streams now.
  std::size_t in_flight() const { return in_flight_; }
  void Enter() { ++in_flight_; }
  void Leave() { --in_flight_; }
  // A stream that has just registered: may it go on under what is published now?
  void Recheck(LiveStream& stream);
  // A drain is taken back: streams that were not told to go yet stay.
  void KeepStreams();
  // Keys and subscriptions end by the clock too: while keyed streams are open, look once a second.
  void WatchExpiry();

 private:
  void OnTimer() override;
  const security::SubscriptionIndex& IndexOf(const std::string& api) const;  // or an empty one

  net::Worker& worker_;
  Services& services_;
  std::shared_ptr<const WorkerSnapshot> snapshot_;
  std::unordered_map<std::string, security::SubscriptionIndexPtr, StringHash, std::equal_to<>>
      subscriptions_;
  struct AddressEntry {
    std::string address;
    std::string identifier;
  };
  std::vector<AddressEntry> addresses_;
  struct ActiveEntry {
    std::string entrypoint;
    std::string listener;
    telemetry::Gauge* gauge = nullptr;
  };
  std::vector<ActiveEntry> active_;  // as many as listeners and entrypoint kinds make pairs
  security::KeyCache keys_;
  StreamRegistry streams_;
  std::size_t in_flight_ = 0;
};

using WorkerStatePtr = std::shared_ptr<WorkerState>;

}  // namespace tidegate::flow
