#include "connectors/rabbitmq/protocol.h"

#include <gtest/gtest.h>

#include "tests/connectors/rabbitmq/wire.h"

namespace tidegate::rabbitmq {
namespace {

class Recorder final : public ProtocolListener {
 public:
  void OnOpen() override { ++opens; }
  void OnClosed(Status why) override {
    ++closes;
    closed = std::move(why);
  }
  void OnBlocked(bool now, std::string_view reason) override {
    blocked = now;
    text = reason;
  }
  void OnReply(const Method& method) override {
    replies.push_back(method.id);
    if (method.id == MethodId::kQueueDeclareOk) text = method.queue;
  }
  void OnChannelClosed(const CloseReason& reason) override { channel_closed = reason; }
  void OnConfirm(std::uint64_t tag, bool multiple, bool ack) override {
    confirms += std::to_string(tag) + (multiple ? "*" : "") + (ack ? "+" : "-") + " ";
  }
  void OnReturn(const Returned& value) override { returned.push_back(value); }
  void OnDelivery(DeliveryPtr delivery) override { deliveries.push_back(std::move(delivery)); }
  void OnOversized(std::uint64_t tag) override { oversized = tag; }
  void OnCancelled() override { cancelled = true; }

  int opens = 0;
  int closes = 0;
  Status closed;
  bool blocked = false;
  bool cancelled = false;
  std::uint64_t oversized = 0;
  std::string text;
  std::string confirms;
  std::vector<MethodId> replies;
  CloseReason channel_closed;
  std::vector<Returned> returned;
  std::vector<DeliveryPtr> deliveries;
};

class ProtocolTest : public ::testing::Test {
 protected:
  static Protocol::Login Who() {
    Protocol::Login login;
    login.username = "guest";
    login.password = "geheim";
    login.vhost = "/side";
    login.connection_name = "tidegate-test";
    return login;
  }
  void Feed(const std::string& bytes) {
    protocol_.Feed(std::span<const char>(bytes.data(), bytes.size()));
  }
  // What was sent since the last call.
  std::string Sent() { return std::exchange(protocol_.out(), std::string()); }
  void Open() {
    protocol_.Start();
    Feed(wire::Start() + wire::Tune() + wire::OpenOk());
    ASSERT_EQ(recorder_.opens, 1);
  }
  void OpenChannel() {
    Open();
    protocol_.OpenChannel();
    Feed(wire::ChannelOpenOk(1));
    ASSERT_TRUE(protocol_.channel_open());
    Sent();
  }

