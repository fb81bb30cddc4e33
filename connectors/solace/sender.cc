#include "connectors/solace/sender.h"

#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>
#include <proton/session.h>
#include <proton/terminus.h>

#include <algorithm>

#include "connectors/solace/condition.h"
#include "connectors/solace/limits.h"
#include "server/base/codec.h"

namespace tidegate::solace {
namespace {

using connectors::Outcome;

Flight* FlightOf(pn_delivery_t* delivery) {
  return static_cast<Flight*>(pn_delivery_get_context(delivery));
}

// What the broker says of one message.
void CountOutcome(pn_delivery_t* delivery, Flight& flight) {
  pn_disposition_t* remote = pn_delivery_remote(delivery);
  switch (pn_delivery_remote_state(delivery)) {
    case PN_ACCEPTED: flight.Count(Outcome::kOk, OkStatus()); break;
    case PN_REJECTED:
      flight.Count(Outcome::kNo, RejectionOf(pn_disposition_condition(remote)));
      break;
    case PN_RELEASED:
      flight.Count(Outcome::kNo,
                   MakeError(ErrorClass::kNoRoute,
                             "publish to solace: released by the broker: nothing takes it now"));
      break;
    case PN_MODIFIED:
      flight.Count(Outcome::kNo,
                   MakeError(pn_disposition_is_undeliverable(remote)
                                 ? ErrorClass::kMessageRejected
                                 : ErrorClass::kOverloaded,
                             "publish to solace: given back by the broker"));
      break;
    default:
      flight.Count(Outcome::kUnknown,
                   MakeError(ErrorClass::kConnectionClosed,
                             "publish to solace: settled by the broker without an outcome"));
  }
}

void Finish(pn_delivery_t* delivery) {
  Flight* flight = FlightOf(delivery);
  if (flight == nullptr) return;  // nobody waits any more
  pn_delivery_set_context(delivery, nullptr);
  const auto it = std::find(flight->outstanding.begin(), flight->outstanding.end(), delivery);
  if (it != flight->outstanding.end()) *it = nullptr;
  if (--flight->open == 0) flight->event.Set();
}

}  // namespace

void Flight::Count(Outcome outcome, Status status) {
  switch (outcome) {
    case Outcome::kOk: ++ok; return;
    case Outcome::kNo: ++no; break;
    case Outcome::kUnknown: ++unknown; break;
  }
  if (why.ok()) why = std::move(status);
}

void Flight::Abandon() {
  for (pn_delivery_t*& delivery : outstanding) {
    if (delivery == nullptr) continue;
    pn_delivery_set_context(std::exchange(delivery, nullptr), nullptr);
    Count(Outcome::kUnknown, MakeError(ErrorClass::kTimeout,
                                       "publish to solace: no outcome before the deadline"));
  }
  open = 0;
}

void Sender::Open(ConnectionPtr connection) {
  connection_ = std::move(connection);
  address_ = connection_->TopicAddress(topic_);
  link_ = connection_->MakeSender("tidegate-" + RandomToken(8), *this);
  pn_terminus_set_type(pn_link_source(link_), PN_SOURCE);
  pn_terminus_t* target = pn_link_target(link_);
  pn_terminus_set_type(target, PN_TARGET);
  pn_terminus_set_address(target, address_.c_str());
  pn_link_set_snd_settle_mode(link_, PN_SND_UNSETTLED);
  pn_link_set_rcv_settle_mode(link_, PN_RCV_FIRST);
  pn_link_open(link_);
  connection_->Flush();
}

void Sender::Release() {
  if (link_ == nullptr) return;
  attached_ = false;
  status_ = MakeError(ErrorClass::kConnectionClosed, "publish to solace: the link was given up");
  EndDeliveries();
  connection_->ReleaseLink(std::exchange(link_, nullptr), false);
  WakeAll();
}

void Sender::Forget() {
  if (link_ == nullptr) return;
  EndDeliveries();
  connection_->ForgetLink(std::exchange(link_, nullptr));
}

void Sender::OnAttached() {
  attached_ = true;
  WakeAll();
}

void Sender::OnGone(const Status& status) {
  status_ = MakeError(ClassOf(status), "publish to solace: " + MessageOf(status));
  attached_ = false;
  EndDeliveries();
  link_ = nullptr;
  WakeAll();
}

// The link goes with its deliveries: what has no outcome yet is unknown, because of status_.
void Sender::EndDeliveries() {
  for (pn_delivery_t* delivery = pn_unsettled_head(link_); delivery != nullptr;
       delivery = pn_unsettled_next(delivery)) {
    Flight* flight = FlightOf(delivery);
    if (flight == nullptr) continue;
    // What the broker has said may have come with the end.
    if (pn_delivery_remote_state(delivery) != 0) {
      CountOutcome(delivery, *flight);
    } else {
      flight->Count(Outcome::kUnknown, status_);
    }
    Finish(delivery);
  }
}

void Sender::OnDelivery(pn_delivery_t* delivery) {
  if (!pn_delivery_updated(delivery)) return;
  const std::uint64_t state = pn_delivery_remote_state(delivery);
  if (state == PN_RECEIVED || (state == 0 && !pn_delivery_settled(delivery))) {
    pn_delivery_clear(delivery);
    return;
  }
  if (Flight* flight = FlightOf(delivery)) CountOutcome(delivery, *flight);
  Finish(delivery);
  pn_delivery_settle(delivery);
}

void Sender::OnCredit() {
  int credit = link_ != nullptr ? pn_link_credit(link_) : 0;
  for (Flight* flight : waiting_) {
    if (credit-- <= 0) break;
    flight->event.Set();
  }
}

bool Sender::idle() const {
  return waiting_.empty() && (link_ == nullptr || pn_link_unsettled(link_) == 0);
}

std::uint64_t Sender::bytes_max() const {
  return link_ != nullptr ? pn_link_remote_max_message_size(link_) : 0;
}

bool Sender::is_full() const {
  return link_ != nullptr && pn_session_outgoing_bytes(pn_link_session(link_)) > kBytesInFlightMax;
}

bool Sender::has_credit() const { return attached_ && pn_link_credit(link_) > 0; }

void Sender::Send(std::string_view bytes, Flight& flight) {
  const std::uint64_t tag = next_tag_++;
  const auto* raw = reinterpret_cast<const char*>(&tag);
  pn_delivery_t* delivery = pn_delivery(link_, pn_dtag(raw, sizeof tag));
  pn_delivery_set_context(delivery, &flight);
  flight.outstanding.push_back(delivery);
  ++flight.open;
  pn_link_send(link_, bytes.data(), bytes.size());
  pn_link_advance(link_);
}

void Sender::WakeAll() {
  for (Flight* flight : waiting_) flight->event.Set();
}

}  // namespace tidegate::solace
