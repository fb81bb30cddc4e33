#include "connectors/solace/receiver.h"

#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>
#include <proton/terminus.h>

#include <algorithm>

#include "connectors/solace/limits.h"
#include "connectors/solace/source_core.h"

namespace tidegate::solace {

void Receiver::Open(Connection& connection, const Spec& spec) {
  attached_ = false;
  status_ = OkStatus();
  partial_.clear();
  oversized_ = false;
  link_ = connection.MakeReceiver(spec.link_name, *this, spec.session_bytes);
  pn_terminus_t* source = pn_link_source(link_);
  pn_terminus_set_type(source, PN_SOURCE);
  pn_terminus_set_address(source, spec.address.c_str());
  if (spec.durable) {
    pn_terminus_set_durability(source, PN_CONFIGURATION);
    pn_terminus_set_expiry_policy(source, PN_EXPIRE_NEVER);
  } else {
    pn_terminus_set_expiry_policy(source, PN_EXPIRE_WITH_LINK);
  }
  pn_terminus_set_type(pn_link_target(link_), PN_TARGET);
  pn_link_set_snd_settle_mode(link_, spec.presettled ? PN_SND_SETTLED : PN_SND_UNSETTLED);
  pn_link_set_rcv_settle_mode(link_, PN_RCV_FIRST);
  pn_link_set_max_message_size(link_, kIncomingBytesMax);
  pn_link_open(link_);
}

void Receiver::OnAttached() {
  attached_ = true;
  core_.OnChange();
}

void Receiver::OnGone(const Status& status) {
  status_ = status;
  attached_ = false;
  link_ = nullptr;
  core_.OnLinkGone(*this);
}

void Receiver::OnDelivery(pn_delivery_t* delivery) {
  if (pn_delivery_settled(delivery) && !pn_delivery_readable(delivery)) {
    core_.OnSettledByPeer(delivery);
  }
  core_.OnChange();
}

int Receiver::Grant(int wanted) {
  if (!attached_) return 0;
  const int more = wanted - pn_link_credit(link_);
  if (more <= 0) return 0;
  pn_link_flow(link_, more);
  granted_ += more;
  return more;
}

pn_delivery_t* Receiver::TakeNext(std::string& bytes) {
  while (link_ != nullptr) {
    pn_delivery_t* delivery = pn_link_current(link_);
    if (delivery == nullptr || !pn_delivery_readable(delivery)) return nullptr;
    if (!pn_delivery_aborted(delivery)) {
      const std::size_t pending = pn_delivery_pending(delivery);
      const std::size_t before = partial_.size();
      partial_.resize(before + pending);
      if (pending > 0) {
        const ssize_t got = pn_link_recv(link_, partial_.data() + before, pending);
        partial_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      }
      if (partial_.size() > kIncomingBytesMax) {
        oversized_ = true;
        std::string().swap(partial_);
      }
      if (pn_delivery_partial(delivery)) return nullptr;
      Advance();
      if (!oversized_) {
        bytes = std::move(partial_);
        partial_ = std::string();
        return delivery;
      }
      pn_delivery_update(delivery, PN_REJECTED);
    } else {
      Advance();
    }
    const bool rejected = oversized_;
    oversized_ = false;
    partial_.clear();
    pn_delivery_settle(delivery);
    core_.OnDropped(rejected ? "too-large" : "aborted");
  }
  return nullptr;
}

void Receiver::Advance() {
  pn_link_advance(link_);
  --granted_;
  core_.OnTaken();
}

void Receiver::ReleaseUntaken() {
  while (link_ != nullptr) {
    pn_delivery_t* delivery = pn_link_current(link_);
    if (delivery == nullptr) return;
    Advance();
    pn_delivery_update(delivery, PN_RELEASED);
    pn_delivery_settle(delivery);
  }
}

}  // namespace tidegate::solace
