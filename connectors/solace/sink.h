// Publishing from one worker: one connection, made at the first publish and given up a minute after
// the last, and a link for each topic.
//
// A publish waits for the connection, for its links, for the broker's credit, and for one outcome
// per topic; each of these ends at the caller's deadline. Before anything was sent a failure is a
// definite no; what was sent and not answered is unknown.
// Thread: its worker. Owner: the connector (through SinkSlots), and posts. Fails: see
// connectors/api/sink.h.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/api/sink.h"
#include "connectors/solace/connection.h"
#include "connectors/solace/message_map.h"
#include "connectors/solace/sender.h"

namespace tidegate::solace {

class SinkCore final : public connectors::Sink,
                       public std::enable_shared_from_this<SinkCore>,
                       private net::WheelTimer {
 public:
  SinkCore(SharedPtr shared, net::Worker& worker);
  ~SinkCore() override;

  Task<connectors::PublishResult> Publish(const connectors::OutMessage& message,
                                          TimePoint deadline) override;
  // Gives the connection up. Publishes under way end as unknown.
  void Retire();

 private:
  class Admission;
  class Waiting;
  Task<connectors::PublishResult> Run(const connectors::OutMessage& message, TimePoint deadline);
  Task<Status> Connected(Flight& flight, TimePoint deadline);
  static Task<void> Connect(std::shared_ptr<SinkCore> self);
  Task<Status> Attached(const std::string& topic, Flight& flight, TimePoint deadline);
  Task<Status> SendTo(const std::string& topic, const connectors::OutMessage& message,
                      Flight& flight, TimePoint deadline);
  Task<void> Outcomes(Flight& flight, TimePoint deadline);
  Sender& SenderFor(const std::string& topic);
  void DropSenders();
  void FlushSoon();
  void OnTimer() override;

  const SharedPtr shared_;
  net::Worker& worker_;
  ConnectionPtr connection_;
  bool connecting_ = false;
  Status connect_status_;
  TimePoint retry_at_{};
  TimePoint used_at_{};
  std::deque<Flight*> waiting_;  // for the connection
  std::map<std::string, std::unique_ptr<Sender>, std::less<>> senders_;
  bool flush_due_ = false;
  std::uint32_t inflight_ = 0;
  std::size_t bytes_ = 0;
  MessageCodec codec_;
  MessageCodec::Frame frame_;
  std::string encoded_;
  std::string id_prefix_;
  std::uint64_t next_id_ = 0;
};

}  // namespace tidegate::solace
