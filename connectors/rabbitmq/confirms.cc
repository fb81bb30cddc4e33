#include "connectors/rabbitmq/confirms.h"

#include <optional>

#include "connectors/rabbitmq/method_codec.h"
#include "server/base/codec.h"
#include "server/base/strings.h"

namespace tidegate::rabbitmq {
namespace {

using connectors::Outcome;
using connectors::PublishResult;

std::size_t HashOf(std::string_view text) { return std::hash<std::string_view>()(text); }

// The exchange that a close is about: "… exchange 'NAME' …" in the broker's words.
std::optional<std::size_t> ExchangeIn(std::string_view text) {
  constexpr std::string_view kBefore = "exchange '";
  const std::size_t at = text.find(kBefore);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(at + kBefore.size());
  const std::size_t end = rest.find("' in vhost");
  if (end == std::string_view::npos) return std::nullopt;
  return HashOf(rest.substr(0, end));
}

}  // namespace

std::string Confirms::NewToken() { return RandomToken(8) + "-"; }

std::string Confirms::IdOf(std::uint64_t tag) const { return token_ + std::to_string(tag); }

Confirms::Place Confirms::PlaceOf(std::string_view exchange, std::string_view routing_key) {
  return {HashOf(exchange), HashOf(routing_key)};
}

void Confirms::Add(std::uint32_t slot, const Place& place, std::string own_id) {
  Waiting& waiting = waiting_.emplace_back();
  waiting.slot = slot;
  waiting.place = place;
  waiting.own_id = std::move(own_id);
  ++unsettled_;
}

void Confirms::End(Waiting& waiting, PublishResult result) {
  if (waiting.settled) return;
  waiting.settled = true;
  --unsettled_;
  settle_(waiting.slot, std::move(result));
}

void Confirms::Confirm(Waiting& waiting, bool ack) {
  if (!ack) {
    End(waiting, PublishResult(Outcome::kNo,
                               MakeError(ErrorClass::kOverloaded,
                                         "publish to rabbitmq: the broker could not take the "
                                         "message (nack): a queue is full or has failed")));
    return;
  }
  if (waiting.returned.ok()) return End(waiting, PublishResult());
  End(waiting, PublishResult(Outcome::kNo, std::move(waiting.returned)));
}

void Confirms::OnConfirm(std::uint64_t tag, bool multiple, bool ack) {
  if (tag < first_ || tag >= next()) return;
  const std::size_t last = static_cast<std::size_t>(tag - first_);
  for (std::size_t i = multiple ? 0 : last; i <= last; ++i) Confirm(waiting_[i], ack);
  while (!waiting_.empty() && waiting_.front().settled) {
    waiting_.pop_front();
    ++first_;
  }
}

void Confirms::OnReturn(const Returned& returned) {
  const Status why = ReturnError(returned.code, returned.text);
  if (StartsWith(returned.message_id, token_)) {
    const auto tag = ParseUint(std::string_view(returned.message_id).substr(token_.size()));
    if (tag && *tag >= first_ && *tag < next()) {
      waiting_[static_cast<std::size_t>(*tag - first_)].returned = why;
    }
    return;
  }
  // Several may have one id, of one client or of many. Where they were sent to tells them apart; to
  // one place the broker returns them in their order.
  const Place place = PlaceOf(returned.exchange, returned.routing_key);
  for (Waiting& waiting : waiting_) {
    if (waiting.settled || !waiting.returned.ok() || waiting.own_id != returned.message_id ||
        waiting.place != place) {
      continue;
    }
    waiting.returned = why;
    return;
  }
}

void Confirms::OnChannelClosed(const CloseReason& reason) {
  constexpr std::size_t kNobody = static_cast<std::size_t>(-1);
  const bool publish = reason.cause == static_cast<std::uint32_t>(MethodId::kBasicPublish);
  const std::optional<std::size_t> exchange = ExchangeIn(reason.text);
  std::size_t last = kNobody;
  if (publish) {
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      if (waiting_[i].settled) continue;
      if (!exchange || waiting_[i].place.exchange == *exchange) last = i;
    }
  }
  const Status why = ChannelError("publish to rabbitmq", reason);
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    // The offending one is the last that fits, or before it: from there on nothing was taken.
    const bool certain = last != kNobody && i >= last;
    End(waiting_[i], PublishResult(certain ? Outcome::kNo : Outcome::kUnknown, why));
  }
  Restart();
}

void Confirms::OnLost(const Status& why) {
  for (Waiting& waiting : waiting_) End(waiting, PublishResult(Outcome::kUnknown, why));
  Restart();
}

void Confirms::Restart() {
  waiting_.clear();
  first_ = 1;
}

}  // namespace tidegate::rabbitmq
