#include "connectors/mqtt5/headers.h"

#include <gtest/gtest.h>

#include <map>

#include "connectors/mqtt5/block.h"
#include "server/base/codec.h"

namespace tidegate::mqtt5 {
namespace {

using connectors::HeaderField;

// What comes out of a broker when `properties` went in.
connectors::Message Arrive(const std::string& properties, bool dup = false) {
  static BlockPtr kept;
  Publish packet;
  packet.topic = "t";
  packet.qos = 1;
  packet.dup = dup;
  packet.properties = properties;
  packet.payload = "p";
  MetadataCache cache;
  kept = BlockPtr(Block::Make(packet, cache.Of(packet)));
  connectors::Message message;
  kept->FillInto(message);
  return message;
}

std::map<std::string, std::string> MetadataOf(const connectors::Message& message) {
  std::map<std::string, std::string> out;
  for (const auto& entry : message.metadata) out[entry.name] = entry.value;
  return out;
}

TEST(Headers, round_trip_with_bytes_that_are_no_text) {
  const std::string binary("\0\x01\xff\r\n", 5);
  const std::vector<HeaderField> headers = {
      {"h", "1"}, {"h", "2"}, {"binary", binary}, {"empty", ""}, {"odd;base64", "%"}};
  connectors::OutMessage out;
  out.headers = headers;
  std::string properties;
  ASSERT_EQ(EncodeProperties(out, Mqtt5Config::Producer(), properties), "");
  // On the wire everything is text.
  Reader reader(properties);
  std::string sized;
  PutVarInt(sized, static_cast<std::uint32_t>(properties.size()));
  sized += properties;
  Reader whole(sized);
  ASSERT_TRUE(ReadProperties(whole, PacketType::kPublish));
  const connectors::Message in = Arrive(properties);
  ASSERT_EQ(in.headers.size(), headers.size());
  for (std::size_t i = 0; i < headers.size(); ++i) {
    EXPECT_EQ(in.headers[i].name, headers[i].name);
    EXPECT_EQ(in.headers[i].value, headers[i].value);
  }
}

TEST(Headers, a_foreign_name_with_our_suffix_stays_as_it_is) {
  std::string properties;
  PutUserProperty(properties, "x;base64", "not base64!");
  PutNumber32(properties, Property::kMessageExpiry, 5);
  PutUserProperty(properties, "y", "z");
  const connectors::Message in = Arrive(properties);
  ASSERT_EQ(in.headers.size(), 2U);
  EXPECT_EQ(in.headers[0].name, "x;base64");
  EXPECT_EQ(in.headers[0].value, "not base64!");
  EXPECT_EQ(in.headers[1].value, "z");
}

TEST(Headers, metadata_has_the_names_of_the_reference) {
  std::string properties;
  PutNumber8(properties, Property::kPayloadFormat, 1);
  PutNumber32(properties, Property::kMessageExpiry, 77);
  PutText(properties, Property::kContentType, "text/plain");
  PutText(properties, Property::kResponseTopic, "answers");
  PutText(properties, Property::kCorrelationData, std::string_view("\0\1", 2));
  PutVarNumber(properties, Property::kSubscriptionId, 3);
  PutVarNumber(properties, Property::kSubscriptionId, 9);
  const connectors::Message in = Arrive(properties, true);
  const std::map<std::string, std::string> expected = {
      {"type", "PUBLISH"},       {"qos", "1"},
      {"retain", "false"},       {"dup", "true"},
      {"messageExpiryInterval", "77"}, {"contentType", "text/plain"},
      {"responseTopic", "answers"},    {"correlationData", Base64(std::string("\0\1", 2))},
      {"payloadFormat", "utf-8"},      {"subscriptionId", "3,9"}};
  EXPECT_EQ(MetadataOf(in), expected);
  EXPECT_TRUE(in.redelivered);
  EXPECT_EQ(MetadataOf(Arrive("")).at("messageExpiryInterval"), "-1");
}

TEST(Headers, equal_messages_share_their_metadata) {
  MetadataCache cache;
  Publish packet;
  packet.qos = 1;
  const Metadata first = cache.Of(packet);
  std::string properties;
  PutUserProperty(properties, "only", "a header");
  packet.properties = properties;
  EXPECT_EQ(cache.Of(packet), first);
  packet.retain = true;
  EXPECT_NE(cache.Of(packet), first);
}

std::map<int, std::string> Sent(const connectors::OutMessage& message,
                                const Mqtt5Config::Producer& settings) {
  std::string properties;
  EXPECT_EQ(EncodeProperties(message, settings, properties), "");
  std::map<int, std::string> out;
  PropertyReader reader(properties);
  PropertyValue value;
  while (reader.Next(value)) {
    out[static_cast<int>(value.id)] =
        value.text.empty() ? std::to_string(value.number) : std::string(value.text);
  }
  return out;
}

TEST(Headers, settings_and_content_type_become_properties) {
  Mqtt5Config::Producer settings;
  settings.message_expiry = 60;
  settings.response_topic = "answers";
  const std::vector<HeaderField> headers = {{"Content-Type", "application/json; charset=utf-8"},
                                            {"X-Correlation-Id", "order-7"}};
  connectors::OutMessage message;
  message.content = "{}";
  message.headers = headers;
  auto sent = Sent(message, settings);
  EXPECT_EQ(sent[0x01], "1");
  EXPECT_EQ(sent[0x02], "60");
  EXPECT_EQ(sent[0x03], "application/json; charset=utf-8");
  EXPECT_EQ(sent[0x08], "answers");
  EXPECT_EQ(sent[0x09], "order-7");
  message.content = "\xFF";  // says text, is none
  message.headers = {};
  sent = Sent(message, settings);
  EXPECT_EQ(sent.count(0x01), 0U);
  EXPECT_EQ(sent[0x09].size(), 32U);  // made up: replies can be matched all the same
  EXPECT_TRUE(Sent(message, Mqtt5Config::Producer()).empty());
}

TEST(Headers, what_does_not_fit_is_named) {
  const std::string large(70'000, 'x');
  const std::vector<HeaderField> headers = {{"big", large}};
  connectors::OutMessage message;
  message.headers = headers;
  std::string properties;
  const std::string wrong = EncodeProperties(message, Mqtt5Config::Producer(), properties);
  EXPECT_NE(wrong.find("header big"), std::string::npos);
  const std::vector<HeaderField> nameless = {{"\xFF", "x"}};
  message.headers = nameless;
  EXPECT_NE(EncodeProperties(message, Mqtt5Config::Producer(), properties), "");
}

}  // namespace
}  // namespace tidegate::mqtt5
