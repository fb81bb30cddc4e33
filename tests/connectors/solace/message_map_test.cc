#include "connectors/solace/message_map.h"
#include "tests/support/is_ok.h"

#include <gtest/gtest.h>
#include <proton/codec.h>
#include <proton/message.h>

#include <functional>

namespace tidegate::solace {
namespace {

using connectors::HeaderField;
using connectors::OutMessage;

class MessageMapTest : public ::testing::Test {
 protected:
  MessageMapTest() : workers_(1) {
    auto shared = std::make_shared<Shared>();
    shared->monitor = std::make_shared<Monitor>("test", "map");
    connection_ = std::make_shared<Connection>(std::move(shared), workers_.at(0), "test");
  }
  Envelope Decode(std::string_view bytes) {
    Envelope envelope;
    EXPECT_TRUE(codec_.Decode(bytes, *connection_, "from/topic", envelope));
    return envelope;
  }
  // The bytes of a message that `fill` has made.
  static std::string Bytes(const std::function<void(pn_message_t*)>& fill) {
    pn_message_t* message = pn_message();
    fill(message);
    std::string bytes(65536, '\0');
    std::size_t size = bytes.size();
    EXPECT_EQ(pn_message_encode(message, bytes.data(), &size), 0);
    bytes.resize(size);
    pn_message_free(message);
    return bytes;
  }
  static std::string Meta(const Envelope& envelope, const std::string& name) {
    for (const auto& entry : envelope.metadata) {
      if (entry.name == name) return entry.value;
    }
    return "(none)";
  }

  net::WorkerPool workers_;
  ConnectionPtr connection_;
  MessageCodec codec_;
};

// A message whose body is a value of `levels` lists, one in the other.
std::string NestedBody(int levels) {
  std::string value;
  for (int i = levels - 1; i > 0; --i) {
    const auto size = static_cast<std::uint32_t>(9 * i - 4);  // of what follows the number
    value += '\xD0';
    for (const std::uint32_t number : {size, 1u}) {
      for (int shift = 24; shift >= 0; shift -= 8) value += static_cast<char>(number >> shift);
    }
  }
  value += '\x45';  // the empty list
  return std::string("\0\x53\x77", 3) + value;
}

// Proton decodes a value by calling itself for each level of it.
TEST_F(MessageMapTest, ABodyNestedWithoutEndIsMalformed) {
  Envelope envelope;
  EXPECT_TRUE(codec_.Decode(NestedBody(20), *connection_, "t", envelope));
  for (const int levels : {1'000, 65'000}) {
    EXPECT_FALSE(codec_.Decode(NestedBody(levels), *connection_, "t", envelope)) << levels;
  }
}

TEST_F(MessageMapTest, WhatIsPublishedIsReadAsItWas) {
  const std::string binary("\0\x01\xff\r\n", 5);
  const std::vector<HeaderField> headers = {
      {"h", "1"}, {"h", "2"}, {"binary", binary}, {"empty", ""}, {"gr\xc3\xb6\xc3\x9f\x65", "x"}};
  OutMessage message;
  message.content = binary;
  message.key = "k";
  message.headers = headers;
  MessageCodec::Frame frame;
  frame.ttl_ms = 90'000;
  frame.reply_to = "topic://replies";
  std::string bytes;
  ASSERT_TRUE(IsOk(codec_.Encode(message, frame, "topic://a/b", "id-1", bytes)));
  const Envelope got = Decode(bytes);
  EXPECT_EQ(got.content, binary);
  EXPECT_TRUE(got.has_content);
  EXPECT_EQ(got.topic, "a/b");
  EXPECT_EQ(got.key, "k");
  EXPECT_GT(got.created_ms, 0);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"h", "1, 2"}, {"binary", binary}, {"empty", ""}, {"gr\xc3\xb6\xc3\x9f\x65", "x"}};
  EXPECT_EQ(got.headers, expected);
  EXPECT_EQ(Meta(got, "destinationName"), "a/b");
  EXPECT_EQ(Meta(got, "replyTo"), "replies");
  EXPECT_EQ(Meta(got, "messageId"), "id-1");
  EXPECT_EQ(Meta(got, "correlationId"), "id-1");
  EXPECT_EQ(Meta(got, "messageExpiryInterval"), "90");
  EXPECT_EQ(Meta(got, "deliveryMode"), "persistent");
  EXPECT_EQ(Meta(got, "isRedelivered"), "false");
  EXPECT_EQ(Meta(got, "isCached"), "false");
}

TEST_F(MessageMapTest, EmptyContentIsEmptyNotAbsent) {
  std::string bytes;
  ASSERT_TRUE(IsOk(codec_.Encode(OutMessage(), MessageCodec::Frame(), "topic://t", "i", bytes)));
  const Envelope got = Decode(bytes);
  EXPECT_TRUE(got.has_content);
  EXPECT_EQ(got.content, "");
}

TEST_F(MessageMapTest, AMillionBytesAndManyHeadersFit) {
  const std::string large(1'000'000, 'L');
  std::vector<HeaderField> headers;
  const std::string value = large.substr(0, 1000);
  for (int i = 0; i < 100; ++i) headers.push_back({i % 2 == 0 ? "a" : "b", value});
  OutMessage message;
  message.content = large;
  message.headers = headers;
  std::string bytes;
  ASSERT_TRUE(IsOk(codec_.Encode(message, MessageCodec::Frame(), "topic://t", "i", bytes)));
  const Envelope got = Decode(bytes);
  EXPECT_EQ(got.content.size(), large.size());
  ASSERT_EQ(got.headers.size(), 2u);
  EXPECT_EQ(got.headers[0].second.size(), 50u * 1000 + 49 * 2);
}

