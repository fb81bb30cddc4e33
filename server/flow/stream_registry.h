// The open streams of one worker: what plan changes, redeploys, drains and people act on.
//
// Thread: its worker. Owner: the worker's local state. A stream adds itself when its head has been
// sent and leaves in its destructor; Stop only signals, so nothing leaves while the list is walked.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "server/exchange/context.h"
#include "server/flow/data_plane.h"
#include "server/flow/snapshot.h"
#include "server/flow/subscriber.h"

namespace tidegate::flow {

class StreamRegistry;

// Who is told to go comes back at once: many are told one after the other, at this pace, or a
// denser one where their number would not fit into this part of the drain notice. A few leave at
// once; the rest of the notice is theirs to go in.
inline constexpr std::chrono::milliseconds kGoawayPace{10};
inline constexpr int kGoawayPercentOfNotice = 60;

// What a stream can be told and asked; implemented by the entrypoint that serves it.
class StreamControl {
 public:
  virtual ~StreamControl() = default;
  // Signals the end; at most the first counts. Must not destroy anything at once.
  virtual void Stop(EndReason reason, const Status& status) = 0;
  virtual std::uint64_t messages() const = 0;
  virtual std::uint64_t bytes() const = 0;
  // What waits for the client now, and whether it takes no more.
  virtual Backlog backlog() const { return Backlog(); }
};

class LiveStream : private net::WheelTimer {
 public:
  LiveStream() = default;
  LiveStream(const LiveStream&) = delete;
  LiveStream& operator=(const LiveStream&) = delete;
  ~LiveStream() override { Leave(); }
  void Leave();
  // Its connection reaches its age then: it is told to reconnect.
  void ExpireAt(net::TimerWheel& wheel, TimePoint time);

  StreamControl* control = nullptr;
  RuntimePtr* runtime = nullptr;  // the call's own: re-bound under a new generation
  const exchange::Context* context = nullptr;
  std::string_view entrypoint;
  std::string endpoint;
  Sha256Digest key{};        // of the key it came with
  bool has_key = false;
  std::int64_t started_unix_ms = 0;
  TimePoint started;
  telemetry::Gauge* active = nullptr;  // of its entrypoint and listener

 private:
  void OnTimer() override;
  void LeaveAt(net::TimerWheel& wheel, TimePoint time);

  friend class StreamRegistry;
  TimePoint expires_ = TimePoint::max();  // by its age
  bool leaving_ = false;                  // its goaway is under way, or has a time
  StreamRegistry* registry_ = nullptr;
  std::uint64_t number_ = 0;
  std::size_t place_ = 0;
};

class StreamRegistry {
 public:
  explicit StreamRegistry(std::size_t worker) : worker_(worker) {}

  void Add(LiveStream& stream);
  std::size_t size() const { return streams_.size(); }

  // A new generation: same stream fingerprint and plan goes on under it, else the stream ends: at
  // once where its API or plan has gone, within the notice where its API only looks different now.
  void Rebind(const std::shared_ptr<const WorkerSnapshot>& snapshot, net::TimerWheel& wheel,
              std::chrono::milliseconds notice);
  // New subscriptions of `api`: streams whose subscription or key no longer holds end.
  void Check(const std::string& api, const security::SubscriptionIndex& index, model::WallTime now);
  // The same for all that have a key, by the subscriptions that `of` finds for an API.
  void CheckAll(const std::function<const security::SubscriptionIndex&(const std::string&)>& of,
                model::WallTime now);
  // The same for one stream.
  static void RebindOne(LiveStream& stream, const std::shared_ptr<const WorkerSnapshot>& snapshot);
  static void CheckOne(LiveStream& stream, const security::SubscriptionIndex& index,
                       model::WallTime now);
  // Drain: tells all to reconnect, spread over the notice. The other keeps whom nobody told yet.
  void StopSpread(net::TimerWheel& wheel, std::chrono::milliseconds notice);
  void CancelSpread(net::TimerWheel& wheel);  // Rebind comes next: some may leave all the same
  void List(std::size_t max, std::vector<ConnectionInfo>& out) const;
  // Adds what waits for consumers, by API.
  void SumBacklogs(std::map<std::string, Backlog>& out) const;
  bool Close(const std::string& id);

  // Whether any of them can expire by time, so that Check must be repeated.
  bool HasKeyed() const { return keyed_ > 0; }

 private:
  friend class LiveStream;
  // False: it goes on, or was told its end. True: it looks different now and is to reconnect.
  static bool MustReconnect(LiveStream& stream,
                            const std::shared_ptr<const WorkerSnapshot>& snapshot);
  static void Spread(const std::vector<LiveStream*>& streams, net::TimerWheel& wheel,
                     std::chrono::milliseconds notice);
  void Remove(LiveStream& stream);
  std::string IdOf(const LiveStream& stream) const;

  const std::size_t worker_;
  std::vector<LiveStream*> streams_;
  std::uint64_t next_ = 0;
  std::size_t keyed_ = 0;
};

}  // namespace tidegate::flow