  Recorder recorder_;
  Protocol protocol_{Who(), recorder_};
};

TEST_F(ProtocolTest, LogsInWithPlainAndTheLowerOffers) {
  protocol_.Start();
  EXPECT_EQ(Sent(), std::string("AMQP\0\0\x09\x01", 8));
  Feed(wire::Start());
  const std::string start_ok = Sent();
  EXPECT_NE(start_ok.find(wire::Short("PLAIN") + wire::Long(std::string("\0guest\0geheim", 13))),
            std::string::npos);
  EXPECT_NE(start_ok.find(wire::Entry("connection.blocked", "t\1")), std::string::npos);
  EXPECT_NE(start_ok.find("tidegate-test"), std::string::npos);
  Feed(wire::Tune(100, 8192, 10));
  EXPECT_EQ(Sent(), wire::Method(0, 0x000A001F, wire::U16(100) + wire::U32(8192) + wire::U16(10)) +
                        wire::Method(0, 0x000A0028, wire::Short("/side") + wire::Short("") +
                                                        wire::U8(0)));
  EXPECT_FALSE(protocol_.open());
  Feed(wire::OpenOk());
  EXPECT_TRUE(protocol_.open());
  EXPECT_EQ(protocol_.frame_max(), 8192u);
  EXPECT_EQ(protocol_.heartbeat_s(), 10);
}

TEST_F(ProtocolTest, NoOfferMeansOurs) {
  protocol_.Start();
  Feed(wire::Start() + wire::Tune(0, 0, 0));
  EXPECT_EQ(protocol_.frame_max(), kFrameBytes);
  EXPECT_EQ(protocol_.heartbeat_s(), 30);
}

TEST_F(ProtocolTest, RefusalsOfTheLoginAreToldApart) {
  struct Row {
    std::string bytes;
    ErrorClass error_class;
  };
  const std::vector<Row> rows = {
      {wire::Start("EXTERNAL"), ErrorClass::kConfigInvalid},
      {wire::Start() + wire::Close(403, "ACCESS_REFUSED - Login was refused"),
       ErrorClass::kAuthFailed},
      {wire::Start() + wire::Tune() + wire::Close(530, "NOT_ALLOWED - vhost x not found"),
       ErrorClass::kConfigInvalid},
      {wire::Start() + wire::Tune(1, 1024, 1), ErrorClass::kConnectionClosed},
      {std::string("AMQP\0\0\x09\x01", 8), ErrorClass::kConnectionClosed},
      {wire::OpenOk(), ErrorClass::kConnectionClosed},
      {wire::Start() + wire::Start(), ErrorClass::kConnectionClosed},
  };
  for (const Row& row : rows) {
    Recorder recorder;
    Protocol protocol(Who(), recorder);
    protocol.Start();
    protocol.Feed(std::span<const char>(row.bytes.data(), row.bytes.size()));
    EXPECT_EQ(recorder.closes, 1);
    EXPECT_EQ(ClassOf(recorder.closed), row.error_class) << MessageOf(recorder.closed);
    EXPECT_EQ(MessageOf(recorder.closed).find("geheim"), std::string::npos);
  }
}

TEST_F(ProtocolTest, ADeliveryComesWholeWhateverThePieces) {
  OpenChannel();
  const std::string bytes = wire::Deliver(1, 5, true, "tasks", "a.b") +
                            wire::Header(1, 10, wire::kNoProperties) + wire::Body(1, "01234") +
                            wire::Frame(8, 0, "") + wire::Body(1, "56789");
  for (const char c : bytes) Feed(std::string(1, c));
  ASSERT_EQ(recorder_.deliveries.size(), 1u);
  const Delivery& delivery = *recorder_.deliveries[0];
  EXPECT_EQ(delivery.body, "0123456789");
  EXPECT_EQ(delivery.tag, 5u);
  EXPECT_TRUE(delivery.redelivered);
  std::string metadata;
  for (const auto& entry : delivery.metadata) metadata += entry.name + "=" + entry.value + " ";
  EXPECT_EQ(metadata, "deliveryTag=5 exchange=tasks routingKey=a.b redelivered=true ");
}

TEST_F(ProtocolTest, AnEmptyBodyIsAMessageAndALargeOneIsSkipped) {
  OpenChannel();
  Feed(wire::Deliver(1, 1, false, "x", "k") + wire::Header(1, 0, wire::kNoProperties));
  ASSERT_EQ(recorder_.deliveries.size(), 1u);
  Feed(wire::Deliver(1, 2, false, "x", "k") +
       wire::Header(1, kMessageBytesMax + 1, wire::kNoProperties));
  const std::string part(100'000, 'x');
  std::size_t left = kMessageBytesMax + 1;
  while (left > 0) {
    const std::size_t size = std::min(left, part.size());
    Feed(wire::Body(1, part.substr(0, size)));
    left -= size;
  }
  EXPECT_EQ(recorder_.oversized, 2u);
  EXPECT_EQ(recorder_.deliveries.size(), 1u);
  EXPECT_EQ(recorder_.closes, 0);
}

// A table of `levels` tables, one in the other.
std::string Nested(int levels) {
  std::string table;
  for (int i = 0; i < levels; ++i) table = wire::Entry("t", wire::Value('F', table));
  return table;
}

TEST_F(ProtocolTest, AHeaderThatIsNotUnderstoodCostsItsMessageNotTheConnection) {
  OpenChannel();
  const std::vector<std::string> rows = {
      wire::U16(1 << 13) + wire::Long(Nested(kTableDepthMax)),
      wire::U16(1 << 13) + wire::Long(wire::Entry("odd", "?")),
      wire::U16(1 << 15) + "\x20text",
      wire::U16(1),
  };
  std::uint64_t tag = 0;
  for (const std::string& properties : rows) {
    Feed(wire::Deliver(1, ++tag, false, "x", "k") + wire::Header(1, 3, properties) +
         wire::Body(1, "abc"));
    EXPECT_EQ(recorder_.oversized, tag);
  }
  Feed(wire::Deliver(1, ++tag, false, "x", "k") +
       wire::Header(1, 0, wire::U16(1 << 13) + wire::Long(Nested(kTableDepthMax - 1))));
  EXPECT_EQ(recorder_.deliveries.size(), 1u);
  EXPECT_EQ(recorder_.closes, 0);
}

// rabbitmq-c decodes a table by calling itself for each level of it.
TEST_F(ProtocolTest, AMethodThatClientsAreNotSentIsNotDecoded) {
  OpenChannel();
  std::string deep;
  for (int i = 0; i < 20'000; ++i) {
    deep = wire::Value('F', wire::Entry("", deep.empty() ? "V" : deep));
    if (deep.size() > 100'000) break;
  }
  const std::string table = wire::Entry("", deep);
  Feed(wire::Method(1, 0x0028000A, wire::U16(0) + wire::Short("x") + wire::Short("topic") +
                                       wire::U8(0) + wire::Long(table)));
  EXPECT_EQ(recorder_.closes, 1);
  EXPECT_NE(MessageOf(recorder_.closed).find("clients"), std::string::npos)
      << MessageOf(recorder_.closed);
}

TEST_F(ProtocolTest, ConfirmsReturnsAndAlarmsAreTold) {
  OpenChannel();
  Feed(wire::Method(1, 0x003C0032,
                    wire::U16(312) + wire::Short("NO_ROUTE") + wire::Short("x") +
                        wire::Short("k")) +
       wire::Header(1, 3, wire::U16(1 << 7) + wire::Short("id-9")) + wire::Body(1, "abc") +
       wire::Ack(1, 1, false) + wire::Ack(1, 4, true) +
       wire::Method(1, 0x003C0078, wire::U64(5) + wire::U8(0)));
  ASSERT_EQ(recorder_.returned.size(), 1u);
  EXPECT_EQ(recorder_.returned[0].code, 312);
  EXPECT_EQ(recorder_.returned[0].message_id, "id-9");
  EXPECT_EQ(recorder_.confirms, "1+ 4*+ 5- ");
  Feed(wire::Method(0, 0x000A003C, wire::Short("low on memory")));
  EXPECT_TRUE(recorder_.blocked);
  EXPECT_EQ(recorder_.text, "low on memory");
  Feed(wire::Method(0, 0x000A003D, ""));
  EXPECT_FALSE(recorder_.blocked);
  Feed(wire::Method(1, 0x003C001E, wire::Short("ctag") + wire::U8(1)));
  EXPECT_TRUE(recorder_.cancelled);
}

TEST_F(ProtocolTest, AClosedChannelIsAnsweredAndTheNextHasANumberOfItsOwn) {
  OpenChannel();
  Feed(wire::ChannelClose(1, 404, "NOT_FOUND", 0x003C0028));
  EXPECT_EQ(recorder_.channel_closed.code, 404);
  EXPECT_EQ(recorder_.channel_closed.cause, 0x003C0028u);
  EXPECT_EQ(Sent(), wire::Method(1, 0x00140029, ""));
  EXPECT_TRUE(protocol_.open());
  protocol_.OpenChannel();
  EXPECT_EQ(Sent(), wire::Method(2, 0x0014000A, wire::Short("")));
  Feed(wire::Ack(1, 7, false));  // late, of the old channel
  EXPECT_EQ(recorder_.confirms, "");
  Feed(wire::ChannelOpenOk(2));
  EXPECT_TRUE(protocol_.channel_open());
}

TEST_F(ProtocolTest, WhatIsOutOfTurnEndsTheConnectionOnce) {
  const std::vector<std::string> rows = {
      wire::Header(1, 1, wire::kNoProperties),
      wire::Body(1, "x"),
      wire::Deliver(1, 1, false, "x", "k") + wire::Ack(1, 1, false),
      wire::Deliver(1, 1, false, "x", "k") + wire::Body(1, "x"),
      wire::Deliver(1, 1, false, "x", "k") + wire::Header(1, 1, wire::kNoProperties) +
          wire::Body(1, "xx"),
      wire::Method(1, 0x00FF0001, ""),
      wire::Frame(1, 1, "abc"),
  };
  for (const std::string& bytes : rows) {
    Recorder recorder;
    Protocol protocol(Who(), recorder);
    const std::string before = wire::Start() + wire::Tune() + wire::OpenOk();
    protocol.Start();
    protocol.Feed(std::span<const char>(before.data(), before.size()));
    protocol.OpenChannel();
    const std::string all = wire::ChannelOpenOk(1) + bytes + bytes;
    protocol.Feed(std::span<const char>(all.data(), all.size()));
    EXPECT_EQ(recorder.closes, 1);
    EXPECT_EQ(ClassOf(recorder.closed), ErrorClass::kConnectionClosed);
    EXPECT_TRUE(protocol.closed());
  }
}

TEST_F(ProtocolTest, RequestsAreAsTheProtocolWritesThem) {
  OpenChannel();
  ExchangeConfig exchange;
  exchange.name = "tasks";
  protocol_.DeclareExchange(exchange, false);
  EXPECT_EQ(Sent(), wire::Method(1, 0x0028000A, wire::U16(0) + wire::Short("tasks") +
                                                    wire::Short("topic") + wire::U8(2) +
                                                    wire::Long("")));
  QueueSpec queue;
  queue.name = "q";
  queue.durable = true;
  queue.expires_ms = 60000;
  queue.quorum = true;
  protocol_.DeclareQueue(queue);
  const std::string arguments = wire::Entry("x-queue-type", wire::Value('S', "quorum")) +
                                wire::Entry("x-expires", wire::U8('l') + wire::U64(60000));
  EXPECT_EQ(Sent(), wire::Method(1, 0x0032000A, wire::U16(0) + wire::Short("q") + wire::U8(2) +
                                                    wire::Long(arguments)));
  protocol_.SetPrefetch(64);
  EXPECT_EQ(Sent(), wire::Method(1, 0x003C000A, wire::U32(0) + wire::U16(64) + wire::U8(0)));
  protocol_.Ack(9, true);
  EXPECT_EQ(Sent(), wire::Ack(1, 9, true));
  protocol_.Nack(9, true);
  EXPECT_EQ(Sent(), wire::Method(1, 0x003C0078, wire::U64(9) + wire::U8(2)));
  protocol_.Heartbeat();
  EXPECT_EQ(Sent(), wire::Frame(8, 0, ""));
}

}  // namespace
}  // namespace tidegate::rabbitmq
