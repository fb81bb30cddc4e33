#include "connectors/rabbitmq/method_codec.h"

#include <amqp.h>
#include <amqp_framing.h>

#include <array>

#include "connectors/rabbitmq/frame.h"
#include "connectors/rabbitmq/table_scan.h"
#include "server/base/check.h"

namespace tidegate::rabbitmq {
namespace {

constexpr std::size_t kPoolPage = 4096;
constexpr std::size_t kMethodRoom = 1200;  // four short strings and what stands between them
constexpr std::size_t kFrameHead = 7;

Status Malformed() {
  return MakeError(ErrorClass::kConnectionClosed, "rabbitmq: the server sent a malformed method");
}

amqp_bytes_t Bytes(std::string_view text) {
  amqp_bytes_t bytes;
  bytes.len = text.size();
  bytes.bytes = const_cast<char*>(text.data());  // NOLINT: the library's type; only read
  return bytes;
}

std::string_view View(const amqp_bytes_t& bytes) {
  return std::string_view(static_cast<const char*>(bytes.bytes), bytes.len);
}

void Put16(char* at, unsigned value) {
  at[0] = static_cast<char>(value >> 8);
  at[1] = static_cast<char>(value);
}

void Put32(char* at, std::uint32_t value) {
  Put16(at, value >> 16);
  Put16(at + 2, value & 0xFFFF);
}

// One method frame; `room` must hold the encoded fields.
void AppendMethod(std::string& out, std::uint16_t channel, amqp_method_number_t id, void* fields,
                  std::size_t room = kMethodRoom) {
  const std::size_t begin = out.size();
  out.resize(begin + kFrameHead + 4 + room + 1);
  char* frame = out.data() + begin;
  amqp_bytes_t space;
  space.bytes = frame + kFrameHead + 4;
  space.len = room;
  const int size = amqp_encode_method(id, fields, space);
  TG_CHECK(size >= 0);  // names are bounded, room is computed from them
  frame[0] = static_cast<char>(FrameType::kMethod);
  Put16(frame + 1, channel);
  Put32(frame + 3, static_cast<std::uint32_t>(size) + 4);
  Put32(frame + kFrameHead, id);
  frame[kFrameHead + 4 + static_cast<std::size_t>(size)] = static_cast<char>(kFrameEnd);
  out.resize(begin + kFrameHead + 4 + static_cast<std::size_t>(size) + 1);
}

amqp_table_entry_t TextEntry(std::string_view key, std::string_view value) {
  amqp_table_entry_t entry{};
  entry.key = Bytes(key);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = Bytes(value);
  return entry;
}

amqp_table_entry_t IntegerEntry(std::string_view key, std::int64_t value) {
  amqp_table_entry_t entry{};
  entry.key = Bytes(key);
  entry.value.kind = AMQP_FIELD_KIND_I64;
  entry.value.value.i64 = value;
  return entry;
}

amqp_table_t TableOf(std::vector<amqp_table_entry_t>& entries) {
  amqp_table_t table;
  table.num_entries = static_cast<int>(entries.size());
  table.entries = entries.data();
  return table;
}

template <typename Fields>
const Fields& As(const void* decoded) {
  return *static_cast<const Fields*>(decoded);
}

template <typename Fields>
void FillClose(const void* decoded, Method& out) {
  const Fields& in = As<Fields>(decoded);
  out.code = in.reply_code;
  out.text = View(in.reply_text);
  out.cause = (std::uint32_t{in.class_id} << 16) | in.method_id;
}

void FillBasic(const void* decoded, Method& out) {
  switch (out.id) {
    case MethodId::kBasicAck: {
      const auto& in = As<amqp_basic_ack_t>(decoded);
      out.tag = in.delivery_tag;
      out.multiple = in.multiple != 0;
      return;
    }
    case MethodId::kBasicNack: {
      const auto& in = As<amqp_basic_nack_t>(decoded);
      out.tag = in.delivery_tag;
      out.multiple = in.multiple != 0;
      return;
    }
    case MethodId::kBasicDeliver: {
      const auto& in = As<amqp_basic_deliver_t>(decoded);
      out.tag = in.delivery_tag;
      out.redelivered = in.redelivered != 0;
      out.exchange = View(in.exchange);
      out.routing_key = View(in.routing_key);
      return;
    }
    case MethodId::kBasicReturn: {
      const auto& in = As<amqp_basic_return_t>(decoded);
      out.code = in.reply_code;
      out.text = View(in.reply_text);
      out.exchange = View(in.exchange);
      out.routing_key = View(in.routing_key);
      return;
    }
    default: return;
  }
}

// Only these are decoded: others hold tables, and rabbitmq-c's decoder calls itself for every level
// of one. Of these only connection.start has a table, which is looked at first.
bool IsSentToClients(MethodId id) {
  switch (id) {
    case MethodId::kConnectionStart:
    case MethodId::kConnectionTune:
    case MethodId::kConnectionOpenOk:
    case MethodId::kConnectionClose:
    case MethodId::kConnectionCloseOk:
    case MethodId::kConnectionBlocked:
    case MethodId::kConnectionUnblocked:
    case MethodId::kChannelOpenOk:
    case MethodId::kChannelFlow:
    case MethodId::kChannelClose:
    case MethodId::kChannelCloseOk:
    case MethodId::kExchangeDeclareOk:
    case MethodId::kQueueDeclareOk:
    case MethodId::kQueueBindOk:
    case MethodId::kQueueUnbindOk:
    case MethodId::kBasicQosOk:
    case MethodId::kBasicConsumeOk:
    case MethodId::kBasicCancel:
    case MethodId::kBasicReturn:
    case MethodId::kBasicDeliver:
    case MethodId::kBasicAck:
    case MethodId::kBasicNack:
    case MethodId::kConfirmSelectOk: return true;
    default: return false;
  }
}

void Fill(const void* decoded, Method& out) {
  switch (out.id) {
    case MethodId::kConnectionStart:
      out.text = View(As<amqp_connection_start_t>(decoded).mechanisms);
      return;
    case MethodId::kConnectionTune: {
      const auto& in = As<amqp_connection_tune_t>(decoded);
      out.channel_max = in.channel_max;
      out.frame_max = in.frame_max;
      out.heartbeat = in.heartbeat;
      return;
    }
    case MethodId::kConnectionClose: return FillClose<amqp_connection_close_t>(decoded, out);
    case MethodId::kChannelClose: return FillClose<amqp_channel_close_t>(decoded, out);
    case MethodId::kConnectionBlocked:
      out.text = View(As<amqp_connection_blocked_t>(decoded).reason);
      return;
    case MethodId::kChannelFlow:
      out.active = As<amqp_channel_flow_t>(decoded).active != 0;
      return;
    case MethodId::kQueueDeclareOk:
      out.queue = View(As<amqp_queue_declare_ok_t>(decoded).queue);
      return;
    default: return FillBasic(decoded, out);
  }
}

// Binding and unbinding say the same.
template <typename Fields>
void AppendBinding(std::string& out, std::uint16_t channel, amqp_method_number_t method,
                   std::string_view queue, std::string_view exchange,
                   std::string_view routing_key, const Arguments& arguments) {
  std::vector<amqp_table_entry_t> entries;
  std::size_t room = kMethodRoom;
  for (const auto& [name, value] : arguments) {
    entries.push_back(TextEntry(name, value));
    room += name.size() + value.size() + 6;
  }
  Fields fields{};
  fields.queue = Bytes(queue);
  fields.exchange = Bytes(exchange);
  fields.routing_key = Bytes(routing_key);
  fields.arguments = TableOf(entries);
  AppendMethod(out, channel, method, &fields, room);
}

}  // namespace

struct MethodCodec::Pool {
  Pool() { init_amqp_pool(&pool, kPoolPage); }
  ~Pool() { empty_amqp_pool(&pool); }
  amqp_pool_t pool;
};

MethodCodec::MethodCodec() : pool_(std::make_unique<Pool>()) {}
MethodCodec::~MethodCodec() = default;

StatusOr<Method> MethodCodec::Decode(std::string_view payload) {
  if (payload.size() < 4) return Malformed();
  Method method;
  method.id = static_cast<MethodId>(Read32(payload.data()));
  payload.remove_prefix(4);
  if (!IsSentToClients(method.id)) {
    return MakeError(ErrorClass::kConnectionClosed,
                     "rabbitmq: the server sent a method that clients are not sent");
  }
  if (method.id == MethodId::kConnectionStart) {
    // Two octets of version, then the server's properties.
    if (payload.size() < 6) return Malformed();
    const std::size_t size = Read32(payload.data() + 2);
    if (payload.size() - 6 < size || !IsSoundTable(payload.substr(6, size), kTableDepthMax)) {
      return Malformed();
    }
  }
  recycle_amqp_pool(&pool_->pool);
  void* decoded = nullptr;
  const int code = amqp_decode_method(static_cast<amqp_method_number_t>(method.id), &pool_->pool,
                                      Bytes(payload), &decoded);
  if (code < 0) return Malformed();
  Fill(decoded, method);
  return method;
}

void MethodCodec::AppendStartOk(std::string& out, std::string_view user, std::string_view password,
                                std::string_view connection_name) {
  std::array<amqp_table_entry_t, 6> able{};
  constexpr std::array<std::string_view, 6> kAble = {
      "authentication_failure_close", "basic.nack",         "connection.blocked",
      "consumer_cancel_notify",       "publisher_confirms", "exchange_exchange_bindings"};
  for (std::size_t i = 0; i < able.size(); ++i) {
    able[i].key = Bytes(kAble[i]);
    able[i].value.kind = AMQP_FIELD_KIND_BOOLEAN;
    able[i].value.value.boolean = 1;
  }
  std::vector<amqp_table_entry_t> entries = {
      TextEntry("product", "Tidegate"), TextEntry("version", TIDEGATE_VERSION),
      TextEntry("platform", "C++"), TextEntry("connection_name", connection_name)};
  amqp_table_entry_t& capabilities = entries.emplace_back();
  capabilities.key = Bytes("capabilities");
  capabilities.value.kind = AMQP_FIELD_KIND_TABLE;
  capabilities.value.value.table.num_entries = static_cast<int>(able.size());
  capabilities.value.value.table.entries = able.data();
  // RFC 4616: nothing, NUL, user, NUL, password.
  std::string response;
  response.reserve(user.size() + password.size() + 2);
  response += '\0';
  response += user;
  response += '\0';
  response += password;
  amqp_connection_start_ok_t fields{};
  fields.client_properties = TableOf(entries);
  fields.mechanism = Bytes("PLAIN");
  fields.response = Bytes(response);
  fields.locale = Bytes("en_US");
  AppendMethod(out, 0, AMQP_CONNECTION_START_OK_METHOD, &fields,
               kMethodRoom + response.size() + connection_name.size());
}

void MethodCodec::AppendTuneOk(std::string& out, std::uint16_t channel_max,
                               std::uint32_t frame_max, std::uint16_t heartbeat) {
  amqp_connection_tune_ok_t fields{};
  fields.channel_max = channel_max;
  fields.frame_max = frame_max;
  fields.heartbeat = heartbeat;
  AppendMethod(out, 0, AMQP_CONNECTION_TUNE_OK_METHOD, &fields);
}

void MethodCodec::AppendOpen(std::string& out, std::string_view vhost) {
  amqp_connection_open_t fields{};
  fields.virtual_host = Bytes(vhost);
  AppendMethod(out, 0, AMQP_CONNECTION_OPEN_METHOD, &fields);
}

void MethodCodec::AppendClose(std::string& out) {
  amqp_connection_close_t fields{};
  fields.reply_code = AMQP_REPLY_SUCCESS;
  fields.reply_text = Bytes("Goodbye");
  AppendMethod(out, 0, AMQP_CONNECTION_CLOSE_METHOD, &fields);
}

void MethodCodec::AppendCloseOk(std::string& out) {
  amqp_connection_close_ok_t fields{};
  AppendMethod(out, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &fields);
}

void MethodCodec::AppendChannelOpen(std::string& out, std::uint16_t channel) {
  amqp_channel_open_t fields{};
  AppendMethod(out, channel, AMQP_CHANNEL_OPEN_METHOD, &fields);
}

void MethodCodec::AppendChannelClose(std::string& out, std::uint16_t channel) {
  amqp_channel_close_t fields{};
  fields.reply_code = AMQP_REPLY_SUCCESS;
  fields.reply_text = Bytes("Goodbye");
  AppendMethod(out, channel, AMQP_CHANNEL_CLOSE_METHOD, &fields);
}

void MethodCodec::AppendChannelCloseOk(std::string& out, std::uint16_t channel) {
  amqp_channel_close_ok_t fields{};
  AppendMethod(out, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &fields);
}

void MethodCodec::AppendFlowOk(std::string& out, std::uint16_t channel, bool active) {
  amqp_channel_flow_ok_t fields{};
  fields.active = active ? 1 : 0;
  AppendMethod(out, channel, AMQP_CHANNEL_FLOW_OK_METHOD, &fields);
}

void MethodCodec::AppendConfirmSelect(std::string& out, std::uint16_t channel) {
  amqp_confirm_select_t fields{};
  AppendMethod(out, channel, AMQP_CONFIRM_SELECT_METHOD, &fields);
}

void MethodCodec::AppendExchangeDeclare(std::string& out, std::uint16_t channel,
                                        const ExchangeConfig& spec, bool passive) {
  amqp_exchange_declare_t fields{};
  fields.exchange = Bytes(spec.name);
  fields.type = Bytes(NameOf(spec.type));
  fields.passive = passive ? 1 : 0;
  fields.durable = spec.durable ? 1 : 0;
  fields.auto_delete = spec.auto_delete ? 1 : 0;
  AppendMethod(out, channel, AMQP_EXCHANGE_DECLARE_METHOD, &fields);
}

void MethodCodec::AppendQueueDeclare(std::string& out, std::uint16_t channel,
                                     const QueueSpec& spec) {
  std::vector<amqp_table_entry_t> arguments;
  if (spec.quorum) arguments.push_back(TextEntry("x-queue-type", "quorum"));
  if (spec.expires_ms) arguments.push_back(IntegerEntry("x-expires", *spec.expires_ms));
  if (spec.delivery_limit) {
    arguments.push_back(IntegerEntry("x-delivery-limit", *spec.delivery_limit));
  }
  amqp_queue_declare_t fields{};
  fields.queue = Bytes(spec.name);
  fields.passive = spec.passive ? 1 : 0;
  fields.durable = spec.durable ? 1 : 0;
  fields.exclusive = spec.exclusive ? 1 : 0;
  fields.auto_delete = spec.auto_delete ? 1 : 0;
  fields.arguments = TableOf(arguments);
  AppendMethod(out, channel, AMQP_QUEUE_DECLARE_METHOD, &fields);
}

void MethodCodec::AppendQueueBind(std::string& out, std::uint16_t channel, std::string_view queue,
                                  std::string_view exchange, std::string_view routing_key,
                                  const Arguments& arguments) {
  AppendBinding<amqp_queue_bind_t>(out, channel, AMQP_QUEUE_BIND_METHOD, queue, exchange,
                                   routing_key, arguments);
}

void MethodCodec::AppendQueueUnbind(std::string& out, std::uint16_t channel,
                                    std::string_view queue, std::string_view exchange,
                                    std::string_view routing_key, const Arguments& arguments) {
  AppendBinding<amqp_queue_unbind_t>(out, channel, AMQP_QUEUE_UNBIND_METHOD, queue, exchange,
                                     routing_key, arguments);
}

void MethodCodec::AppendQos(std::string& out, std::uint16_t channel, std::uint16_t prefetch) {
  amqp_basic_qos_t fields{};
  fields.prefetch_count = prefetch;
  AppendMethod(out, channel, AMQP_BASIC_QOS_METHOD, &fields);
}

void MethodCodec::AppendConsume(std::string& out, std::uint16_t channel, std::string_view queue) {
  amqp_basic_consume_t fields{};
  fields.queue = Bytes(queue);
  AppendMethod(out, channel, AMQP_BASIC_CONSUME_METHOD, &fields);
}

void MethodCodec::AppendPublish(std::string& out, std::uint16_t channel, std::string_view exchange,
                                std::string_view routing_key, bool mandatory) {
  amqp_basic_publish_t fields{};
  fields.exchange = Bytes(exchange);
  fields.routing_key = Bytes(routing_key);
  fields.mandatory = mandatory ? 1 : 0;
  AppendMethod(out, channel, AMQP_BASIC_PUBLISH_METHOD, &fields,
               exchange.size() + routing_key.size() + 16);
}

void MethodCodec::AppendAck(std::string& out, std::uint16_t channel, std::uint64_t tag,
                            bool multiple) {
  amqp_basic_ack_t fields{};
  fields.delivery_tag = tag;
  fields.multiple = multiple ? 1 : 0;
  AppendMethod(out, channel, AMQP_BASIC_ACK_METHOD, &fields, 16);
}

void MethodCodec::AppendNack(std::string& out, std::uint16_t channel, std::uint64_t tag,
                             bool requeue) {
  amqp_basic_nack_t fields{};
  fields.delivery_tag = tag;
  fields.requeue = requeue ? 1 : 0;
  AppendMethod(out, channel, AMQP_BASIC_NACK_METHOD, &fields, 16);
}

std::string_view ProtocolHeader() { return std::string_view("AMQP\0\0\x09\x01", 8); }

void AppendHeartbeat(std::string& out) {
  constexpr char kFrame[] = {8, 0, 0, 0, 0, 0, 0, static_cast<char>(kFrameEnd)};
  out.append(kFrame, sizeof kFrame);
}

}  // namespace tidegate::rabbitmq
