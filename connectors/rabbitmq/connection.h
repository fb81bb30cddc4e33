// A connection to the broker with one channel, on the streams of server/net.
//
// Bytes that Protocol wants to send leave once per turn of the worker, in one write; what the
// kernel does not take waits, bounded. Requests that have a reply are awaited one at a time, each
// with a deadline; a connection that misses one is given up. Heartbeats go both ways.
// Thread: the worker it was opened on. Owner: shared_ptr of its user; its read loop holds one too,
// until the connection is over. Fails: Open and the requests by the classes of error_map.h; later
// by ConnectionUser::OnLost, once, never inside a call of the user's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/rabbitmq/protocol.h"
#include "connectors/rabbitmq/shared.h"
#include "server/net/event.h"

namespace tidegate::rabbitmq {

class ConnectionUser {
 public:
  virtual void OnConfirm(std::uint64_t /*tag*/, bool /*multiple*/, bool /*ack*/) {}
  virtual void OnReturn(const Returned& /*returned*/) {}
  virtual void OnBlocked(bool /*blocked*/) {}
  virtual void OnDelivery(DeliveryPtr /*delivery*/) {}
  virtual void OnOversized(std::uint64_t /*tag*/) {}
  // The channel is gone, the connection lives; not told to a pending request's user twice.
  virtual void OnChannelLost(const CloseReason& reason) = 0;
  virtual void OnCancelled() {}
  virtual void OnLost(const Status& why) = 0;

 protected:
  ~ConnectionUser() = default;
};

class Connection final : public std::enable_shared_from_this<Connection>,
                         private ProtocolListener,
                         private net::WritableListener,
                         private net::WheelTimer {
 public:
  using Ptr = std::shared_ptr<Connection>;

  // Dials, agrees on TLS, logs in. `user` is told nothing before this has returned.
  static Task<StatusOr<Ptr>> Open(net::Worker& worker, SharedPtr shared, std::string name,
                                  ConnectionUser* user, TimePoint deadline);
  // The steps of it, for Test().
  static Task<StatusOr<net::ByteStreamPtr>> Secure(net::Worker& worker, SharedPtr shared,
                                                   net::ByteStreamPtr tcp, TimePoint deadline);
  static Task<StatusOr<Ptr>> Login(net::Worker& worker, SharedPtr shared, net::ByteStreamPtr stream,
                                   std::string name, ConnectionUser* user, TimePoint deadline);

  Connection(net::Worker& worker, SharedPtr shared, net::ByteStreamPtr stream, std::string name,
             ConnectionUser* user);
  ~Connection();

  bool open() const { return !over_ && protocol_.open(); }
  bool channel_open() const { return !over_ && protocol_.channel_open(); }
  bool blocked() const { return blocked_; }
  std::uint32_t frame_max() const { return protocol_.frame_max(); }
  std::size_t unsent() const;

  // Requests: one at a time; a second ends the connection. The socket is read meanwhile, paused or
  // not: the answer may stand behind much else.
  Task<Status> OpenChannel();
  Task<Status> SelectConfirms();
  // By the mode of `spec`; the broker's own exchanges are left alone.
  Task<Status> DeclareExchange(const ExchangeConfig& spec);
  Task<Status> CheckExchange(const ExchangeConfig& spec);  // passively
  Task<StatusOr<std::string>> DeclareQueue(const QueueSpec& spec);
  Task<Status> BindQueue(std::string queue, std::string exchange, std::string routing_key,
                         const Arguments& arguments);
  Task<Status> UnbindQueue(std::string queue, std::string exchange, std::string routing_key,
                           const Arguments& arguments);
  Task<Status> SetPrefetch(std::uint16_t count);
  Task<Status> Consume(std::string queue);

  // Sent with the rest of this turn.
  void Publish(std::string_view exchange, std::string_view routing_key, bool mandatory,
               const Content& content);
  void Ack(std::uint64_t tag, bool multiple);
  void Nack(std::uint64_t tag, bool requeue);

  // Whether the socket is read; heartbeats of the broker are not expected while it is not.
  void PauseReading(bool paused);
  // No more events for the user.
  void Detach() { user_ = nullptr; }
  // Channel and connection in good order, at most kCloseDeadline. The user hears nothing more.
  Task<void> Close();
  // At once.
  void Abort();

 private:
  static Task<void> Read(Ptr self);

  // ProtocolListener
  void OnOpen() override;
  void OnClosed(Status why) override;
  void OnBlocked(bool blocked, std::string_view reason) override;
  void OnReply(const Method& method) override;
  void OnChannelClosed(const CloseReason& reason) override;
  void OnConfirm(std::uint64_t tag, bool multiple, bool ack) override;
  void OnReturn(const Returned& returned) override;
  void OnDelivery(DeliveryPtr delivery) override;
  void OnOversized(std::uint64_t tag) override;
  void OnCancelled() override;

  void OnWritable(ErrorCode ec) override;
  void OnTimer() override;

  // `operation` must live until it has returned.
  Task<Status> Await(std::string_view operation, std::chrono::milliseconds limit);
  void ScheduleFlush();
  void Flush();
  void Fail(Status why);

  net::Worker& worker_;
  const SharedPtr shared_;
  net::ByteStreamPtr stream_;
  const std::string name_;
  ConnectionUser* user_;
  Protocol protocol_;

  std::string sending_;  // being written; protocol_.out() gathers meanwhile
  std::size_t sent_ = 0;
  Ptr writing_;          // keeps this alive while the stream may call OnWritable
  bool flush_posted_ = false;

  net::Event reply_;
  bool awaiting_ = false;
  std::optional<CloseReason> channel_error_;
  std::string reply_queue_;
  Status failure_;
  bool over_ = false;
  bool blocked_ = false;
  bool paused_ = false;
  net::Event resume_;
  TimePoint last_read_;
  TimePoint last_write_;
};
using ConnectionPtr = Connection::Ptr;

}  // namespace tidegate::rabbitmq
