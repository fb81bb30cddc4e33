// One MQTT 5 connection over any ByteStream: CONNECT to CONNACK, then packets both ways, keep
// alive, and an orderly end. It knows neither topics nor sessions nor who is behind it.
//
// Thread: the worker it was opened on. Owner: shared_ptr of a source or a sink, and its own reading
// task; the owner calls Detach() or Close() before it goes.
// Fails: Open by an ErrorClass; later ends by ConnectionEvents::OnClosed, once, never from inside a
// call of the owner. Every wait has a deadline: CONNACK, SUBACK, PINGRESP, the farewell.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "connectors/mqtt5/packets.h"
#include "server/base/status.h"
#include "server/net/byte_stream.h"
#include "server/net/event.h"
#include "server/net/worker.h"

namespace tidegate::mqtt5 {

class Connection;

// What a connection tells its owner. Views live during the call. OnConnected comes first, from
// within Open, before any packet.
class ConnectionEvents {
 public:
  virtual void OnConnected(Connection& connection) = 0;
  virtual void OnPublish(const Publish& packet) = 0;  // its topic is never empty
  virtual void OnPuback(const Puback& packet) = 0;
  virtual void OnTurn() = 0;           // everything that one read held has been told
  virtual bool HasRoom() = 0;          // false: nothing is read until RoomAgain (asked every 1 s)
  virtual void OnClosed(const Status& why) = 0;

 protected:
  ~ConnectionEvents() = default;
};

struct Subscription {
  std::string filter;
  std::uint32_t id = 0;  // 0: without a subscription identifier
};

using ConnectionPtr = std::shared_ptr<Connection>;

// Where a server refers to (MQTT 5 §4.11); the reference is empty: nowhere.
struct Redirect {
  std::string reference;
  bool for_good = false;  // the server has moved there: 0x9D
};

class Connection final : public std::enable_shared_from_this<Connection>,
                         private net::WritableListener,
                         private net::WheelTimer {
 public:
  // `server` names the broker in errors: host:port. Sends CONNECT and awaits CONNACK; a CONNACK
  // that refuses is an error here, with where the server refers to in `redirect`.
  static Task<StatusOr<ConnectionPtr>> Open(net::Worker& worker, net::ByteStreamPtr stream,
                                            Connect connect, std::string server,
                                            TimePoint deadline, ConnectionEvents& events,
                                            Redirect* redirect);
  ~Connection() override;

  const Connack& connack() const { return connack_; }
  const std::string& server() const { return server_; }
  bool open() const { return state_ == State::kOpen; }
  // Where the server sent us when it ended the connection (0x9C, 0x9D); empty: nowhere.
  const std::string& redirect() const { return redirect_; }
  std::uint8_t last_reason() const { return last_reason_; }  // of the server's DISCONNECT

  // Nothing is told any more.
  void Detach() { events_ = nullptr; }
  void RoomAgain() { room_.Set(); }

  // What goes out next: append whole packets, then Flush or ScheduleFlush (one write a turn).
  std::string& out() { return out_; }
  std::size_t unsent() const { return out_.size() - sent_; }
  void Flush();
  void ScheduleFlush();

  // The reason of every filter, in order. At most one at a time.
  Task<StatusOr<std::vector<std::uint8_t>>> Subscribe(std::vector<Subscription> filters,
                                                      std::uint8_t qos,
                                                      std::uint8_t retain_handling,
                                                      TimePoint deadline);
  Task<Status> Unsubscribe(std::vector<std::string> filters, TimePoint deadline);

  // Sends what is left and DISCONNECT, and waits until the broker has taken it. Nothing is told any
  // more. Never fails; at most kFarewell.
  Task<void> Close();
  // The peer has broken a rule: DISCONNECT with `reason`, and the end.
  void Abort(std::uint8_t reason, std::string_view what);

 private:
  enum class State : std::uint8_t { kHandshake, kOpen, kClosing, kClosed };

  Connection(net::Worker& worker, net::ByteStreamPtr stream, std::string server);
  static Task<void> ReadLoop(ConnectionPtr self);
  Task<Status> ReadAll();
  Status Consume();               // whole packets at the head of in_
  Status Handle(const Frame& frame);
  Status HandleConnack(const Frame& frame);
  Status HandlePublish(const Frame& frame);
  Status HandleSuback(const Frame& frame);
  Status HandleDisconnect(const Frame& frame);
  void End(Status why);
  void OnWritable(ErrorCode ec) override;
  void OnTimer() override;        // keep alive
  void ArmKeepAlive();
  std::chrono::milliseconds PingTimeout() const;
  Status Broken(std::uint8_t reason, std::string_view what);
  Status Lost(ErrorCode ec) const;

  net::Worker& worker_;
  net::ByteStreamPtr stream_;
  const std::string server_;
  State state_ = State::kHandshake;
  ConnectionEvents* events_ = nullptr;
  net::Event answered_;           // CONNACK, or the end before it
  net::Event subscribed_;
  net::Event room_;
  net::Event finished_;           // the reading task is over

  std::vector<char> in_;
  std::size_t begin_ = 0;         // of what is read and not yet consumed
  std::size_t end_ = 0;
  std::size_t wanted_ = 0;        // bytes of the packet that is not whole yet
  std::string out_;
  std::size_t sent_ = 0;
  bool writing_ = false;
  bool flush_due_ = false;

  Connack connack_;
  Status ended_;                  // why, once closed
  std::string redirect_;
  std::uint8_t last_reason_ = 0;
  std::vector<std::string> aliases_;
  std::uint16_t keep_alive_ = 0;
  TimePoint last_sent_;
  TimePoint last_received_;
  std::optional<TimePoint> ping_sent_;
  bool paused_ = false;
  std::uint16_t next_id_ = 0;     // of SUBSCRIBE and UNSUBSCRIBE
  std::uint16_t first_wanted_ = 0;
  std::size_t answers_left_ = 0;
  std::vector<std::uint8_t> reasons_;
};

}  // namespace tidegate::mqtt5
