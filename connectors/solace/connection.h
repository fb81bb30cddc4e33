// One AMQP 1.0 connection: Proton's engine fed from our stream, on the worker's loop. Proton has no
// thread and no socket here; all it does is turn bytes into events and calls into bytes.
//
// Every link has a LinkListener and a session of its own, so that a peer which answers a refused
// link by ending its session (RabbitMQ does) hurts no other link.
// Thread: the worker. Owner: shared_ptr of source or sink, and of the task that reads.
// Fails: Open by class (ConnectFailed, TlsFailed, AuthFailed, NotAuthorized, …); later once, by
// OnGone of every link. Call Flush() after anything that gives the engine something to say.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/api/connector.h"
#include "connectors/solace/shared.h"
#include "server/net/byte_stream.h"
#include "server/net/event.h"

struct pn_delivery_t;
struct pn_event_t;
struct pn_link_t;
struct pn_session_t;

namespace tidegate::solace {

// Called while the engine's events are handed out: no call that waits, no destruction of the
// connection. Flush() may be called.
class LinkListener {
 public:
  // The peer has attached its end, with a source or target.
  virtual void OnAttached() = 0;
  // Over: refused, ended by the peer, or the connection went. Deliveries are still valid; the link
  // is freed when this returns.
  virtual void OnGone(const Status& status) = 0;
  virtual void OnDelivery(pn_delivery_t* /*delivery*/) {}
  virtual void OnCredit() {}

 protected:
  ~LinkListener() = default;
};

class Connection;
using ConnectionPtr = std::shared_ptr<Connection>;

class Connection final : public std::enable_shared_from_this<Connection>,
                         private net::WritableListener,
                         private net::WheelTimer {
 public:
  // Dials, and opens a connection with this container id. `stages`, where given, takes what was
  // reached: dns, tcp, tls, auth. Counts in the monitor.
  static Task<StatusOr<ConnectionPtr>> Open(SharedPtr shared, net::Worker& worker,
                                            std::string container, TimePoint deadline,
                                            std::vector<connectors::TestStage>* stages = nullptr);
  Connection(SharedPtr shared, net::Worker& worker, std::string container);
  ~Connection() override;

  // A link that is not open yet, in a session of its own. `listener` until ReleaseLink or OnGone.
  pn_link_t* MakeSender(const std::string& name, LinkListener& listener);
  // `session_bytes`: what may wait unread.
  pn_link_t* MakeReceiver(const std::string& name, LinkListener& listener,
                          std::size_t session_bytes);
  // Ends a link: detached, which keeps what a durable name stands for, or closed. Frees it.
  void ReleaseLink(pn_link_t* link, bool detach);
  // The listener hears of the link no more; the link goes with the connection.
  void ForgetLink(pn_link_t* link);

  void Flush();
  bool open() const { return open_ && !gone_; }
  const Status& status() const { return status_; }  // why it is gone
  // Everything said so far is with the kernel; false when the connection has gone before.
  Task<bool> Written(TimePoint deadline);
  // Says goodbye and waits for the answer, at most kCloseTimeout. No listener is called.
  Task<void> Close();
  // The address of a topic or queue, in the words of this peer.
  std::string TopicAddress(std::string_view topic) const;
  std::string QueueAddress(std::string_view queue) const;
  // The topic in an address of this peer.
  std::string_view TopicOf(std::string_view address) const;

 private:
  struct Engine;
  Task<StatusOr<net::ByteStreamPtr>> Dial(TimePoint deadline,
                                          std::vector<connectors::TestStage>* stages);
  Task<Status> Handshake(net::ByteStreamPtr stream, TimePoint deadline);
  static Task<void> ReadLoop(ConnectionPtr self);
  void SetUpEngine();
  pn_link_t* Prepare(pn_link_t* link, pn_session_t* session, LinkListener& listener,
                     std::size_t session_bytes);

  void Pump();
  void Dispatch(pn_event_t* event);
  void OnRemoteOpen();
  void OnSessionOver(pn_session_t* session);
  void OnLinkOpened(pn_link_t* link);
  void EndLink(pn_link_t* link, const Status& status);
  void Write();
  void Tick();
  void Gone(const Status& status);
  Status TransportStatus() const;
  std::string Where() const;

  void OnWritable(ErrorCode ec) override;
  void OnTimer() override;

  const SharedPtr shared_;
  net::Worker& worker_;
  const std::string container_;
  std::unique_ptr<Engine> engine_;
  net::ByteStreamPtr stream_;
  net::Event changed_;  // opened, or gone
  net::Event drained_;
  bool open_ = false;
  bool counted_ = false;   // in the monitor, as a client
  bool closing_ = false;   // by us
  bool gone_ = false;
  bool pumping_ = false;
  bool pump_again_ = false;
  bool write_waits_ = false;
  Status status_;
  std::string topic_prefix_ = "topic://";
  std::string queue_prefix_ = "queue://";
};

}  // namespace tidegate::solace
