#include "connectors/mqtt5/packets.h"

#include <gtest/gtest.h>

namespace tidegate::mqtt5 {
namespace {

std::string Bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

Frame Whole(const std::string& packet) {
  const Frame frame = NextFrame(packet, 1'000'000);
  EXPECT_EQ(frame.state, FrameState::kWhole);
  EXPECT_EQ(frame.size, packet.size());
  return frame;
}

TEST(Wire, variable_integers_have_one_form) {
  for (const std::uint32_t value : {0U, 127U, 128U, 16'383U, 16'384U, 2'097'152U, 268'435'455U}) {
    std::string out;
    PutVarInt(out, value);
    EXPECT_EQ(out.size(), VarIntSize(value));
    Reader reader(out);
    EXPECT_EQ(reader.VarInt(), value);
    EXPECT_FALSE(reader.bad());
  }
  for (const std::string& bad : {Bytes({0x80, 0x00}), Bytes({0xFF, 0xFF, 0xFF, 0xFF, 0x01}),
                                 Bytes({0x80}), std::string()}) {
    Reader reader(bad);
    reader.VarInt();
    EXPECT_TRUE(reader.bad());
  }
}

TEST(Wire, texts_are_utf8_without_nul) {
  for (const std::string& bad : {Bytes({0, 1, 0}), Bytes({0, 2, 0xC3, 0x28}), Bytes({0, 5, 'a'})}) {
    Reader reader(bad);
    EXPECT_EQ(reader.Text(), "");
    EXPECT_TRUE(reader.bad());
  }
  const std::string good = Bytes({0, 2, 0xC3, 0xB6}).append("x");
  Reader reader(good);
  EXPECT_EQ(reader.Text(), "\xC3\xB6");
  EXPECT_EQ(reader.left(), 1U);
}

TEST(Wire, frames_are_found_byte_by_byte) {
  std::string packet;
  EncodePuback(packet, 7, 0x80);
  for (std::size_t size = 0; size < packet.size(); ++size) {
    EXPECT_EQ(NextFrame(std::string_view(packet).substr(0, size), 100).state,
              FrameState::kNeedMore);
  }
  EXPECT_EQ(NextFrame(packet + "rest", 100).size, packet.size());
  EXPECT_EQ(NextFrame(packet, packet.size() - 1).state, FrameState::kTooLarge);
  EXPECT_EQ(NextFrame(Bytes({0x30, 0xFF, 0xFF, 0xFF, 0xFF}), 100).state, FrameState::kMalformed);
  EXPECT_EQ(NextFrame(Bytes({0x30, 0x80, 0x00}), 100).state, FrameState::kMalformed);
}

TEST(Packets, connect_has_what_was_asked_for) {
  Connect connect;
  connect.client_id = "me";
  connect.clean_start = false;
  connect.keep_alive = 30;
  connect.session_expiry = 60;
  connect.receive_maximum = 64;
  connect.packet_bytes_max = 1000;
  connect.topic_alias_maximum = 3;
  connect.username = "u";
  connect.password = "p";
  std::string out;
  EncodeConnect(out, connect);
  const std::string expected =
      Bytes({0x10, 38, 0, 4, 'M', 'Q', 'T', 'T', 5, 0xC0, 0, 30, 16, 0x11, 0, 0, 0, 60, 0x21, 0,
             64, 0x27, 0, 0, 3, 0xE8, 0x22, 0, 3, 0, 2, 'm', 'e', 0, 1, 'u', 0, 1, 'p'});
  EXPECT_EQ(Whole(out).body.size(), expected.size() - 2);
  EXPECT_EQ(out.substr(2), expected.substr(2));
  connect.clean_start = true;
  connect.username.reset();
  connect.password.reset();
  std::string bare;
  EncodeConnect(bare, connect);
  EXPECT_EQ(static_cast<unsigned char>(bare[9]), 0x02);
}

TEST(Packets, connack_tells_every_limit) {
  std::string properties;
  PutNumber32(properties, Property::kSessionExpiry, 9);
  PutNumber16(properties, Property::kReceiveMaximum, 12);
  PutNumber8(properties, Property::kMaximumQos, 1);
  PutNumber8(properties, Property::kRetainAvailable, 0);
  PutNumber32(properties, Property::kMaximumPacketSize, 5000);
  PutText(properties, Property::kAssignedClientId, "made-up");
  PutNumber8(properties, Property::kSharedAvailable, 0);
  PutNumber8(properties, Property::kSubscriptionIdAvailable, 0);
  PutNumber16(properties, Property::kServerKeepAlive, 7);
  PutText(properties, Property::kServerReference, "other:1");
  PutText(properties, Property::kReasonString, "because");
  std::string body = Bytes({1, 0x9C});
  PutVarInt(body, static_cast<std::uint32_t>(properties.size()));
  body += properties;
  const auto connack = DecodeConnack(0x20, body);
  ASSERT_TRUE(connack);
  EXPECT_TRUE(connack->session_present);
  EXPECT_EQ(connack->reason, 0x9C);
  EXPECT_EQ(connack->session_expiry, 9U);
  EXPECT_EQ(connack->receive_maximum, 12);
  EXPECT_EQ(connack->maximum_qos, 1);
  EXPECT_FALSE(connack->retain_available);
  EXPECT_EQ(connack->packet_bytes_max, 5000U);
  EXPECT_EQ(connack->assigned_client_id, "made-up");
  EXPECT_FALSE(connack->shared_available);
  EXPECT_FALSE(connack->subscription_id_available);
  EXPECT_EQ(connack->server_keep_alive, 7);
  EXPECT_EQ(connack->server_reference, "other:1");
  EXPECT_EQ(connack->reason_text, "because");
}

TEST(Packets, connack_refuses_what_breaks_the_table) {
  EXPECT_FALSE(DecodeConnack(0x21, Bytes({0, 0, 0})));        // flags
  EXPECT_FALSE(DecodeConnack(0x20, Bytes({2, 0, 0})));        // reserved bits
  EXPECT_FALSE(DecodeConnack(0x20, Bytes({0, 0})));           // no properties
  EXPECT_TRUE(DecodeConnack(0x20, Bytes({0, 0x84})));         // an older server
  EXPECT_FALSE(DecodeConnack(0x20, Bytes({0, 0, 2, 0x24, 2})));         // QoS 2 is not said
  EXPECT_FALSE(DecodeConnack(0x20, Bytes({0, 0, 3, 0x21, 0, 0})));      // receive maximum 0
  EXPECT_FALSE(DecodeConnack(0x20, Bytes({0, 0, 4, 0x24, 1, 0x24, 1})));  // twice
  EXPECT_FALSE(DecodeConnack(0x20, Bytes({0, 0, 2, 0x01, 1})));         // of a PUBLISH
  EXPECT_FALSE(DecodeConnack(0x20, Bytes({0, 0, 2, 0x7F, 1})));         // unknown
  EXPECT_FALSE(DecodeConnack(0x20, Bytes({0, 0, 0, 9})));               // more than it says
}

TEST(Packets, publish_round_trip) {
  std::string properties;
  PutUserProperty(properties, "h", "1");
  PutUserProperty(properties, "h", "2");
  PutVarNumber(properties, Property::kSubscriptionId, 5);
  PutVarNumber(properties, Property::kSubscriptionId, 300);
  PublishOut out;
  out.packet_id = 513;
  out.retain = true;
  out.topic = "a/b";
  out.properties = properties;
  out.payload = "data";
  std::string packet;
  EncodePublish(packet, out);
  EXPECT_EQ(packet.size(), SizeOf(out));
  const Frame frame = Whole(packet);
  const auto in = DecodePublish(frame.first, frame.body);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->qos, 1);
  EXPECT_EQ(in->packet_id, 513);
  EXPECT_TRUE(in->retain);
  EXPECT_FALSE(in->dup);
  EXPECT_EQ(in->topic, "a/b");
  EXPECT_EQ(in->properties, properties);
  EXPECT_EQ(in->payload, "data");
}

// Whoever publishes chooses how many: refusing them would end the connection of every reader, again
// and again.
TEST(Packets, publish_may_have_any_number_of_user_properties) {
  std::string properties;
  for (int i = 0; i < 10'000; ++i) PutUserProperty(properties, "h", "v");
  PublishOut out;
  out.packet_id = 1;
  out.topic = "a";
  out.properties = properties;
  std::string packet;
  EncodePublish(packet, out);
  const Frame frame = Whole(packet);
  EXPECT_TRUE(DecodePublish(frame.first, frame.body));
}

TEST(Packets, publish_refuses_what_a_server_may_not_send) {
  const std::string body = Bytes({0, 1, 'a', 0, 1, 0});
  EXPECT_TRUE(DecodePublish(0x32, body));
  EXPECT_TRUE(DecodePublish(0x3A, body));                         // again
  EXPECT_FALSE(DecodePublish(0x34, body));                        // QoS 2 was not subscribed
  EXPECT_FALSE(DecodePublish(0x36, body));                        // QoS 3
  EXPECT_FALSE(DecodePublish(0x38, Bytes({0, 1, 'a', 0})));       // again, at QoS 0
  EXPECT_FALSE(DecodePublish(0x32, Bytes({0, 1, 'a', 0, 0, 0})));   // packet id 0
  EXPECT_FALSE(DecodePublish(0x30, Bytes({0, 1, '#', 0})));       // a wildcard
  EXPECT_FALSE(DecodePublish(0x30, Bytes({0, 0, 0})));            // neither topic nor alias
  EXPECT_TRUE(DecodePublish(0x30, Bytes({0, 0, 3, 0x23, 0, 1})));
  EXPECT_FALSE(DecodePublish(0x30, Bytes({0, 0, 3, 0x23, 0, 0})));  // alias 0
  EXPECT_FALSE(DecodePublish(0x30, Bytes({0, 1, 'a', 2, 0x21, 1})));  // not of a PUBLISH
  EXPECT_FALSE(DecodePublish(0x30, Bytes({0, 9, 'a'})));          // cut
}

TEST(Packets, pubacks_in_all_forms) {
  EXPECT_EQ(DecodePuback(0x40, Bytes({0, 9}))->reason, 0);
  EXPECT_EQ(DecodePuback(0x40, Bytes({0, 9, 0x10}))->reason, 0x10);
  const std::string body = Bytes({0, 9, 0x97, 4, 0x1F, 0, 1, 'q'});  // what was decoded views it
  const auto full = DecodePuback(0x40, body);
  ASSERT_TRUE(full);
  EXPECT_EQ(full->reason_text, "q");
  EXPECT_FALSE(DecodePuback(0x40, Bytes({0, 0})));
  EXPECT_FALSE(DecodePuback(0x41, Bytes({0, 9})));
  std::string out;
  EncodePuback(out, 9, 0);
  EXPECT_EQ(out, Bytes({0x40, 2, 0, 9}));
  EncodePuback(out, 9, 0x80);
  EXPECT_EQ(out.substr(4), Bytes({0x40, 3, 0, 9, 0x80}));
}

TEST(Packets, subscribing_and_the_end) {
  Subscribe subscribe;
  subscribe.packet_id = 3;
  subscribe.subscription_id = 2;
  subscribe.qos = 1;
  subscribe.retain_handling = 1;
  subscribe.filter = "a/+";
  std::string out;
  EncodeSubscribe(out, subscribe);
  EXPECT_EQ(out, Bytes({0x82, 11, 0, 3, 2, 0x0B, 2, 0, 3, 'a', '/', '+', 0x11}));
  const std::string granted = Bytes({0, 3, 0, 1, 0x87});
  const auto suback = DecodeSuback(0x90, granted);
  ASSERT_TRUE(suback);
  EXPECT_EQ(suback->reasons, Bytes({1, 0x87}));
  EXPECT_FALSE(DecodeSuback(0x90, Bytes({0, 3, 0})));  // for nothing
  std::string gone;
  const std::vector<std::string> filters = {"a", "b"};
  EncodeUnsubscribe(gone, 4, filters);
  EXPECT_EQ(gone, Bytes({0xA2, 9, 0, 4, 0, 0, 1, 'a', 0, 1, 'b'}));
  EXPECT_EQ(DecodeDisconnect(0xE0, "")->reason, 0);
  const std::string body = Bytes({0x9D, 4, 0x1C, 0, 1, 'h'});
  const auto moved = DecodeDisconnect(0xE0, body);
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->server_reference, "h");
  std::string end;
  EncodeDisconnect(end, 0);
  EncodeDisconnect(end, 0x82);
  EncodePingreq(end);
  EXPECT_EQ(end, Bytes({0xE0, 0, 0xE0, 1, 0x82, 0xC0, 0}));
}

}  // namespace
}  // namespace tidegate::mqtt5
