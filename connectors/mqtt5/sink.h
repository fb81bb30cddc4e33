// Publishing on one worker over one connection: QoS 1, each message settled by its PUBACK.
//
// The connection is made by the first message and ends kIdleLinger after the last. What was sent
// and not confirmed when it is lost is unknown; what was not sent is a no. After a failure to
// connect publishes fail fast for a moment, after refused credentials longer. A connection that was
// lost is made again without waiting for a message, in `reconnectAttempts`; a message always may.
// The broker's receive maximum bounds what is unconfirmed; its maximum packet size and whether it
// retains are looked at before anything is sent.
// Thread: its worker. Owner: the connector, and its own tasks. Fails: see connectors/api/sink.h.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "connectors/api/sink.h"
#include "connectors/mqtt5/dialer.h"
#include "server/net/event.h"

namespace tidegate::mqtt5 {

class Mqtt5Sink final : public connectors::Sink,
                        public std::enable_shared_from_this<Mqtt5Sink>,
                        private ConnectionEvents,
                        private net::WheelTimer {
 public:
  Mqtt5Sink(SharedPtr shared, net::Worker& worker);
  ~Mqtt5Sink() override;

  Task<connectors::PublishResult> Publish(const connectors::OutMessage& message,
                                          TimePoint deadline) override;
  std::size_t inflight() const { return inflight_.load(std::memory_order_relaxed); }
  // It holds nothing of its worker: it may go on any thread, also after its worker.
  bool quiet() const { return quiet_.load(std::memory_order_acquire); }
  // Ends the connection once nothing is unconfirmed, at the latest at `deadline`. Later publishes
  // make a new one.
  static Task<void> Retire(std::shared_ptr<Mqtt5Sink> self, TimePoint deadline);

 private:
  // One Publish, while it waits.
  struct Call {
    explicit Call(net::Worker& worker) : event(worker) {}
    net::Event event;
    absl::InlinedVector<std::uint16_t, 4> ids;  // one a topic
    std::size_t unconfirmed = 0;
    std::size_t ok = 0;
    std::size_t no = 0;
    std::size_t unknown = 0;
    Status why;
  };

  void OnConnected(Connection& connection) override;
  void OnPublish(const mqtt5::Publish& packet) override;
  void OnPuback(const Puback& packet) override;
  void OnTurn() override {}
  bool HasRoom() override { return true; }
  void OnClosed(const Status& why) override;
  void OnTimer() override;  // the linger is over

  Status CheckMessage(const connectors::OutMessage& message) const;
  // Connected, and there is room for one more.
  bool HasPlace() const;
  // Waits for that.
  Task<Status> Ready(Call& call, TimePoint deadline);
  static Task<void> ConnectTask(std::shared_ptr<Mqtt5Sink> self);
  static Task<void> ReconnectTask(std::shared_ptr<Mqtt5Sink> self);
  void LoseConnection(const Status& why);  // and what it has not confirmed
  // HasPlace must be true.
  Status Send(Call& call, const std::string& topic, std::string_view properties,
              std::string_view payload);
  void Forget(Call& call);
  void WakeWaiting();
  void Settle(std::uint16_t packet_id, const Puback& packet);
  std::size_t window() const;

  const SharedPtr shared_;
  net::Worker& worker_;
  std::string client_id_;
  ConnectionPtr connection_;
  bool connecting_ = false;
  bool was_connected_ = false;
  bool reconnecting_ = false;       // ReconnectTask is there
  bool retiring_ = false;           // it shall end
  int attempts_ = 0;                // of its own, since the connection was last well
  int brief_ = 0;                   // connections that ended at once, one after the other
  TimePoint connected_at_{};
  net::Event wake_;                 // cuts a backoff short
  std::string hint_;
  Status connect_error_;
  TimePoint retry_at_{};
  std::deque<Call*> waiting_;       // for the connection, or for room in the window
  struct Slot {
    Call* call = nullptr;           // null while taken: who asked has gone
    bool taken = false;
  };
  std::vector<Slot> slots_;         // by packet id - 1
  std::vector<std::uint16_t> free_;
  std::atomic<std::size_t> inflight_{0};
  std::atomic<bool> quiet_{true};
};

}  // namespace tidegate::mqtt5
