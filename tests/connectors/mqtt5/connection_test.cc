// A connection against a broker of a few lines, over memory.
#include "connectors/mqtt5/connection.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <future>

#include "connectors/mqtt5/reason.h"
#include "server/net/memory_stream.h"
#include "tests/support/is_ok.h"

namespace tidegate::mqtt5 {
namespace {

using net::MemoryStream;

class Events final : public ConnectionEvents {
 public:
  explicit Events(net::Worker& worker) : closed(worker), turned(worker) {}
  void OnConnected(Connection& connection) override {
    log += "connected;";
    wire = &connection;
  }
  void OnPublish(const Publish& packet) override {
    log += std::string(packet.topic) + "=" + std::string(packet.payload) + ";";
  }
  void OnPuback(const Puback& packet) override {
    log += "puback " + std::to_string(packet.packet_id) + ";";
  }
  void OnTurn() override { turned.Set(); }
  bool HasRoom() override { return room; }
  void OnClosed(const Status& status) override {
    log += "closed;";
    why = status;
    closed.Set();
  }
  std::string log;
  Connection* wire = nullptr;
  bool room = true;
  Status why;
  net::Event closed;
  net::Event turned;
};

std::string Connacked(std::uint8_t reason = 0, const std::string& properties = "") {
  std::string body = {'\0', static_cast<char>(reason)};
  PutVarInt(body, static_cast<std::uint32_t>(properties.size()));
  body += properties;
  std::string out = "\x20";
  PutVarInt(out, static_cast<std::uint32_t>(body.size()));
  return out + body;
}

std::string Published(const std::string& topic, const std::string& payload,
                      std::uint16_t alias = 0) {
  std::string body;
  PutBinary(body, topic);
  std::string properties;
  if (alias > 0) PutNumber16(properties, Property::kTopicAlias, alias);
  PutVarInt(body, static_cast<std::uint32_t>(properties.size()));
  body += properties + payload;
  std::string out = "\x30";
  PutVarInt(out, static_cast<std::uint32_t>(body.size()));
  return out + body;
}

// One packet of the client; empty at the end of the stream.
Task<std::string> Hear(MemoryStream& broker) {
  std::string packet;
  while (NextFrame(packet, 100'000).state == FrameState::kNeedMore) {
    char byte = 0;
    const net::IoResult got = co_await broker.ReadSome(std::span<char>(&byte, 1));
    if (got.ec) co_return std::string();
    packet.push_back(byte);
  }
  co_return packet;
}

Task<void> Say(MemoryStream& broker, std::string bytes) {
  const asio::const_buffer buffer(bytes.data(), bytes.size());
  co_await broker.WriteAll(std::span<const asio::const_buffer>(&buffer, 1));
}

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() : workers_(1) { workers_.Start(); }
  net::Worker& worker() { return workers_.at(0); }

  // Runs the script on the worker; what it leaves there goes first of all.
  void Run(Task<void> (*script)(net::Worker&)) {
    std::promise<void> done;
    asio::co_spawn(worker().executor(), script(worker()), [&](std::exception_ptr error) {
      if (error) {
        done.set_exception(error);
      } else {
        done.set_value();
      }
    });
    done.get_future().get();
  }

 private:
  net::WorkerPool workers_;
};

Task<StatusOr<ConnectionPtr>> Open(net::Worker& worker, net::ByteStreamPtr stream, Events& events,
                                   Redirect& redirect) {
  Connect connect;
  connect.client_id = "c";
  connect.topic_alias_maximum = 2;
  co_return co_await Connection::Open(worker, std::move(stream), std::move(connect), "broker:1",
                                      Clock::now() + std::chrono::seconds(5), events, &redirect);
}

// A client and its broker, who has said `greeting` already.
struct Pair {
  Pair(net::Worker& worker) : events(worker) {
    auto made = MemoryStream::MakePair(worker.executor());
    broker = std::move(made.first);
    client = std::move(made.second);
  }
  std::unique_ptr<MemoryStream> broker;
  net::ByteStreamPtr client;
  Events events;
  Redirect redirect;
};

TEST_F(ConnectionTest, packets_are_told_in_order_however_they_are_cut) {
  Run([](net::Worker& worker) -> Task<void> {
    Pair pair(worker);
    const std::string sent = Connacked() + Published("a", "1", 2) + Published("", "2", 2) +
                             Published("b", "3") + std::string("\x40\x02\x00\x09", 4);
    for (const char byte : sent) co_await Say(*pair.broker, std::string(1, byte));
    auto opened = co_await Open(worker, std::move(pair.client), pair.events, pair.redirect);
    EXPECT_TRUE(opened.ok()) << MessageOf(opened.status());
    if (!opened.ok()) co_return;
    while (pair.events.log.find("puback") == std::string::npos) {
      if (!co_await pair.events.turned.WaitFor(std::chrono::seconds(5))) break;
    }
    EXPECT_EQ(pair.events.log, "connected;a=1;a=2;b=3;puback 9;");
    const std::string connect = co_await Hear(*pair.broker);
    EXPECT_EQ(connect[0], '\x10');
    pair.broker->Close();
    EXPECT_TRUE(co_await pair.events.closed.WaitFor(std::chrono::seconds(5)));
    EXPECT_EQ(ClassOf(pair.events.why), ErrorClass::kConnectionClosed);
  });
}

TEST_F(ConnectionTest, a_connack_that_refuses_is_an_error_with_its_class) {
  Run([](net::Worker& worker) -> Task<void> {
    const std::pair<std::uint8_t, ErrorClass> rows[] = {
        {0x84, ErrorClass::kConfigInvalid}, {0x86, ErrorClass::kAuthFailed},
        {0x87, ErrorClass::kAuthFailed},    {0x88, ErrorClass::kConnectFailed},
        {0x80, ErrorClass::kConnectFailed}, {0x9F, ErrorClass::kOverloaded}};
    for (const auto& [reason, error_class] : rows) {
      Pair pair(worker);
      co_await Say(*pair.broker, Connacked(reason));
      const auto opened = co_await Open(worker, std::move(pair.client), pair.events, pair.redirect);
      EXPECT_EQ(ClassOf(opened.status()), error_class) << static_cast<int>(reason);
      EXPECT_EQ(pair.events.log, "");
    }
    for (const std::uint8_t reason : {0x9C, 0x9D}) {
      Pair pair(worker);
      std::string properties;
      PutText(properties, Property::kServerReference, "other:1884");
      co_await Say(*pair.broker, Connacked(reason, properties));
      const auto opened = co_await Open(worker, std::move(pair.client), pair.events, pair.redirect);
      EXPECT_FALSE(opened.ok());
      EXPECT_EQ(pair.redirect.reference, "other:1884");
      EXPECT_EQ(pair.redirect.for_good, reason == kServerMoved);
    }
  });
}

TEST_F(ConnectionTest, who_hangs_up_or_talks_nonsense_before_connack_is_not_reached) {
  Run([](net::Worker& worker) -> Task<void> {
    for (const char* greeting : {"", "HTTP/1.1 400 Bad Request\r\n\r\n", "\xD0\x01"}) {
      Pair pair(worker);
      co_await Say(*pair.broker, greeting);
      pair.broker->Close();
      const auto opened = co_await Open(worker, std::move(pair.client), pair.events, pair.redirect);
      EXPECT_EQ(ClassOf(opened.status()), ErrorClass::kConnectFailed) << greeting;
    }
  });
}

TEST_F(ConnectionTest, closing_says_what_is_left_then_goodbye) {
  Run([](net::Worker& worker) -> Task<void> {
    Pair pair(worker);
    co_await Say(*pair.broker, Connacked());
    auto opened = co_await Open(worker, std::move(pair.client), pair.events, pair.redirect);
    EXPECT_TRUE(IsOk(opened));
    if (!opened.ok()) co_return;
    co_await Hear(*pair.broker);
    EncodePuback((*opened)->out(), 7, 0);
    asio::co_spawn(worker.executor(), (*opened)->Close(), asio::detached);
    EXPECT_EQ(co_await Hear(*pair.broker), std::string("\x40\x02\x00\x07", 4));
    EXPECT_EQ(co_await Hear(*pair.broker), std::string("\xE0\x00", 2));
    EXPECT_EQ(co_await Hear(*pair.broker), "");  // no more from this side
    pair.broker->Close();
    EXPECT_EQ(pair.events.log, "connected;");  // who closes is not told
  });
}

TEST_F(ConnectionTest, a_broken_rule_is_answered_with_its_reason_and_ends_it_once) {
  Run([](net::Worker& worker) -> Task<void> {
    const std::pair<std::string, std::uint8_t> rows[] = {
        {Published("", "x", 1), kProtocolError},           // an alias for nothing
        {Published("a", "x", 3), 0x94},                    // beyond what was announced
        {std::string("\x36\x03\x00\x01z", 5), kMalformedPacket},  // QoS 3
        {std::string("\x30\xFF\xFF\xFF\x7F", 5), kPacketTooLarge},
        {std::string("\xF0\x00", 2), kProtocolError}};     // AUTH, never asked for
    for (const auto& [bytes, reason] : rows) {
      Pair pair(worker);
      co_await Say(*pair.broker, Connacked() + bytes);
      auto opened = co_await Open(worker, std::move(pair.client), pair.events, pair.redirect);
      co_await Hear(*pair.broker);
      const std::string goodbye = co_await Hear(*pair.broker);
      const char expected[] = {'\xE0', '\x01', static_cast<char>(reason)};
      EXPECT_EQ(goodbye, std::string(expected, 3));
      if (opened.ok()) {
        (*opened)->Abort(0x80, "again");
        co_await pair.events.closed.WaitFor(std::chrono::seconds(5));
        EXPECT_EQ(pair.events.log, "connected;closed;");
      }
      pair.broker->Close();
    }
  });
}

TEST_F(ConnectionTest, a_server_that_disconnects_says_why_and_where_to) {
  Run([](net::Worker& worker) -> Task<void> {
    Pair pair(worker);
    const std::string moved("\xE0\x06\x9D\x04\x1C\x00\x01h", 8);
    co_await Say(*pair.broker, Connacked() + moved);
    auto opened = co_await Open(worker, std::move(pair.client), pair.events, pair.redirect);
    if (opened.ok()) {
      co_await pair.events.closed.WaitFor(std::chrono::seconds(5));
      EXPECT_EQ((*opened)->redirect(), "h");
      EXPECT_EQ((*opened)->last_reason(), kServerMoved);
      EXPECT_EQ(ClassOf(pair.events.why), ErrorClass::kConnectionClosed);
    } else {
      EXPECT_EQ(pair.redirect.reference, "h");
    }
    pair.broker->Close();
  });
}

TEST_F(ConnectionTest, subscribing_gives_the_reason_of_each_filter) {
  Run([](net::Worker& worker) -> Task<void> {
    Pair pair(worker);
    co_await Say(*pair.broker, Connacked());
    auto opened = co_await Open(worker, std::move(pair.client), pair.events, pair.redirect);
    EXPECT_TRUE(IsOk(opened));
    if (!opened.ok()) co_return;
    // The answers may come in any order.
    co_await Say(*pair.broker, std::string("\x90\x04\x00\x02\x00\x87\x90\x04\x00\x01\x00\x01", 12));
    std::vector<Subscription> filters(2);
    filters[0].filter = "a";
    filters[0].id = 1;
    filters[1].filter = "b";
    auto asked = (*opened)->Subscribe(std::move(filters), 1, 0,
                                      Clock::now() + std::chrono::seconds(5));
    const auto reasons = co_await std::move(asked);
    EXPECT_TRUE(reasons.ok()) << MessageOf(reasons.status());
    if (reasons.ok()) {
      EXPECT_EQ(*reasons, (std::vector<std::uint8_t>{1, 0x87}));
    }
    (*opened)->Detach();
    pair.broker->Close();
  });
}

TEST_F(ConnectionTest, what_was_sent_is_not_kept_although_there_is_always_more) {
  Run([](net::Worker& worker) -> Task<void> {
    Pair pair(worker);
    co_await Say(*pair.broker, Connacked());
    auto opened = co_await Open(worker, std::move(pair.client), pair.events, pair.redirect);
    EXPECT_TRUE(IsOk(opened));
    if (!opened.ok()) co_return;
    Connection& client = **opened;
    client.out() += std::string(300'000, 'x');
    client.Flush();
    std::string piece(10'000, '\0');
    for (int i = 0; i < 400; ++i) {
      client.out() += std::string(10'000, 'x');
      client.Flush();
      const std::span<char> room(piece);
      const net::IoResult got = co_await pair.broker->ReadSome(room);
      EXPECT_FALSE(got.ec);
      co_await asio::post(worker.context(), kTask);
    }
    EXPECT_GT(client.unsent(), 0U);
    EXPECT_LT(client.out().size(), 1'000'000U);
    client.Detach();
    pair.broker->Close();
  });
}

TEST_F(ConnectionTest, without_room_nothing_is_read) {
  Run([](net::Worker& worker) -> Task<void> {
    Pair pair(worker);
    pair.events.room = false;
    co_await Say(*pair.broker, Connacked());
    auto opened = co_await Open(worker, std::move(pair.client), pair.events, pair.redirect);
    EXPECT_TRUE(IsOk(opened));
    if (!opened.ok()) co_return;
    pair.events.turned.Reset();  // CONNACK was one
    co_await Say(*pair.broker, Published("a", "1"));
    EXPECT_FALSE(co_await pair.events.turned.WaitFor(std::chrono::milliseconds(200)));
    pair.events.room = true;
    (*opened)->RoomAgain();
    EXPECT_TRUE(co_await pair.events.turned.WaitFor(std::chrono::seconds(5)));
    EXPECT_EQ(pair.events.log, "connected;a=1;");
    pair.broker->Close();
    co_await pair.events.closed.WaitFor(std::chrono::seconds(5));
  });
}

}  // namespace
}  // namespace tidegate::mqtt5
