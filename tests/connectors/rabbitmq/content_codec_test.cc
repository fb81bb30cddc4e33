#include "connectors/rabbitmq/content_codec.h"

#include <gtest/gtest.h>

#include "connectors/rabbitmq/frame.h"
#include "tests/connectors/rabbitmq/wire.h"
#include "tests/support/is_ok.h"

namespace tidegate::rabbitmq {
namespace {

using connectors::HeaderField;
using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Decoded {
  std::uint64_t size = 0;
  std::string body;
  std::size_t body_frames = 0;
  Delivery delivery;
};

std::unique_ptr<Decoded> Decode(const std::string& bytes) {
  auto out = std::make_unique<Decoded>();
  FrameReader reader;
  ContentCodec codec;
  reader.Append(std::span<const char>(bytes.data(), bytes.size()));
  while (true) {
    auto frame = reader.Next();
    EXPECT_TRUE(IsOk(frame));
    if (!frame.ok() || !frame->has_value()) return out;
    if ((*frame)->type == FrameType::kHeader) {
      auto size = codec.Decode((*frame)->payload, out->delivery);
      EXPECT_TRUE(size.ok()) << MessageOf(size.status());
      out->size = *size;
    } else {
      out->body += (*frame)->payload;
      ++out->body_frames;
    }
  }
}

std::unique_ptr<Decoded> RoundTrip(const std::vector<HeaderField>& headers, std::string_view body,
                                   std::uint32_t frame_max = kFrameBytes) {
  ContentCodec codec;
  Content content;
  content.body = body;
  content.headers = headers;
  content.message_id = "given-1";
  std::string out;
  codec.Append(out, 1, content, frame_max);
  return Decode(out);
}

Pairs HeadersOf(const Delivery& delivery) {
  Pairs pairs;
  for (const HeaderField& field : delivery.headers) pairs.emplace_back(field.name, field.value);
  return pairs;
}

std::string MetadataOf(const Delivery& delivery, std::string_view name) {
  for (const auto& entry : delivery.metadata) {
    if (entry.name == name) return entry.value;
  }
  return "(absent)";
}

TEST(ContentCodec, HeadersArriveAsTheyWereAlsoRepeatedOnes) {
  const std::string binary("\0\xff\r\n", 4);
  const auto got = RoundTrip(
      {{"h", "1"}, {"h", "2"}, {"binary", binary}, {"empty", ""}, {"gr\xc3\xb6\xc3\x9f\x65", "x"}},
      "body");
  EXPECT_EQ(HeadersOf(got->delivery),
            (Pairs{{"h", "1"}, {"h", "2"}, {"binary", binary}, {"empty", ""},
                   {"gr\xc3\xb6\xc3\x9f\x65", "x"}}));
  EXPECT_EQ(got->body, "body");
  EXPECT_EQ(got->size, 4u);
}

TEST(ContentCodec, HeadersWithThoseNamesBecomeProperties) {
  const auto got = RoundTrip({{"Content-Type", "text/plain"}, {"content-encoding", "gzip"},
                              {"correlation-id", "c"}, {"reply-to", "r"}, {"message-id", "m"},
                              {"expiration", "5000"}, {"priority", "7"},
                              {"timestamp", "1700000000"}},
                             "x");
  EXPECT_TRUE(got->delivery.headers.empty());
  for (const auto& [name, value] :
       Pairs{{"contentType", "text/plain"}, {"contentEncoding", "gzip"}, {"correlationId", "c"},
             {"replyTo", "r"}, {"messageId", "m"}, {"expiration", "5000"}, {"priority", "7"},
             {"timestamp", "1700000000"}, {"deliveryMode", "2"}, {"appId", "tidegate"}}) {
    EXPECT_EQ(MetadataOf(got->delivery, name), value) << name;
  }
  EXPECT_EQ(got->delivery.timestamp_ms, 1700000000000);
}

TEST(ContentCodec, WhatIsNoNumberStaysAHeaderAndAnIdIsGiven) {
  const auto got = RoundTrip({{"priority", "high"}, {"timestamp", "today"}}, "x");
  EXPECT_EQ(HeadersOf(got->delivery), (Pairs{{"priority", "high"}, {"timestamp", "today"}}));
  EXPECT_EQ(got->delivery.message_id, "given-1");
  EXPECT_FALSE(got->delivery.timestamp_ms.has_value());
}

TEST(ContentCodec, BodiesAreCutIntoFrames) {
  EXPECT_EQ(RoundTrip({}, "")->body_frames, 0u);
  const std::string body(3 * (4096 - kFrameOverhead) + 1, 'b');
  const auto got = RoundTrip({}, body, 4096);
  EXPECT_EQ(got->body_frames, 4u);
  EXPECT_EQ(got->body, body);
}

TEST(ContentCodec, ValuesOfOtherClientsBecomeText) {
  const std::string table =
      wire::Entry("yes", "t\1") + wire::Entry("tiny", "b\xff") +
      wire::Entry("int", wire::U8('I') + wire::U32(0xFFFFFFFE)) +
      wire::Entry("long", wire::U8('l') + wire::U64(1234567890123)) +
      wire::Entry("double", wire::U8('d') + wire::U64(0x3FF8000000000000)) +
      wire::Entry("decimal", wire::U8('D') + wire::U8(2) + wire::U32(5)) +
      wire::Entry("time", wire::U8('T') + wire::U64(1700000000)) + wire::Entry("void", "V") +
      wire::Entry("bytes", wire::Value('x', "\x01\xfe")) +
      wire::Entry("list", wire::Value('A', wire::Value('S', "a") + wire::Value('S', "b"))) +
      wire::Entry("mixed", wire::Value('A', wire::Value('S', "a\"") + "t\1")) +
      wire::Entry("table", wire::Value('F', wire::Entry("k", wire::U8('I') + wire::U32(1)) +
                                            wire::Entry("n", "V")));
  const auto got = Decode(wire::Header(1, 0, wire::U16(1 << 13) + wire::Long(table)));
  EXPECT_EQ(HeadersOf(got->delivery),
            (Pairs{{"yes", "true"}, {"tiny", "-1"}, {"int", "-2"}, {"long", "1234567890123"},
                   {"double", "1.5"}, {"decimal", "0.05"}, {"time", "1700000000"}, {"void", ""},
                   {"bytes", "\x01\xfe"}, {"list", "a"}, {"list", "b"},
                   {"mixed", "[\"a\\\"\",true]"}, {"table", "{\"k\":1,\"n\":null}"}}));
}

TEST(ContentCodec, WhatAMessageCostsIsCountedWithItsHeaders) {
  std::string table;
  for (int i = 0; i < 10'000; ++i) table += wire::Entry("", "V");
  const auto got = Decode(wire::Header(1, 0, wire::U16(1 << 13) + wire::Long(table)));
  EXPECT_EQ(got->delivery.headers.size(), 10'000u);
  // Twenty thousand bytes on the wire; what bounds the reading ahead is what is held.
  EXPECT_GT(got->delivery.bytes(), 10'000 * (sizeof(HeaderField) + sizeof(std::string)));
}

TEST(ContentCodec, MalformedHeadersAreRefused) {
  ContentCodec codec;
  for (const std::string& payload :
       {std::string(), std::string("short"),
        wire::U16(61) + wire::U16(0) + wire::U64(0) + wire::U16(0),
        wire::U16(60) + wire::U16(0) + wire::U64(0) + wire::U16(1 << 15) + "\x20text",
        wire::U16(60) + wire::U16(0) + wire::U64(0) + wire::U16(1 << 13) + wire::U32(9),
        wire::U16(60) + wire::U16(0) + wire::U64(0) + wire::U16(1)}) {
    Delivery delivery;
    EXPECT_FALSE(codec.Decode(payload, delivery).ok());
  }
}

TEST(HeaderFault, SaysWhatCannotBeSent) {
  const std::string long_name(256, 'n');
  const std::string long_value(256, 'v');
  const std::string huge(kFrameBytes, 'x');
  const auto fault = [](std::string_view name, std::string_view value) {
    const HeaderField field{name, value};
    return std::string(HeaderFault(std::span(&field, 1), kFrameBytes));
  };
  EXPECT_EQ(fault("x", long_value), "");
  EXPECT_NE(fault(long_name, "x"), "");
  EXPECT_NE(fault("reply-to", long_value), "");
  EXPECT_NE(fault("reply-to", "\xff"), "");
  EXPECT_NE(fault("expiration", "soon"), "");
  EXPECT_NE(fault("expiration", "4294967296"), "");
  EXPECT_EQ(fault("expiration", "60000"), "");
  EXPECT_NE(fault("x", huge), "");
}

}  // namespace
}  // namespace tidegate::rabbitmq
