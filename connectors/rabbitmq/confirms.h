// Publishes on one channel that the broker has not confirmed yet, by their sequence number.
//
// The broker confirms one or all up to a number, in any order; a message that no queue took comes
// back first and is confirmed after it, so a return is kept until then. When the broker closes the
// channel because of a publish, what came after the offending one was certainly not taken.
// Thread: one. Owner: the sink, one per channel. Sans-I/O.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "connectors/api/sink.h"
#include "connectors/rabbitmq/protocol.h"

namespace tidegate::rabbitmq {

class Confirms {
 public:
  // Where a message was sent to, as far as it is told apart from another place.
  struct Place {
    std::size_t exchange = 0;     // hash
    std::size_t routing_key = 0;  // hash
    bool operator==(const Place&) const = default;
  };
  static Place PlaceOf(std::string_view exchange, std::string_view routing_key);

  // Called once for each publish with what became of it.
  using Settle = std::function<void(std::uint32_t slot, connectors::PublishResult result)>;
  explicit Confirms(Settle settle) : settle_(std::move(settle)) {}

  // The number that the next publish will have.
  std::uint64_t next() const { return first_ + waiting_.size(); }
  std::size_t size() const { return unsettled_; }
  // How many have been published since the oldest that waits, settled ones too: so many are kept.
  std::size_t span() const { return waiting_.size(); }
  // `own_id`: what a return would be recognised by, with where it was sent to; empty: by its number
  // (see IdOf).
  void Add(std::uint32_t slot, const Place& place, std::string own_id);

  void OnConfirm(std::uint64_t tag, bool multiple, bool ack);
  void OnReturn(const Returned& returned);
  // Everything that waits is settled; afterwards numbers begin at 1 again.
  void OnChannelClosed(const CloseReason& reason);
  void OnLost(const Status& why);

  // The id of a message that brings none: recognised when it comes back, and unique.
  std::string IdOf(std::uint64_t tag) const;

 private:
  struct Waiting {
    std::uint32_t slot = 0;
    bool settled = false;
    Place place;
    std::string own_id;
    Status returned;
  };
  void End(Waiting& waiting, connectors::PublishResult result);
  void Confirm(Waiting& waiting, bool ack);
  void Restart();

  const Settle settle_;
  const std::string token_ = NewToken();
  static std::string NewToken();
  std::deque<Waiting> waiting_;  // the first has the number first_
  std::uint64_t first_ = 1;
  std::size_t unsettled_ = 0;
};

}  // namespace tidegate::rabbitmq
