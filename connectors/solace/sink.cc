#include "connectors/solace/sink.h"

#include <algorithm>

#include "connectors/solace/limits.h"
#include "server/base/codec.h"
#include "server/base/limits.h"
#include "server/telemetry/metrics.h"

namespace tidegate::solace {
namespace {

using connectors::Outcome;
using connectors::OutMessage;
using connectors::PublishResult;
using std::chrono::milliseconds;

milliseconds Left(TimePoint deadline) {
  return std::chrono::ceil<milliseconds>(deadline - Clock::now());
}

Status TooLarge(std::uint64_t most) {
  Status status = MakeError(ErrorClass::kMessageRejected,
                            "publish to solace: the message is larger than " +
                                std::to_string(most) + " bytes with its headers");
  return WithReason(std::move(status), "MESSAGE_TOO_LARGE");
}

Status Overloaded(const char* what) {
  return MakeError(ErrorClass::kOverloaded, std::string("publish to solace: ") + what);
}

// Several topics: any failure is the result, and it is a definite no only when no topic may have
// it.
PublishResult ResultOf(const Flight& flight) {
  if (flight.no == 0 && flight.unknown == 0) return PublishResult();
  const bool definite = flight.ok == 0 && flight.unknown == 0;
  return PublishResult(definite ? Outcome::kNo : Outcome::kUnknown, flight.why);
}

}  // namespace

// A publish that counts, until it has ended.
class SinkCore::Admission {
 public:
  Admission(SinkCore& core, std::size_t bytes) : core_(core), bytes_(bytes) {
    ++core_.inflight_;
    core_.bytes_ += bytes_;
    core_.shared_->publishing.fetch_add(1, std::memory_order_relaxed);
  }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;
  ~Admission() {
    --core_.inflight_;
    core_.bytes_ -= bytes_;
    core_.shared_->publishing.fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  SinkCore& core_;
  const std::size_t bytes_;
};

// A flight's place in a queue of those who wait, until it leaves.
class SinkCore::Waiting {
 public:
  Waiting(std::deque<Flight*>& queue, Flight& flight) : queue_(queue), flight_(flight) {
    queue_.push_back(&flight);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { queue_.erase(std::find(queue_.begin(), queue_.end(), &flight_)); }

 private:
  std::deque<Flight*>& queue_;
  Flight& flight_;
};

SinkCore::SinkCore(SharedPtr shared, net::Worker& worker)
    : shared_(std::move(shared)), worker_(worker) {
  frame_.durable = shared_->config.producer.persistent;
  frame_.ttl_ms = shared_->config.producer.ttl_ms;
}

SinkCore::~SinkCore() {
  for (const auto& entry : senders_) entry.second->Forget();
}

Task<PublishResult> SinkCore::Publish(const OutMessage& message, TimePoint deadline) {
  const TimePoint begun = Clock::now();
  PublishResult result = co_await Run(message, deadline);
  shared_->monitor->published(result.outcome).Add();
  if (result.outcome == Outcome::kOk) shared_->monitor->confirmed().Observe(Clock::now() - begun);
  co_return result;
}

Task<PublishResult> SinkCore::Run(const OutMessage& message, TimePoint deadline) {
  const auto self = shared_from_this();
  const std::size_t size = connectors::SizeOf(message);
  if (size > shared_->config.message_bytes_max) {
    co_return PublishResult(Outcome::kNo, TooLarge(shared_->config.message_bytes_max));
  }
  if (inflight_ >= kPublishesInFlightMax || bytes_ + size > kBytesInFlightMax) {
    co_return PublishResult(Outcome::kNo, Overloaded("too many in flight"));
  }
  if (Clock::now() >= deadline) {
    co_return PublishResult(Outcome::kNo, MakeError(ErrorClass::kTimeout,
                                                    "publish to solace: the deadline has passed"));
  }
  const Admission admission(*this, size);
  used_at_ = Clock::now();
  Flight flight(worker_);
  const std::vector<std::string>& configured = shared_->config.producer.topics;
  const std::span<const std::string> topics =
      message.topics.empty() ? std::span<const std::string>(configured) : message.topics;
  Status status = co_await Connected(flight, deadline);
  for (std::size_t i = 0; i < topics.size() && status.ok(); ++i) {
    status = co_await Attached(topics[i], flight, deadline);
  }
  if (!status.ok()) co_return PublishResult(Outcome::kNo, std::move(status));
  for (const std::string& topic : topics) {
    status = co_await SendTo(topic, message, flight, deadline);
    if (!status.ok()) flight.Count(Outcome::kNo, std::move(status));
  }
  if (flight.open > 0) co_await Outcomes(flight, deadline);
  co_return ResultOf(flight);
}

Task<Status> SinkCore::Connected(Flight& flight, TimePoint deadline) {
  if (connection_ != nullptr && connection_->open()) co_return OkStatus();
  if (!connecting_) {
    // A broker that is away is not asked by every publish.
    if (Clock::now() < retry_at_) co_return connect_status_;
    connecting_ = true;
    worker_.Spawn("solace.connect", Connect(shared_from_this()));
  }
  const Waiting waiting(waiting_, flight);
  while (connecting_) {
    const milliseconds left = Left(deadline);
    if (left <= milliseconds(0)) {
      co_return MakeError(ErrorClass::kConnectFailed,
                          "publish to solace: not connected before the deadline");
    }
    co_await flight.event.WaitFor(left);
  }
  if (connection_ != nullptr && connection_->open()) co_return OkStatus();
  co_return connect_status_;
}

Task<void> SinkCore::Connect(std::shared_ptr<SinkCore> self) {
  self->DropSenders();
  std::string container = "tidegate-" + RandomToken(8);
  self->id_prefix_ = container + "-";
  auto opened = co_await Connection::Open(self->shared_, self->worker_, std::move(container),
                                          Clock::now() + kConnectTimeout);
  self->connecting_ = false;
  self->connect_status_ = opened.status();
  if (opened.ok()) {
    self->connection_ = std::move(*opened);
    const std::string& reply_to = self->shared_->config.producer.response_topic;
    if (!reply_to.empty()) self->frame_.reply_to = self->connection_->TopicAddress(reply_to);
    self->worker_.wheel().Arm(*self, milliseconds(kClientLinger));
  } else {
    const bool refused = ClassOf(opened.status()) == ErrorClass::kAuthFailed;
    self->retry_at_ = Clock::now() + (refused ? milliseconds(kLockOutPause)
                                              : milliseconds(kPublishRetryPause));
  }
  for (Flight* flight : self->waiting_) flight->event.Set();
}

// The link of a topic. One that has ended is made anew when nobody waits for the old one.
Sender& SinkCore::SenderFor(const std::string& topic) {
  const auto it = senders_.find(topic);
  if (it != senders_.end()) {
    Sender& known = *it->second;
    if (!known.ended() || !known.waiting().empty()) return known;
    senders_.erase(it);
  }
  if (senders_.size() >= kSendersMax) {
    for (auto old = senders_.begin(); old != senders_.end();) {
      if (!old->second->idle()) {
        ++old;
        continue;
      }
      old->second->Release();
      old = senders_.erase(old);
    }
  }
  Sender& sender = *senders_.emplace(topic, std::make_unique<Sender>(topic)).first->second;
  sender.Open(connection_);
  return sender;
}

Task<Status> SinkCore::Attached(const std::string& topic, Flight& flight, TimePoint deadline) {
  if (connection_ == nullptr || !connection_->open()) {
    co_return MakeError(ErrorClass::kConnectionClosed,
                        "publish to solace: the connection has gone");
  }
  if (senders_.size() >= 2 * kSendersMax) co_return Overloaded("too many topics at once");
  Sender& sender = SenderFor(topic);
  if (sender.attached()) co_return OkStatus();
  const Waiting waiting(sender.waiting(), flight);
  while (!sender.attached() && !sender.ended()) {
    const milliseconds left = Left(deadline);
    if (left <= milliseconds(0)) {
      co_return MakeError(ErrorClass::kConnectFailed,
                          "publish to solace: the broker did not attach the link in time");
    }
    co_await flight.event.WaitFor(left);
  }
  if (sender.ended()) co_return sender.status();
  co_return OkStatus();
}

// Waits for credit and sends; a status is a definite no.
Task<Status> SinkCore::SendTo(const std::string& topic, const OutMessage& message, Flight& flight,
                              TimePoint deadline) {
  const auto it = senders_.find(topic);
  if (it == senders_.end() || it->second->ended()) {
    co_return it == senders_.end() ? Overloaded("the link was given up") : it->second->status();
  }
  Sender& sender = *it->second;
  if (!sender.has_credit()) {
    const Waiting waiting(sender.waiting(), flight);
    while (!sender.ended() && !sender.has_credit()) {
      const milliseconds left = Left(deadline);
      if (left <= milliseconds(0)) co_return Overloaded("the broker takes no more now");
      co_await flight.event.WaitFor(left);
    }
  }
  if (sender.ended()) co_return sender.status();
  if (sender.is_full()) co_return Overloaded("the broker does not read");
  const std::string id = id_prefix_ + std::to_string(++next_id_);
  TG_CO_RETURN_IF_ERROR(codec_.Encode(message, frame_, sender.address(), id, encoded_));
  const std::uint64_t most = sender.bytes_max();
  if (most != 0 && encoded_.size() > most) co_return TooLarge(most);
  sender.Send(encoded_, flight);
  FlushSoon();
  co_return OkStatus();
}

Task<void> SinkCore::Outcomes(Flight& flight, TimePoint deadline) {
  while (flight.open > 0) {
    const milliseconds left = Left(deadline);
    if (left <= milliseconds(0)) break;
    co_await flight.event.WaitFor(left);
  }
  if (flight.open == 0) co_return;
  flight.Abandon();
}

// What several publishes say in one turn of the loop is one write.
void SinkCore::FlushSoon() {
  if (flush_due_) return;
  flush_due_ = true;
  worker_.Post([self = shared_from_this()] {
    self->flush_due_ = false;
    if (self->connection_ != nullptr) self->connection_->Flush();
  });
}

// Those of an earlier connection: their links are ended, who still waits finds that out.
void SinkCore::DropSenders() {
  for (auto it = senders_.begin(); it != senders_.end();) {
    Sender& sender = *it->second;
    sender.Release();
    it = sender.waiting().empty() ? senders_.erase(it) : std::next(it);
  }
}

void SinkCore::OnTimer() {
  const auto self = shared_from_this();
  const auto idle = Clock::now() - used_at_;
  if (inflight_ > 0 || idle < kClientLinger) {
    const auto left = std::max<Clock::duration>(kClientLinger - idle, kWheelTick);
    worker_.wheel().Arm(*this, std::chrono::ceil<milliseconds>(left));
    return;
  }
  Retire();
}

namespace {

Task<void> CloseConnection(ConnectionPtr connection) { co_await connection->Close(); }

}  // namespace

void SinkCore::Retire() {
  WheelTimer::Cancel();
  const ConnectionPtr connection = std::exchange(connection_, nullptr);
  if (connection == nullptr) return;
  worker_.Spawn("solace.close", CloseConnection(connection));
}

}  // namespace tidegate::solace
