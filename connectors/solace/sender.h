// One sending link of a sink, to one topic; and one publish that is on its way.
//
// Thread: the worker. Owner: the sink; deliveries point to their flight until either is over.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/api/sink.h"
#include "connectors/solace/connection.h"

namespace tidegate::solace {

// A publish that waits: for a connection, an attached link, credit, or outcomes. On the publisher's
// coroutine frame.
struct Flight {
  explicit Flight(net::Worker& worker) : event(worker) {}
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  ~Flight() { Abandon(); }
  net::Event event;
  std::vector<pn_delivery_t*> outstanding;  // nullptr: its outcome is there
  std::uint32_t open = 0;
  std::uint32_t ok = 0;
  std::uint32_t no = 0;
  std::uint32_t unknown = 0;
  Status why;  // of the first failure

  void Count(connectors::Outcome outcome, Status status);
  // Nobody waits any more: what has no outcome yet is unknown.
  void Abandon();
};

class Sender final : public LinkListener {
 public:
  explicit Sender(std::string topic) : topic_(std::move(topic)) {}

  void Open(ConnectionPtr connection);
  // Ends the link, if it has not ended; what is under way on it is unknown.
  void Release();
  // The same without a word to the broker: the connection goes, too.
  void Forget();
  void OnAttached() override;
  void OnGone(const Status& status) override;
  void OnDelivery(pn_delivery_t* delivery) override;
  void OnCredit() override;

  bool attached() const { return attached_; }
  bool ended() const { return link_ == nullptr; }
  const Status& status() const { return status_; }
  const std::string& topic() const { return topic_; }
  const std::string& address() const { return address_; }
  bool idle() const;
  // The largest message that the broker takes on this link; 0: it has not said.
  std::uint64_t bytes_max() const;

  bool has_credit() const;
  // What was sent stays with us: the broker does not read.
  bool is_full() const;
  void Send(std::string_view bytes, Flight& flight);
  // Whoever waits for this link, in order of arrival.
  std::deque<Flight*>& waiting() { return waiting_; }

 private:
  void EndDeliveries();
  void WakeAll();

  const std::string topic_;
  ConnectionPtr connection_;
  std::string address_;
  pn_link_t* link_ = nullptr;
  bool attached_ = false;
  Status status_;
  std::uint64_t next_tag_ = 0;
  std::deque<Flight*> waiting_;
};

}  // namespace tidegate::solace
