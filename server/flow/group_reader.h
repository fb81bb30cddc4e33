// Consumers of one client identifier and QoS share one broker subscription, those of other QoS are
// members of the same group: each message goes to exactly one that has demand (DESIGN §5, Group).
//
// Demand travels as credit: a seat grants what its subscriber can take, the home sends no more than
// that, and no more than kGroupSeatBytes that the subscriber has not taken yet. Nobody has credit:
// the source is not asked, and it pauses the broker.
// Acknowledged: at-least-once when the socket took the frame; otherwise when it was handed over. A
// seat that goes with unwritten messages drops their acks, which sends them back for another
// where the endpoint still waits for them (on Kafka, auto is settled when it was read).
// Thread: GroupReader on its home worker (who attached first), GroupSeat on its subscriber's; both
// reach the other by posts. Owner: HubState while registered, seats, the running task.
// Fails: Attach as OpenSource does, or ResourceExhausted reason BROKER_CLIENTS_EXHAUSTED.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "server/flow/encodings.h"
#include "server/flow/endpoint_traffic.h"
#include "server/flow/event.h"
#include "server/flow/flush_window.h"
#include "server/flow/hub_state.h"
#include "server/flow/subscriber.h"

namespace tidegate::flow {

class GroupSeat;

// What may wait at a seat for its subscriber, in bytes: a batch may come on top of it.
inline constexpr std::size_t kGroupSeatBytes = 1024 * 1024;

// The seat as its reader's home knows it. `seat` is the seat's worker's to touch.
struct GroupLink {
  explicit GroupLink(net::Worker& where) : worker(where) {}
  bool full() const { return bytes.load() >= kGroupSeatBytes; }
  net::Worker& worker;
  GroupSeat* seat = nullptr;
  std::atomic<std::size_t> bytes{0};  // handed over by the home, not taken by the subscriber yet
  // The home found it full and asks to be told when it is not. Set before the home looks once more,
  // read after the seat has taken bytes away: one of them sees the other.
  std::atomic<bool> awaited{false};
};
using GroupLinkPtr = std::shared_ptr<GroupLink>;

struct GroupItem {
  GroupItem() = default;
  FramePtr frame;
  CountedAck ack;
};

class GroupReader final : public std::enable_shared_from_this<GroupReader>,
                          private net::WheelTimer {
 public:
  GroupReader(HubStatePtr hub, ReaderKey key, connectors::ConnectorPtr connector,
              const SubscribeSpec& spec, net::Worker& home);

  static Task<StatusOr<AttachmentPtr>> Attach(HubStatePtr hub, connectors::ConnectorPtr connector,
                                              SubscribeSpec spec, Subscriber& subscriber,
                                              net::Worker& worker);
  void End(EndReason reason, Status status);  // any thread

 private:
  friend class GroupSeat;
  struct Member {
    std::uint64_t id = 0;
    GroupLinkPtr link;
    std::shared_ptr<const Encoder> encoder;
    std::size_t credit = 0;
    bool placed = false;
    std::vector<GroupItem> out;
  };

  static StatusOr<std::shared_ptr<GroupReader>> FindOrMake(const HubStatePtr& hub,
                                                           connectors::ConnectorPtr connector,
                                                           const SubscribeSpec& spec,
                                                           net::Worker& worker);
  static Task<void> Run(std::shared_ptr<GroupReader> self);
  static Task<void> CloseSource(std::shared_ptr<GroupReader> self);
  // Spawns it once those have closed their sources, one after the other.
  static void RunAfter(std::vector<std::shared_ptr<GroupReader>> before,
                       std::shared_ptr<GroupReader> self);
  Task<Status> ReadAll();
  void OnTimer() override;  // the linger is over
  // Home worker, by posts of seats.
  void Join(Member member);
  void Grant(std::uint64_t id, std::size_t credit);
  void Leave(std::uint64_t id, bool unused);
  void Over(EndReason reason, const Status& status);

  std::size_t TotalCredit() const;
  Member* NextWithCredit();
  Task<void> WaitForDemand();
  void Hand(Member& member, connectors::Message& message, TimePoint now);
  void Send();
  static void Placed(const Member& member, const Status& status);
  template <typename F>
  void OnHome(F&& function) {
    home_.Post([self = shared_from_this(), function = std::forward<F>(function)]() mutable {
      function(*self);
    });
  }

  const HubStatePtr hub_;
  const ReaderKey key_;
  const connectors::ConnectorPtr connector_;
  const connectors::Qos qos_;
  const std::string group_;
  const std::vector<std::string> topics_;
  const EndpointTraffic& traffic_;
  net::Worker& home_;
  connectors::SourcePtr source_;
  bool open_ = false;
  bool over_ = false;
  bool closing_ = false;
  bool source_closed_ = false;
  std::function<void()> after_close_;  // where another waits for it
  Event demand_;
  Event closed_;
  std::vector<Member> members_;
  std::size_t turn_ = 0;  // round robin
  std::string scratch_;
  std::string id_scratch_;
};

class GroupSeat final : public Attachment {
 public:
  GroupSeat(std::shared_ptr<GroupReader> reader, std::uint64_t id, connectors::Qos qos,
            Subscriber& subscriber, net::Worker& worker);
  ~GroupSeat() override;

  Task<Status> WaitForPlace();
  std::string Id() const override { return {}; }  // the broker keeps a group's position
  const connectors::Position& position() const override { return position_; }
  void OnRoom() override;
  void OnWritten(const FramePtr& frame) override;
  bool caught_up() const override { return pending_.empty() && granted_ > 0; }

  // What the reader's posts call.
  void Placed(const Status& status);
  void Take(std::vector<GroupItem> items);
  void End(EndReason reason, const Status& status);

 private:
  friend class GroupReader;
  void GrantMore();
  void PushPending();

  const std::shared_ptr<GroupReader> reader_;
  const std::uint64_t id_;
  const bool ack_when_written_;
  Subscriber& subscriber_;
  const GroupLinkPtr link_;
  FlushWindow window_;
  std::size_t granted_ = 0;             // credit that has not come back as messages
  bool pushing_ = false;
  bool room_ = false;                   // the subscriber has told of room while it was pushed to
  bool over_ = false;
  std::deque<GroupItem> pending_;       // delivered, not taken by the subscriber yet
  std::deque<CountedAck> unwritten_;  // in the order of the frames
  Event placed_;
  bool is_placed_ = false;
  Status placed_status_;
  connectors::Position position_;
};

}  // namespace tidegate::flow
