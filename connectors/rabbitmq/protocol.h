// One AMQP 0-9-1 connection with one channel, as a machine that never touches a socket: bytes in,
// bytes out, events to a listener. One channel, because its errors and its flow are its own.
//
// The login runs by itself after Start(). Requests that have a reply are sent one at a time; their
// reply comes as OnReply, or the channel or the connection ends.
// Thread: one. Owner: Connection (tests drive it directly). Fails: by OnClosed, once; nothing is
// sent or told after it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "connectors/rabbitmq/content_codec.h"
#include "connectors/rabbitmq/error_map.h"
#include "connectors/rabbitmq/frame.h"
#include "connectors/rabbitmq/method_codec.h"

namespace tidegate::rabbitmq {

using DeliveryPtr = std::unique_ptr<Delivery>;

// A message that came back because no queue took it.
struct Returned {
  std::uint16_t code = 0;
  std::string text;
  std::string exchange;
  std::string routing_key;
  std::string message_id;
};

class ProtocolListener {
 public:
  virtual void OnOpen() = 0;
  virtual void OnClosed(Status why) = 0;
  virtual void OnBlocked(bool blocked, std::string_view reason) = 0;
  virtual void OnReply(const Method& method) = 0;
  virtual void OnChannelClosed(const CloseReason& reason) = 0;
  virtual void OnConfirm(std::uint64_t tag, bool multiple, bool ack) = 0;
  virtual void OnReturn(const Returned& returned) = 0;
  virtual void OnDelivery(DeliveryPtr delivery) = 0;
  // A message too large to be taken, or with a header that is malformed or nested too deeply; its
  // body was skipped.
  virtual void OnOversized(std::uint64_t tag) = 0;
  // The broker has ended the consumer: its queue is gone.
  virtual void OnCancelled() = 0;

 protected:
  ~ProtocolListener() = default;
};

class Protocol {
 public:
  struct Login {
    std::string username;
    std::string password;
    std::string vhost;
    std::string connection_name;
    std::uint16_t heartbeat_s = 30;
  };
  Protocol(Login login, ProtocolListener& listener);

  void Start();
  void Feed(std::span<const char> bytes);
  std::string& out() { return out_; }
  std::size_t pending() const { return out_.size(); }

  bool open() const { return state_ == State::kOpen; }
  bool closed() const { return state_ == State::kClosed; }
  bool channel_open() const { return open() && channel_state_ == ChannelState::kOpen; }
  std::uint16_t heartbeat_s() const { return heartbeat_s_; }  // 0: none
  std::uint32_t frame_max() const { return frame_max_; }

  // Ends the connection in good order: OnClosed follows the broker's answer.
  void Close();
  void Heartbeat() { AppendHeartbeat(out_); }

  // Replies: ChannelOpenOk, ChannelCloseOk, ConfirmSelectOk, …
  void OpenChannel();
  void CloseChannel();
  void SelectConfirms() { methods_.AppendConfirmSelect(out_, channel_); }
  void DeclareExchange(const ExchangeConfig& spec, bool passive) {
    methods_.AppendExchangeDeclare(out_, channel_, spec, passive);
  }
  void DeclareQueue(const QueueSpec& spec) { methods_.AppendQueueDeclare(out_, channel_, spec); }
  void BindQueue(std::string_view queue, std::string_view exchange, std::string_view routing_key,
                 const Arguments& arguments) {
    methods_.AppendQueueBind(out_, channel_, queue, exchange, routing_key, arguments);
  }
  void UnbindQueue(std::string_view queue, std::string_view exchange, std::string_view routing_key,
                   const Arguments& arguments) {
    methods_.AppendQueueUnbind(out_, channel_, queue, exchange, routing_key, arguments);
  }
  void SetPrefetch(std::uint16_t count) { methods_.AppendQos(out_, channel_, count); }
  void Consume(std::string_view queue) { methods_.AppendConsume(out_, channel_, queue); }

  // No reply.
  void Publish(std::string_view exchange, std::string_view routing_key, bool mandatory,
               const Content& content);
  void Ack(std::uint64_t tag, bool multiple) { methods_.AppendAck(out_, channel_, tag, multiple); }
  void Nack(std::uint64_t tag, bool requeue) { methods_.AppendNack(out_, channel_, tag, requeue); }

 private:
  enum class State : std::uint8_t { kIdle, kStart, kTune, kOpening, kOpen, kClosing, kClosed };
  enum class ChannelState : std::uint8_t { kNone, kOpening, kOpen, kClosing };
  enum class Incoming : std::uint8_t { kNothing, kDelivery, kReturn };

  void Fail(Status why);
  void OnFrame(const Frame& frame);
  void OnMethod(std::uint16_t channel, const Method& method);
  void OnConnectionMethod(const Method& method);
  void OnChannelMethod(const Method& method);
  void OnTune(const Method& method);
  void OnHeader(const Frame& frame);
  void OnBody(const Frame& frame);
  void Finish();
  void EndChannel(const Method& method);

  const Login login_;
  ProtocolListener& listener_;
  MethodCodec methods_;
  ContentCodec contents_;
  FrameReader reader_;
  std::string out_;
  State state_ = State::kIdle;
  ChannelState channel_state_ = ChannelState::kNone;
  std::uint16_t channel_ = 0;
  std::uint16_t channel_max_ = 0;
  std::uint16_t heartbeat_s_ = 0;
  std::uint32_t frame_max_ = kFrameBytes;

  Incoming incoming_ = Incoming::kNothing;
  bool has_header_ = false;
  bool skipping_ = false;
  std::uint64_t left_ = 0;
  DeliveryPtr delivery_;
  Returned returned_;
};

}  // namespace tidegate::rabbitmq
