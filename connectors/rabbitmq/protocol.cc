#include "connectors/rabbitmq/protocol.h"

#include <algorithm>

#include "server/base/strings.h"

namespace tidegate::rabbitmq {
namespace {

constexpr std::string_view kLogin = "log in to rabbitmq";
constexpr std::string_view kConnection = "rabbitmq connection";

// Two offers, of which 0 means "no limit".
std::uint32_t Lower(std::uint32_t a, std::uint32_t b) {
  if (a == 0 || b == 0) return std::max(a, b);
  return std::min(a, b);
}

CloseReason ReasonOf(const Method& method) {
  CloseReason reason;
  reason.code = method.code;
  reason.cause = method.cause;
  reason.text = Clean(method.text);
  return reason;
}

}  // namespace

Protocol::Protocol(Login login, ProtocolListener& listener)
    : login_(std::move(login)), listener_(listener) {}

void Protocol::Start() {
  out_.append(ProtocolHeader());
  state_ = State::kStart;
}

void Protocol::Feed(std::span<const char> bytes) {
  if (closed()) return;
  reader_.Append(bytes);
  while (!closed()) {
    auto frame = reader_.Next();
    if (!frame.ok()) return Fail(frame.status());
    if (!frame->has_value()) return;
    OnFrame(**frame);
  }
}

void Protocol::Fail(Status why) {
  if (closed()) return;
  state_ = State::kClosed;
  channel_state_ = ChannelState::kNone;
  listener_.OnClosed(std::move(why));
}

void Protocol::OnFrame(const Frame& frame) {
  switch (frame.type) {
    case FrameType::kHeartbeat: return;
    case FrameType::kHeader: return OnHeader(frame);
    case FrameType::kBody: return OnBody(frame);
    case FrameType::kMethod: break;
  }
  auto method = methods_.Decode(frame.payload);
  if (!method.ok()) return Fail(method.status());
  OnMethod(frame.channel, *method);
}

void Protocol::OnMethod(std::uint16_t channel, const Method& method) {
  if (channel == 0) return OnConnectionMethod(method);
  // What the broker had sent before it knew that a channel is over.
  if (channel != channel_ || channel_state_ == ChannelState::kNone) return;
  if (incoming_ != Incoming::kNothing && method.id != MethodId::kChannelClose) {
    return Fail(MakeError(ErrorClass::kConnectionClosed,
                          "rabbitmq: the server sent a method inside a message"));
  }
  OnChannelMethod(method);
}

void Protocol::OnConnectionMethod(const Method& method) {
  switch (method.id) {
    case MethodId::kConnectionStart: {
      if (state_ != State::kStart) break;
      const auto mechanisms = Split(method.text, ' ');
      if (std::find(mechanisms.begin(), mechanisms.end(), "PLAIN") == mechanisms.end()) {
        return Fail(MakeError(ErrorClass::kConfigInvalid,
                              "log in to rabbitmq: the server offers no PLAIN"));
      }
      methods_.AppendStartOk(out_, login_.username, login_.password, login_.connection_name);
      state_ = State::kTune;
      return;
    }
    case MethodId::kConnectionTune:
      if (state_ != State::kTune) break;
      return OnTune(method);
    case MethodId::kConnectionOpenOk:
      if (state_ != State::kOpening) break;
      state_ = State::kOpen;
      return listener_.OnOpen();
    case MethodId::kConnectionClose: {
      methods_.AppendCloseOk(out_);
      const bool opened = state_ == State::kOpen || state_ == State::kClosing;
      return Fail(ConnectionError(opened ? kConnection : kLogin, ReasonOf(method), opened));
    }
    case MethodId::kConnectionCloseOk:
      return Fail(MakeError(ErrorClass::kConnectionClosed, "rabbitmq: closed"));
    case MethodId::kConnectionBlocked: return listener_.OnBlocked(true, Clean(method.text));
    case MethodId::kConnectionUnblocked: return listener_.OnBlocked(false, std::string_view());
    default: break;
  }
  Fail(MakeError(ErrorClass::kConnectionClosed, "rabbitmq: the server sent a method out of turn"));
}

void Protocol::OnTune(const Method& method) {
  channel_max_ = static_cast<std::uint16_t>(Lower(method.channel_max, 2047));
  frame_max_ = Lower(method.frame_max, kFrameBytes);
  heartbeat_s_ = static_cast<std::uint16_t>(Lower(method.heartbeat, login_.heartbeat_s));
  if (frame_max_ < kFrameBytesMin) {
    return Fail(MakeError(ErrorClass::kConnectionClosed,
                          "log in to rabbitmq: the server's frames are smaller than allowed"));
  }
  reader_.set_frame_max(frame_max_);
  methods_.AppendTuneOk(out_, channel_max_, frame_max_, heartbeat_s_);
  methods_.AppendOpen(out_, login_.vhost);
  state_ = State::kOpening;
}

void Protocol::Close() {
  if (closed() || state_ == State::kClosing) return;
  methods_.AppendClose(out_);
  state_ = State::kClosing;
}

void Protocol::OpenChannel() {
  // A number of its own each time: late frames of the one before are told apart.
  channel_ = channel_ >= channel_max_ ? 1 : static_cast<std::uint16_t>(channel_ + 1);
  channel_state_ = ChannelState::kOpening;
  incoming_ = Incoming::kNothing;
  delivery_.reset();
  methods_.AppendChannelOpen(out_, channel_);
}

void Protocol::CloseChannel() {
  if (channel_state_ != ChannelState::kOpen) return;
  channel_state_ = ChannelState::kClosing;
  methods_.AppendChannelClose(out_, channel_);
}

void Protocol::EndChannel(const Method& method) {
  methods_.AppendChannelCloseOk(out_, channel_);
  channel_state_ = ChannelState::kNone;
  incoming_ = Incoming::kNothing;
  delivery_.reset();
  listener_.OnChannelClosed(ReasonOf(method));
}

void Protocol::OnChannelMethod(const Method& method) {
  switch (method.id) {
    case MethodId::kChannelClose: return EndChannel(method);
    case MethodId::kChannelCloseOk:
      channel_state_ = ChannelState::kNone;
      return listener_.OnReply(method);
    case MethodId::kChannelOpenOk:
      channel_state_ = ChannelState::kOpen;
      return listener_.OnReply(method);
    case MethodId::kChannelFlow: return methods_.AppendFlowOk(out_, channel_, method.active);
    case MethodId::kBasicAck: return listener_.OnConfirm(method.tag, method.multiple, true);
    case MethodId::kBasicNack: return listener_.OnConfirm(method.tag, method.multiple, false);
    case MethodId::kBasicCancel: return listener_.OnCancelled();
    case MethodId::kBasicDeliver:
      incoming_ = Incoming::kDelivery;
      has_header_ = false;
      delivery_ = std::make_unique<Delivery>();
      delivery_->metadata.reserve(8);
      delivery_->tag = method.tag;
      delivery_->redelivered = method.redelivered;
      delivery_->AddMetadata("deliveryTag", std::to_string(method.tag));
      delivery_->AddMetadata("exchange", method.exchange);
      delivery_->AddMetadata("routingKey", method.routing_key);
      delivery_->AddMetadata("redelivered", method.redelivered ? "true" : "false");
      return;
    case MethodId::kBasicReturn:
      incoming_ = Incoming::kReturn;
      has_header_ = false;
      delivery_ = std::make_unique<Delivery>();
      returned_.code = method.code;
      returned_.text = Clean(method.text);
      returned_.exchange = method.exchange;
      returned_.routing_key = method.routing_key;
      return;
    case MethodId::kExchangeDeclareOk:
    case MethodId::kQueueDeclareOk:
    case MethodId::kQueueBindOk:
    case MethodId::kQueueUnbindOk:
    case MethodId::kBasicQosOk:
    case MethodId::kBasicConsumeOk:
    case MethodId::kConfirmSelectOk: return listener_.OnReply(method);
    default: break;
  }
  Fail(MakeError(ErrorClass::kConnectionClosed, "rabbitmq: the server sent a method out of turn"));
}

void Protocol::OnHeader(const Frame& frame) {
  if (frame.channel != channel_ || channel_state_ == ChannelState::kNone) return;
  if (incoming_ == Incoming::kNothing || has_header_) {
    return Fail(MakeError(ErrorClass::kConnectionClosed,
                          "rabbitmq: the server sent a header out of turn"));
  }
  const auto size = ContentCodec::BodySize(frame.payload);
  const Status understood = contents_.Decode(frame.payload, *delivery_).status();
  // Whoever publishes chooses the header: ending the connection would bring the message again.
  if (!size || (!understood.ok() && incoming_ == Incoming::kReturn)) return Fail(understood);
  has_header_ = true;
  left_ = *size;
  skipping_ = incoming_ == Incoming::kReturn || left_ > kMessageBytesMax || !understood.ok();
  if (!skipping_) delivery_->body.reserve(left_);
  if (left_ == 0) Finish();
}

void Protocol::OnBody(const Frame& frame) {
  if (frame.channel != channel_ || channel_state_ == ChannelState::kNone) return;
  if (incoming_ == Incoming::kNothing || !has_header_ || frame.payload.size() > left_) {
    return Fail(MakeError(ErrorClass::kConnectionClosed,
                          "rabbitmq: the server sent content out of turn"));
  }
  if (!skipping_) delivery_->body.append(frame.payload);
  left_ -= frame.payload.size();
  if (left_ == 0) Finish();
}

void Protocol::Finish() {
  const Incoming kind = incoming_;
  incoming_ = Incoming::kNothing;
  DeliveryPtr delivery = std::move(delivery_);
  if (kind == Incoming::kReturn) {
    returned_.message_id = std::move(delivery->message_id);
    return listener_.OnReturn(returned_);
  }
  if (skipping_) return listener_.OnOversized(delivery->tag);
  listener_.OnDelivery(std::move(delivery));
}

void Protocol::Publish(std::string_view exchange, std::string_view routing_key, bool mandatory,
                       const Content& content) {
  methods_.AppendPublish(out_, channel_, exchange, routing_key, mandatory);
  contents_.Append(out_, channel_, content, frame_max_);
}

}  // namespace tidegate::rabbitmq
