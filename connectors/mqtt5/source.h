// One subscription at an MQTT broker.
//
// Each: a random client id and a session that ends with the connection; QoS 0 for `none`, else QoS
// 1 acknowledged at hand-over. Group: a stable client id, `$share/<group>/<filter>` (the plain
// filter where the broker knows no shared subscriptions), the session of the settings; QoS 1 with
// the PUBACK at hand-over (auto, at-most-once) or when the consumer has settled (at-least-once).
// An acknowledgement belongs to its connection: older ones are ignored, and what they were for
// comes again when the broker has kept the session.
//
// Thread: the worker it was opened on; acks from any. Owner: Mqtt5Source and its supervising task.
// Fails: Open as the dialer, or with the reason of a SUBACK; Next when `reconnectAttempts` are used
// up, or at once where another attempt could not end better.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/api/source.h"
#include "connectors/mqtt5/ack_inbox.h"
#include "connectors/mqtt5/ack_window.h"
#include "connectors/mqtt5/client_id.h"
#include "connectors/mqtt5/dialer.h"
#include "connectors/mqtt5/headers.h"

namespace tidegate::mqtt5 {

Task<StatusOr<connectors::SourcePtr>> OpenMqtt5Source(SharedPtr shared, connectors::SourceSpec spec,
                                                      net::Worker& worker);

class SourceCore final : public std::enable_shared_from_this<SourceCore>,
                         private ConnectionEvents {
 public:
  SourceCore(SharedPtr shared, connectors::SourceSpec spec, net::Worker& worker);
  ~SourceCore();

  Task<Status> Open();
  Task<StatusOr<std::size_t>> Next(connectors::MessageBatch& batch, std::uint32_t max);
  Task<void> Close();

 private:
  static constexpr std::uint64_t kNoNumber = ~0ULL;
  struct Ready {
    std::uint64_t number = kNoNumber;  // in the window
    BlockPtr block;                    // where it is in no window
    bool may_go = false;               // QoS 0: where there are too many
  };

  // ConnectionEvents
  void OnConnected(Connection& connection) override;
  void OnPublish(const Publish& packet) override;
  void OnPuback(const Puback& packet) override;
  void OnTurn() override;
  bool HasRoom() override;
  void OnClosed(const Status& why) override;

  Task<Status> TakeClientId();
  Task<Status> Connect(bool again);
  Task<Status> ConnectOnce(bool again);
  Task<Status> SubscribeAll();
  Status CheckGranted(const std::vector<std::uint8_t>& reasons);
  void LeaveShared(const char* why);
  static Task<void> Supervise(std::shared_ptr<SourceCore> self);
  Task<Status> Reconnect();
  Task<void> EndConnection();
  void FreeClientId();
  void HeedReference(const Connection& ended);
  void LeaveName();

  bool WasHandedOver(const Publish& packet);
  bool Hand(Ready& item, connectors::MessageBatch& batch, std::size_t& bytes);
  void OnAcks(const std::vector<SettledAck>& acks);
  void SendSettled();
  void KeepResidue(bool told);
  void DropOldest();
  bool grouped() const { return spec_.share == connectors::Share::kGroup; }

  const SharedPtr shared_;
  const connectors::SourceSpec spec_;
  net::Worker& worker_;
  std::vector<std::string> filters_;
  const std::uint8_t qos_;
  const bool settled_by_consumer_;
  bool plain_ = false;               // no $share at this broker
  bool subscribing_ = false;         // SUBACK may wait behind what the session has kept
  std::unique_ptr<IdLease> lease_;   // of a group's member
  std::string client_id_;
  std::string own_name_;             // after which a member of a lost name calls itself

  ConnectionPtr connection_;
  Connection* wire_ = nullptr;       // while it is open; also before Open has returned
  std::string hint_;                 // where the last server sent us
  std::uint64_t generation_ = 1;
  AckInbox* const inbox_;
  AckWindow window_;
  std::size_t handed_ = 0;           // to consumers, not settled
  std::deque<Ready> ready_;
  std::size_t loose_ = 0;            // of ready_: QoS 0
  std::size_t loose_bytes_ = 0;
  std::size_t kept_ = 0;             // of ready_: QoS 1 of a session that is over
  std::size_t kept_bytes_ = 0;
  std::optional<TimePoint> full_since_;
  MetadataCache metadata_;
  std::deque<std::uint16_t> handed_over_;  // the last packet ids acknowledged at hand-over
  Residue residue_;

  net::Event arrived_;               // for Next
  net::Event lost_;                  // for the supervisor
  net::Event wake_;                  // cuts a backoff short
  net::Event done_;                  // the supervisor has ended
  Status lost_why_;
  Status failed_;
  TimePoint connected_at_{};
  int attempts_ = 0;
  bool closed_ = false;
  bool supervised_ = false;
};

}  // namespace tidegate::mqtt5
