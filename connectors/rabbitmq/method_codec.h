// Methods of AMQP 0-9-1 by rabbitmq-c's encoders and decoders, and nothing else of that library.
//
// Thread: one. Owner: Protocol; holds the library's memory pool. Views in a Method live until the
// next Decode or until the frame's buffer changes. Fails: Decode with ConnectionClosed when the
// bytes are malformed or nested deeper than kTableDepthMax; Append… never (names are checked by
// the settings, see names.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/rabbitmq/rabbitmq_config.h"
#include "server/base/status.h"

namespace tidegate::rabbitmq {

// Class and method as on the wire.
enum class MethodId : std::uint32_t {
  kNone = 0,
  kConnectionStart = 0x000A000A,
  kConnectionTune = 0x000A001E,
  kConnectionOpenOk = 0x000A0029,
  kConnectionClose = 0x000A0032,
  kConnectionCloseOk = 0x000A0033,
  kConnectionBlocked = 0x000A003C,
  kConnectionUnblocked = 0x000A003D,
  kChannelOpenOk = 0x0014000B,
  kChannelFlow = 0x00140014,
  kChannelClose = 0x00140028,
  kChannelCloseOk = 0x00140029,
  kExchangeDeclareOk = 0x0028000B,
  kQueueDeclareOk = 0x0032000B,
  kQueueBindOk = 0x00320015,
  kQueueUnbindOk = 0x00320033,
  kBasicQosOk = 0x003C000B,
  kBasicConsumeOk = 0x003C0015,
  kBasicCancel = 0x003C001E,
  kBasicPublish = 0x003C0028,
  kBasicReturn = 0x003C0032,
  kBasicDeliver = 0x003C003C,
  kBasicAck = 0x003C0050,
  kBasicNack = 0x003C0078,
  kConfirmSelectOk = 0x0055000B,
};

// What of a method anybody here asks for.
struct Method {
  MethodId id = MethodId::kNone;
  std::uint64_t tag = 0;
  bool multiple = false;
  bool redelivered = false;
  bool active = false;
  std::uint16_t code = 0;   // of a close or a return
  std::uint32_t cause = 0;  // the method that made the broker close
  std::uint16_t channel_max = 0;
  std::uint16_t heartbeat = 0;
  std::uint32_t frame_max = 0;
  std::string_view text;  // reply text, reason, mechanisms
  std::string_view exchange;
  std::string_view routing_key;
  std::string_view queue;
};

struct QueueSpec {
  std::string name;  // empty: the broker makes one up
  bool passive = false;
  bool durable = false;
  bool exclusive = false;
  bool auto_delete = false;
  bool quorum = false;
  std::optional<std::int64_t> expires_ms;
  std::optional<std::int32_t> delivery_limit;
};

using Arguments = std::vector<std::pair<std::string, std::string>>;

class MethodCodec {
 public:
  MethodCodec();
  ~MethodCodec();

  StatusOr<Method> Decode(std::string_view payload);

  void AppendStartOk(std::string& out, std::string_view user, std::string_view password,
                     std::string_view connection_name);
  void AppendTuneOk(std::string& out, std::uint16_t channel_max, std::uint32_t frame_max,
                    std::uint16_t heartbeat);
  void AppendOpen(std::string& out, std::string_view vhost);
  void AppendClose(std::string& out);
  void AppendCloseOk(std::string& out);
  void AppendChannelOpen(std::string& out, std::uint16_t channel);
  void AppendChannelClose(std::string& out, std::uint16_t channel);
  void AppendChannelCloseOk(std::string& out, std::uint16_t channel);
  void AppendFlowOk(std::string& out, std::uint16_t channel, bool active);
  void AppendConfirmSelect(std::string& out, std::uint16_t channel);
  void AppendExchangeDeclare(std::string& out, std::uint16_t channel, const ExchangeConfig& spec,
                             bool passive);
  void AppendQueueDeclare(std::string& out, std::uint16_t channel, const QueueSpec& spec);
  void AppendQueueBind(std::string& out, std::uint16_t channel, std::string_view queue,
                       std::string_view exchange, std::string_view routing_key,
                       const Arguments& arguments);
  void AppendQueueUnbind(std::string& out, std::uint16_t channel, std::string_view queue,
                         std::string_view exchange, std::string_view routing_key,
                         const Arguments& arguments);
  void AppendQos(std::string& out, std::uint16_t channel, std::uint16_t prefetch);
  void AppendConsume(std::string& out, std::uint16_t channel, std::string_view queue);
  void AppendPublish(std::string& out, std::uint16_t channel, std::string_view exchange,
                     std::string_view routing_key, bool mandatory);
  void AppendAck(std::string& out, std::uint16_t channel, std::uint64_t tag, bool multiple);
  void AppendNack(std::string& out, std::uint16_t channel, std::uint64_t tag, bool requeue);

 private:
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

// The eight bytes with which a client begins.
std::string_view ProtocolHeader();
void AppendHeartbeat(std::string& out);

}  // namespace tidegate::rabbitmq