TEST_F(MessageMapTest, NamesThatAmqpCannotCarryAreADefiniteNo) {
  const std::vector<HeaderField> headers = {{"\xff", "x"}};
  OutMessage message;
  message.headers = headers;
  std::string bytes;
  const Status status = codec_.Encode(message, MessageCodec::Frame(), "topic://t", "i", bytes);
  EXPECT_EQ(ClassOf(status), ErrorClass::kMessageRejected);
}

TEST_F(MessageMapTest, BodiesOfOtherClientsAreRead) {
  struct Case {
    std::function<void(pn_data_t*)> put;
    const char* content;
  };
  const std::vector<Case> cases = {
      {[](pn_data_t* d) { pn_data_put_string(d, pn_bytes(5, "hello")); }, "hello"},
      {[](pn_data_t* d) { pn_data_put_binary(d, pn_bytes(3, "\x01\x02\x03")); }, "\x01\x02\x03"},
      {[](pn_data_t* d) { pn_data_put_long(d, -5); }, "-5"},
      {[](pn_data_t* d) { pn_data_put_bool(d, true); }, "true"},
      {[](pn_data_t* d) {
         pn_data_put_map(d);
         pn_data_enter(d);
         pn_data_put_string(d, pn_bytes(1, "a"));
         pn_data_put_list(d);
         pn_data_enter(d);
         pn_data_put_int(d, 1);
         pn_data_put_null(d);
         pn_data_put_string(d, pn_bytes(2, "\"x"));
         pn_data_exit(d);
         pn_data_exit(d);
       },
       R"({"a":[1,null,"\"x"]})"},
  };
  for (const Case& c : cases) {
    const std::string bytes = Bytes([&c](pn_message_t* m) { c.put(pn_message_body(m)); });
    const Envelope got = Decode(bytes);
    EXPECT_EQ(got.content, c.content);
    EXPECT_EQ(got.topic, "from/topic");
    EXPECT_EQ(Meta(got, "senderTimestamp"), "-1");
  }
  const std::string none = Bytes([](pn_message_t* m) { pn_data_put_null(pn_message_body(m)); });
  EXPECT_FALSE(Decode(none).has_content);
}

TEST_F(MessageMapTest, PropertiesOfOtherClientsAreMetadata) {
  const std::string bytes = Bytes([](pn_message_t* m) {
    pn_message_set_user_id(m, pn_bytes(5, "alice"));
    pn_message_set_subject(m, "s");
    pn_message_set_priority(m, 7);
    pn_message_set_creation_time(m, 1234);
    pn_message_set_delivery_count(m, 2);
    pn_message_set_content_type(m, "application/json");
    pn_data_put_ulong(pn_message_id(m), 42);
    pn_data_t* map = pn_message_properties(m);
    pn_data_put_map(map);
    pn_data_enter(map);
    pn_data_put_string(map, pn_bytes(1, "n"));
    pn_data_put_double(map, 1.5);
    pn_data_put_string(map, pn_bytes(1, "b"));
    pn_data_put_bool(map, false);
    pn_data_exit(map);
  });
  const Envelope got = Decode(bytes);
  EXPECT_EQ(Meta(got, "senderId"), "alice");
  EXPECT_EQ(Meta(got, "subject"), "s");
  EXPECT_EQ(Meta(got, "priority"), "7");
  EXPECT_EQ(Meta(got, "senderTimestamp"), "1234");
  EXPECT_EQ(Meta(got, "deliveryCount"), "2");
  EXPECT_EQ(Meta(got, "isRedelivered"), "true");
  EXPECT_EQ(Meta(got, "contentType"), "application/json");
  EXPECT_EQ(Meta(got, "messageId"), "42");
  EXPECT_EQ(Meta(got, "deliveryMode"), "direct");
  EXPECT_TRUE(got.redelivered);
  const std::vector<std::pair<std::string, std::string>> expected = {{"n", "1.5"}, {"b", "false"}};
  EXPECT_EQ(got.headers, expected);
}

TEST_F(MessageMapTest, WhatIsNoMessageIsSaidNotToBe) {
  Envelope envelope;
  for (const std::string& bytes :
       {std::string(), std::string("\xff\xff\xff"), std::string("\0\x53\x75\xa0\x7f", 5),
        std::string("\0\x53\x75\xa0", 4), std::string("\0\x53", 2), std::string(64, '\0'),
        std::string("\0\x53\x10\x45", 4),
        std::string("\0\x53\x75\x15", 4)}) {
    EXPECT_FALSE(codec_.Decode(bytes, *connection_, "t", envelope)) << bytes.size();
  }
  EXPECT_TRUE(codec_.Decode(std::string("\0\x53\x70\x45", 4), *connection_, "t", envelope));
  EXPECT_FALSE(envelope.has_content);  // a header alone: an empty message of another protocol
  envelope = Envelope();
  EXPECT_TRUE(codec_.Decode(std::string("\0\x53\x75\xa0\x01x", 6), *connection_, "t", envelope));
  EXPECT_EQ(envelope.content, "x");
  Envelope wide;
  const std::string full("\0\x80\0\0\0\0\0\0\0\x75\xb0\0\0\0\x01y", 16);
  EXPECT_TRUE(codec_.Decode(full, *connection_, "t", wide));
  EXPECT_EQ(wide.content, "y");
}

}  // namespace
}  // namespace tidegate::solace
