// Publishing from one worker: its own connection, a channel in confirm mode, made at first use,
// kept kClientLinger after the last publish, made again after a loss.
//
// A publish takes a slot, puts its frames into the connection's buffer and waits for the broker's
// confirmation or the caller's deadline. While the broker has the connection blocked (its memory or
// disk alarm) nothing is handed to it: Overloaded at once. While it cannot be reached, publishes
// fail at once until the next attempt is due.
// Thread: its worker. Owner: the connector and running coroutines (shared_ptr); Shut before the
// end. Fails: see connectors/api/sink.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/api/sink.h"
#include "connectors/rabbitmq/backoff.h"
#include "connectors/rabbitmq/call_timer.h"
#include "connectors/rabbitmq/confirms.h"
#include "connectors/rabbitmq/connection.h"

namespace tidegate::rabbitmq {

class RabbitSink final : public connectors::Sink,
                         private ConnectionUser,
                         public std::enable_shared_from_this<RabbitSink> {
 public:
  RabbitSink(SharedPtr shared, net::Worker& worker);
  ~RabbitSink() override;

  Task<connectors::PublishResult> Publish(const connectors::OutMessage& message,
                                          TimePoint deadline) override;
  // Closes the connection; what is not confirmed is unknown. A later Publish connects again.
  static Task<void> Shut(std::shared_ptr<RabbitSink> self);


 private:
  struct Slot;

  Status Refusal(const connectors::OutMessage& message) const;
  Task<Status> Ready(TimePoint deadline);
  static Task<void> Connect(std::shared_ptr<RabbitSink> self);
  Task<Status> Establish();
  Task<Status> SetUpChannel(ConnectionPtr connection);
  Status SendAll(const connectors::OutMessage& message, std::uint32_t slot);
  void Send(const connectors::OutMessage& message, std::uint32_t slot, std::string_view exchange,
            std::string_view routing_key, const Confirms::Place& place);
  Slot* Take(std::uint32_t& index);
  void Free(std::uint32_t index);
  void Settle(std::uint32_t index, connectors::PublishResult result);
  void OnBlockedTooLong();
  void OnIdle();
  connectors::PublishResult No(Status why);

  // ConnectionUser
  void OnConfirm(std::uint64_t tag, bool multiple, bool ack) override;
  void OnReturn(const Returned& returned) override;
  void OnBlocked(bool blocked) override;
  void OnChannelLost(const CloseReason& reason) override;
  void OnLost(const Status& why) override;

  const SharedPtr shared_;
  net::Worker& worker_;
  const Confirms::Place configured_;  // where messages go that name no place
  ConnectionPtr connection_;
  bool ready_ = false;  // the channel takes publishes
  bool connecting_ = false;
  Confirms confirms_;
  Backoff backoff_;
  TimePoint ready_at_;
  TimePoint retry_at_;
  Status last_error_;
  std::vector<net::Event*> waiting_;  // for the channel
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::uint32_t> free_;
  std::uint32_t inflight_ = 0;
  std::uint32_t abandoned_ = 0;  // of them, those whose callers have gone
  TimePoint last_used_;
  TimePoint settling_at_;  // when the confirmation came that is being gone through
  CallTimer blocked_timer_;
  CallTimer idle_timer_;
};

}  // namespace tidegate::rabbitmq
