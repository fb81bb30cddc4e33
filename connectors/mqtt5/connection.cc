#include "connectors/mqtt5/connection.h"

#include <algorithm>
#include <cstring>

#include "connectors/mqtt5/limits.h"
#include "connectors/mqtt5/reason.h"
#include "server/base/limits.h"

namespace tidegate::mqtt5 {
namespace {

std::chrono::milliseconds Left(TimePoint deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  return std::max(left, std::chrono::milliseconds(1));
}

}  // namespace

Connection::Connection(net::Worker& worker, net::ByteStreamPtr stream, std::string server)
    : worker_(worker), stream_(std::move(stream)), server_(std::move(server)), answered_(worker),
      subscribed_(worker), room_(worker), finished_(worker), last_sent_(Clock::now()),
      last_received_(last_sent_) {}

Connection::~Connection() { Cancel(); }

Task<StatusOr<ConnectionPtr>> Connection::Open(net::Worker& worker, net::ByteStreamPtr stream,
                                               Connect connect, std::string server,
                                               TimePoint deadline, ConnectionEvents& events,
                                               Redirect* redirect) {
  ConnectionPtr made(new Connection(worker, std::move(stream), std::move(server)));
  EncodeConnect(made->out_, connect);
  made->events_ = &events;
  made->keep_alive_ = connect.keep_alive;
  made->aliases_.resize(connect.topic_alias_maximum);
  made->Flush();
  worker.Spawn("mqtt5.read", ReadLoop(made));
  const bool answered = co_await made->answered_.WaitFor(Left(deadline));
  if (!answered) {
    made->End(MakeError(ErrorClass::kConnectFailed,
                        "connect mqtt5 " + made->server_ + ": no CONNACK in time"));
  }
  if (made->state_ != State::kOpen) {
    made->Detach();
    redirect->reference = made->redirect_;
    redirect->for_good = made->last_reason_ == kServerMoved;
    co_return made->ended_;
  }
  made->ArmKeepAlive();
  co_return made;
}

// ---- reading

Task<void> Connection::ReadLoop(ConnectionPtr self) {
  Status why = co_await self->ReadAll();
  self->End(std::move(why));
  self->finished_.Set();
}

Task<Status> Connection::ReadAll() {
  while (state_ != State::kClosed) {
    while (state_ == State::kOpen && events_ != nullptr && !events_->HasRoom()) {
      paused_ = true;
      co_await room_.WaitFor(kQos0Patience);
      paused_ = false;
    }
    if (begin_ == end_) {
      begin_ = end_ = 0;
      if (in_.size() > kReadBufferBytes) std::vector<char>().swap(in_);
    }
    const std::size_t size = std::max(kReadBufferBytes, wanted_);
    if (in_.size() < size) in_.resize(size);
    if (begin_ > 0 && in_.size() - begin_ < size) {
      std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    const std::span<char> room(in_.data() + end_, in_.size() - end_);
    const net::IoResult got = co_await stream_->ReadSome(room);
    if (state_ == State::kClosed) break;
    if (got.ec) {
      co_return Lost(got.ec);
    }
    end_ += got.bytes;
    last_received_ = Clock::now();
    const Status status = Consume();
    if (!status.ok()) co_return status;
  }
  co_return ended_;
}

Status Connection::Consume() {
  bool any = false;
  while (begin_ < end_) {
    const Frame frame =
        NextFrame(std::string_view(in_.data() + begin_, end_ - begin_), kPacketBytesMax);
    if (frame.state == FrameState::kMalformed) {
      return Broken(kMalformedPacket, "a malformed packet length");
    }
    if (frame.state == FrameState::kTooLarge) {
      return Broken(kPacketTooLarge, "a packet larger than announced");
    }
    wanted_ = frame.size;
    if (frame.state == FrameState::kNeedMore) break;
    begin_ += frame.size;
    wanted_ = 0;
    TG_RETURN_IF_ERROR(Handle(frame));
    any = true;
  }
  if (any && events_ != nullptr && state_ == State::kOpen) events_->OnTurn();
  return OkStatus();
}

Status Connection::Handle(const Frame& frame) {
  if (state_ == State::kClosing || state_ == State::kClosed) return OkStatus();
  const PacketType type = TypeOf(frame.first);
  if (state_ == State::kHandshake) {
    if (type != PacketType::kConnack) return Broken(kProtocolError, "no CONNACK came first");
    return HandleConnack(frame);
  }
  switch (type) {
    case PacketType::kPublish: return HandlePublish(frame);
    case PacketType::kPuback: {
      const auto packet = DecodePuback(frame.first, frame.body);
      if (!packet) return Broken(kMalformedPacket, "a malformed PUBACK");
      if (events_ != nullptr) events_->OnPuback(*packet);
      return OkStatus();
    }
    case PacketType::kSuback:
    case PacketType::kUnsuback: return HandleSuback(frame);
    case PacketType::kPingresp: ping_sent_.reset(); return OkStatus();
    case PacketType::kDisconnect: return HandleDisconnect(frame);
    default: return Broken(kProtocolError, "a packet that clients are not sent");
  }
}

Status Connection::HandleConnack(const Frame& frame) {
  auto packet = DecodeConnack(frame.first, frame.body);
  if (!packet) return Broken(kMalformedPacket, "a malformed CONNACK");
  connack_ = std::move(*packet);
  if (connack_.reason != 0) {
    redirect_ = connack_.server_reference;
    last_reason_ = connack_.reason;
    Status refused = ReasonError("connect mqtt5 " + server_, connack_.reason,
                                 connack_.reason_text);
    const ErrorClass error_class = ClassOf(refused);
    if (connack_.reason == kNotAuthorizedReason) {
      // Nobody who may not even connect has been recognised: brokers say so of a wrong password.
      refused = MakeError(ErrorClass::kAuthFailed, MessageOf(refused));
    } else if (error_class == ErrorClass::kConnectionClosed ||
               error_class == ErrorClass::kMessageRejected || error_class == ErrorClass::kFatal) {
      refused = MakeError(ErrorClass::kConnectFailed, MessageOf(refused));
    }
    return refused;
  }
  if (connack_.server_keep_alive) keep_alive_ = *connack_.server_keep_alive;
  state_ = State::kOpen;
  if (events_ != nullptr) events_->OnConnected(*this);
  answered_.Set();
  return OkStatus();
}

Status Connection::HandlePublish(const Frame& frame) {
  auto packet = DecodePublish(frame.first, frame.body);
  if (!packet) return Broken(kMalformedPacket, "a malformed PUBLISH");
  if (packet->topic_alias > 0) {
    if (packet->topic_alias > aliases_.size()) {
      return Broken(0x94, "a topic alias beyond what was announced");
    }
    std::string& alias = aliases_[packet->topic_alias - 1];
    if (!packet->topic.empty()) {
      alias = std::string(packet->topic);
    } else if (alias.empty()) {
      return Broken(kProtocolError, "a topic alias that stands for nothing");
    }
    packet->topic = alias;
  }
  if (events_ != nullptr) events_->OnPublish(*packet);
  return OkStatus();
}

Status Connection::HandleSuback(const Frame& frame) {
  const auto packet = DecodeSuback(frame.first, frame.body);
  if (!packet) return Broken(kMalformedPacket, "a malformed SUBACK");
  const std::size_t index = static_cast<std::uint16_t>(packet->packet_id - first_wanted_);
  if (answers_left_ == 0 || index >= reasons_.size()) return OkStatus();  // its waiter gave up
  if (TypeOf(frame.first) == PacketType::kSuback) {
    reasons_[index] = static_cast<std::uint8_t>(packet->reasons.front());
  }
  if (--answers_left_ == 0) subscribed_.Set();
  return OkStatus();
}

Status Connection::HandleDisconnect(const Frame& frame) {
  const auto packet = DecodeDisconnect(frame.first, frame.body);
  if (!packet) return Broken(kMalformedPacket, "a malformed DISCONNECT");
  redirect_ = std::string(packet->server_reference);
  last_reason_ = packet->reason;
  Status why = ReasonError("mqtt5 " + server_ + ": the broker has disconnected", packet->reason,
                           packet->reason_text);
  const ErrorClass error_class = ClassOf(why);
  if (error_class == ErrorClass::kConnectFailed || error_class == ErrorClass::kMessageRejected ||
      error_class == ErrorClass::kFatal) {
    why = MakeError(ErrorClass::kConnectionClosed, MessageOf(why));
  }
  if (packet->reason == kSessionTakenOver) why = WithReason(std::move(why), "SESSION_TAKEN_OVER");
  return why;
}

// ---- writing

void Connection::Flush() {
  if (writing_ || state_ == State::kClosed) return;
  ErrorCode ec;
  while (sent_ < out_.size()) {
    const asio::const_buffer rest(out_.data() + sent_, out_.size() - sent_);
    const std::size_t size =
        stream_->TryWrite(std::span<const asio::const_buffer>(&rest, 1), ec);
    if (ec || size == 0) break;
    sent_ += size;
    last_sent_ = Clock::now();
  }
  if (ec) {
    // The reading task sees the same and ends; what came before may still be read.
    return End(Lost(ec));
  }
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
    if (out_.capacity() > 4 * kReadBufferBytes) out_.shrink_to_fit();
    return;
  }
  // A buffer that is never quite empty would keep everything that ever went through it.
  if (sent_ >= kOutSentMax && sent_ >= out_.size() / 2) {
    out_.erase(0, sent_);
    sent_ = 0;
  }
  writing_ = true;
  stream_->NotifyWritable(*this);
}

void Connection::OnWritable(ErrorCode ec) {
  writing_ = false;
  if (!ec) return Flush();
  End(Lost(ec));
}

void Connection::ScheduleFlush() {
  if (flush_due_) return;
  flush_due_ = true;
  worker_.Post([self = shared_from_this()] {
    self->flush_due_ = false;
    self->Flush();
  });
}

// ---- subscribing

Task<StatusOr<std::vector<std::uint8_t>>> Connection::Subscribe(
    std::vector<Subscription> filters, std::uint8_t qos, std::uint8_t retain_handling,
    TimePoint deadline) {
  const ConnectionPtr self = shared_from_this();
  reasons_.assign(filters.size(), kUnspecified);
  answers_left_ = filters.size();
  first_wanted_ = static_cast<std::uint16_t>(next_id_ + 1);
  subscribed_.Reset();
  for (const Subscription& filter : filters) {
    mqtt5::Subscribe packet;
    packet.packet_id = ++next_id_;
    packet.subscription_id = connack_.subscription_id_available ? filter.id : 0;
    packet.qos = std::min(qos, connack_.maximum_qos);
    packet.retain_handling = retain_handling;
    packet.filter = filter.filter;
    EncodeSubscribe(out_, packet);
  }
  Flush();
  if (state_ == State::kOpen) co_await subscribed_.WaitFor(Left(deadline));
  if (state_ != State::kOpen) co_return ended_;
  if (answers_left_ > 0) {
    answers_left_ = 0;
    co_return MakeError(ErrorClass::kTimeout, "subscribe at mqtt5 " + server_ + ": no SUBACK");
  }
  co_return reasons_;
}

Task<Status> Connection::Unsubscribe(std::vector<std::string> filters, TimePoint deadline) {
  const ConnectionPtr self = shared_from_this();
  reasons_.assign(1, 0);
  answers_left_ = 1;
  first_wanted_ = ++next_id_;
  subscribed_.Reset();
  EncodeUnsubscribe(out_, next_id_, filters);
  Flush();
  if (state_ == State::kOpen) co_await subscribed_.WaitFor(Left(deadline));
  if (state_ != State::kOpen) co_return ended_;
  co_return OkStatus();
}

// ---- keep alive and the end

void Connection::ArmKeepAlive() {
  if (keep_alive_ == 0) return;  // the server asked for none
  worker_.wheel().Arm(*this, std::chrono::milliseconds(keep_alive_ * 250));
}

std::chrono::milliseconds Connection::PingTimeout() const {
  return std::clamp<std::chrono::milliseconds>(std::chrono::milliseconds(keep_alive_ * 500),
                                               kPingTimeoutMin, kPingTimeoutMax);
}

void Connection::OnTimer() {
  if (state_ != State::kOpen) return;
  const TimePoint now = Clock::now();
  // While we do not read, the answer may wait behind what nobody has room for.
  // Whatever comes is a sign of life: a PINGRESP may stand behind many messages.
  const std::chrono::milliseconds timeout = PingTimeout();
  if (ping_sent_ && !paused_ && now - std::max(*ping_sent_, last_received_) > timeout) {
    const ConnectionPtr self = shared_from_this();
    return End(MakeError(ErrorClass::kConnectionClosed,
                         "mqtt5 " + server_ + ": no answer to a ping within " +
                             std::to_string(timeout.count()) + " ms"));
  }
  const auto quiet = now - std::min(last_sent_, last_received_);
  if (!ping_sent_ && quiet >= std::chrono::milliseconds(keep_alive_ * 500)) {
    EncodePingreq(out_);
    ping_sent_ = now;
    Flush();
  } else if (ping_sent_ && paused_ &&
             now - last_sent_ >= std::chrono::milliseconds(keep_alive_ * 500)) {
    EncodePingreq(out_);
    Flush();
  }
  if (state_ == State::kOpen) ArmKeepAlive();
}

Status Connection::Broken(std::uint8_t reason, std::string_view what) {
  if (state_ == State::kOpen) {
    EncodeDisconnect(out_, reason);
    Flush();
  }
  return MakeError(state_ == State::kHandshake ? ErrorClass::kConnectFailed
                                               : ErrorClass::kConnectionClosed,
                   "mqtt5 " + server_ + ": the broker has sent " + std::string(what));
}

Status Connection::Lost(ErrorCode ec) const {
  const std::string text = "mqtt5 " + server_ + ": the connection was lost: " + ec.message();
  return MakeError(state_ == State::kHandshake ? ErrorClass::kConnectFailed
                                               : ErrorClass::kConnectionClosed,
                   text);
}

void Connection::Abort(std::uint8_t reason, std::string_view what) { End(Broken(reason, what)); }

void Connection::End(Status why) {
  if (state_ == State::kClosed) return;
  const bool told = state_ == State::kOpen;
  state_ = State::kClosed;
  ended_ = std::move(why);
  Cancel();
  stream_->Close();
  answered_.Set();
  subscribed_.Set();
  room_.Set();
  if (!told) return;
  worker_.Post([self = shared_from_this()] {
    if (ConnectionEvents* events = std::exchange(self->events_, nullptr)) {
      events->OnClosed(self->ended_);
    }
  });
}

Task<void> Connection::Close() {
  const ConnectionPtr self = shared_from_this();
  Detach();
  if (state_ == State::kOpen) {
    EncodeDisconnect(out_, 0);
    state_ = State::kClosing;
    room_.Set();
    const TimePoint until = Clock::now() + kFarewell;
    Flush();
    while (writing_ && Clock::now() < until) co_await worker_.wheel().Sleep(kWheelTick);
    // The broker hangs up once it has read everything; closing before that could lose our last
    // words to a reset.
    if (state_ == State::kClosing) {
      stream_->ShutdownWrite();
      co_await finished_.WaitFor(Left(until));
    }
  }
  End(MakeError(ErrorClass::kConnectionClosed, "mqtt5 " + server_ + ": closed by ourselves"));
}

}  // namespace tidegate::mqtt5
