// One receiving link of a source: what has been attached, what is on the way, what is unsettled.
//
// Deliveries wait in the engine until they are asked for: the session's window bounds how much that
// is. Thread: the worker. Owner: SourceCore; a link that ended leaves an object without link.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "connectors/solace/connection.h"

namespace tidegate::solace {

class SourceCore;

class Receiver final : public LinkListener {
 public:
  // `topic`: what is subscribed to, or the name of the queue.
  Receiver(SourceCore& core, std::string topic) : core_(core), topic_(std::move(topic)) {}

  // What is asked of the broker for this link.
  struct Spec {
    Spec() = default;
    std::string link_name;
    std::string address;
    bool durable = false;     // keeps what it stands for when we are away
    bool presettled = false;  // the broker need not wait for our word
    std::size_t session_bytes = 0;  // what may wait here unread
  };
  void Open(Connection& connection, const Spec& spec);

  void OnAttached() override;
  void OnGone(const Status& status) override;
  void OnDelivery(pn_delivery_t* delivery) override;

  bool attached() const { return attached_; }
  bool ended() const { return link_ == nullptr; }
  const Status& status() const { return status_; }  // why it ended
  const std::string& topic() const { return topic_; }
  pn_link_t* link() const { return link_; }
  void Forget() { link_ = nullptr; }
  // Granted and not taken yet; forgotten by the call.
  int DropGranted() { return std::exchange(granted_, 0); }

  // Raises the number of messages that are on the way or in the engine to `wanted`; returns by how
  // much. A link that has ended takes none.
  int Grant(int wanted);
  // The next delivery, when it is complete: its bytes are moved to `bytes`, and it is still to be
  // settled. nullptr: nothing complete is there. Aborted and oversized ones are settled here.
  pn_delivery_t* TakeNext(std::string& bytes);
  // Gives back what was delivered and not taken.
  void ReleaseUntaken();

 private:
  void Advance();

  SourceCore& core_;
  const std::string topic_;
  pn_link_t* link_ = nullptr;
  bool attached_ = false;
  Status status_;
  std::string partial_;
  bool oversized_ = false;
  int granted_ = 0;
};

}  // namespace tidegate::solace
