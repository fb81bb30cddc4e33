#include "server/http/websocket_frame.h"

#include <gtest/gtest.h>

#include <vector>

namespace tidegate::http {
namespace {

using Event = WebSocketDecoder::Event;

struct Seen {
  Event event;
  Opcode opcode;
  std::string payload;
  std::uint16_t code;
  bool operator==(const Seen&) const = default;
};

// Feeds `bytes` in pieces of `piece` and collects what comes out, up to the first error or close.
std::vector<Seen> Decode(std::string bytes, std::size_t piece = 1 << 20,
                         WebSocketLimits limits = WebSocketLimits(),
                         TimePoint now = TimePoint() + std::chrono::hours(1)) {
  WebSocketDecoder decoder(limits);
  std::vector<Seen> seen;
  for (std::size_t start = 0; start < bytes.size(); start += piece) {
    const std::size_t end = std::min(bytes.size(), start + piece);
    std::size_t at = start;
    for (;;) {
      const auto step = decoder.Feed(std::span<char>(bytes.data() + at, end - at), now);
      at += step.consumed;
      if (step.event == Event::kNeedMore) break;
      seen.push_back({step.event, step.opcode, std::string(step.payload), step.close_code});
      if (step.event == Event::kError || step.event == Event::kClose) return seen;
    }
    EXPECT_EQ(at, end);
  }
  return seen;
}

std::string Masked(Opcode opcode, std::string_view payload, bool fin = true) {
  std::string out;
  AppendMaskedWebSocketFrame(out, opcode, payload, 0x37FA213D, fin);
  return out;
}

std::string Bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

// A masked close with raw payload bytes.
std::string CloseOf(int code, std::string_view reason = "") {
  return Masked(Opcode::kClose,
                Bytes({code >> 8, code & 0xFF}) + std::string(reason));
}

TEST(WebSocketFrame, DecodesTheExampleOfTheRfc) {
  // RFC 6455 §5.7: a single-frame masked text message with "Hello".
  const std::string frame =
      Bytes({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58});
  EXPECT_EQ(frame, Masked(Opcode::kText, "Hello"));
  const auto seen = Decode(frame);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].event, Event::kMessage);
  EXPECT_EQ(seen[0].opcode, Opcode::kText);
  EXPECT_EQ(seen[0].payload, "Hello");
}

TEST(WebSocketFrame, EncodesServerFramesUnmaskedWithMinimalLengths) {
  std::string out;
  AppendWebSocketFrame(out, Opcode::kText, "Hello");
  EXPECT_EQ(out, Bytes({0x81, 0x05}) + "Hello");
  for (const std::size_t size : {125, 126, 65535, 65536}) {
    out.clear();
    AppendWebSocketFrame(out, Opcode::kBinary, std::string(size, 'x'));
    EXPECT_EQ(out.size() - size, size < 126 ? 2U : size < 65536 ? 4U : 10U) << size;
    EXPECT_EQ(static_cast<unsigned char>(out[0]), 0x82);
  }
}

TEST(WebSocketFrame, EverySplitGivesTheSame) {
  std::string stream = Masked(Opcode::kText, "gr\xC3\xBC\xC3\x9F ", false) +
                       Masked(Opcode::kPing, "p1") +
                       Masked(Opcode::kContinuation, "\xF0\x9F\x8C\x8A!") +
                       Masked(Opcode::kBinary, std::string(300, '\xFF')) +
                       Masked(Opcode::kPong, "") + Masked(Opcode::kText, "") + CloseOf(1000, "bye");
  const auto whole = Decode(stream);
  ASSERT_EQ(whole.size(), 6U);
  EXPECT_EQ(whole[0].event, Event::kPing);
  EXPECT_EQ(whole[1].payload, "gr\xC3\xBC\xC3\x9F \xF0\x9F\x8C\x8A!");
  EXPECT_EQ(whole[2].payload, std::string(300, '\xFF'));
  EXPECT_EQ(whole[5].code, 1000);
  for (std::size_t piece = 1; piece < 40; ++piece) EXPECT_EQ(Decode(stream, piece), whole) << piece;
}

TEST(WebSocketFrame, RefusesBrokenFrames) {
  const std::string mask(4, '\0');
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"not masked", Bytes({0x81, 0x01}) + "x"},
      {"rsv1", Bytes({0xC1, 0x80}) + mask},
      {"rsv2", Bytes({0xA1, 0x80}) + mask},
      {"rsv3", Bytes({0x91, 0x80}) + mask},
      {"opcode 3", Bytes({0x83, 0x80}) + mask},
      {"opcode 7", Bytes({0x87, 0x80}) + mask},
      {"opcode 11", Bytes({0x8B, 0x80}) + mask},
      {"opcode 15", Bytes({0x8F, 0x80}) + mask},
      {"fragmented ping", Bytes({0x09, 0x80}) + mask},
      {"fragmented close", Bytes({0x08, 0x80}) + mask},
      {"ping of 126", Bytes({0x89, 0xFE, 0x00, 0x7E}) + mask},
      {"continuation first", Bytes({0x80, 0x80}) + mask},
      {"text inside a message", Bytes({0x01, 0x80}) + mask + Bytes({0x81, 0x80}) + mask},
      {"16 bit length not minimal", Bytes({0x82, 0xFE, 0x00, 0x7D}) + mask},
      {"64 bit length not minimal", Bytes({0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}) + mask},
      {"64 bit length negative", Bytes({0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0}) + mask},
      {"close of one byte", Bytes({0x88, 0x81}) + mask + "x"},
  };
  for (const auto& [name, bytes] : rows) {
    for (const std::size_t piece : {1UL, 1000UL}) {
      const auto seen = Decode(bytes, piece);
      ASSERT_FALSE(seen.empty()) << name;
      EXPECT_EQ(seen.back().event, Event::kError) << name;
      EXPECT_EQ(seen.back().code, kCloseProtocol) << name;
    }
  }
}

TEST(WebSocketFrame, JudgesCloseCodes) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         3000, 3999, 4000, 4999}) {
    const auto seen = Decode(CloseOf(code));
    EXPECT_EQ(seen.at(0).event, Event::kClose) << code;
    EXPECT_EQ(seen.at(0).code, code);
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    const auto seen = Decode(CloseOf(code));
    EXPECT_EQ(seen.at(0).event, Event::kError) << code;
    EXPECT_EQ(seen.at(0).code, kCloseProtocol);
  }
  EXPECT_EQ(Decode(Masked(Opcode::kClose, "")).at(0).code, kCloseNoCode);
  EXPECT_EQ(Decode(CloseOf(1000, "\xFF")).at(0).code, kCloseBadData);
}

TEST(WebSocketFrame, RefusesTextThatIsNotUtf8AsSoonAsItCanBeKnown) {
  for (const std::string bad :
       {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\x80",
        "a\xE2\x28\xA1", "\xC3", "\xF0\x9F\x8C"}) {
    EXPECT_EQ(Decode(Masked(Opcode::kText, bad)).at(0).code, kCloseBadData);
    EXPECT_EQ(Decode(Masked(Opcode::kBinary, bad)).at(0).event, Event::kMessage);
  }
  // The first fragment alone is enough.
  EXPECT_EQ(Decode(Masked(Opcode::kText, "\xED\xA0", false)).at(0).code, kCloseBadData);
  // A character may be cut between fragments.
  const auto cut = Decode(Masked(Opcode::kText, "\xE2\x82", false) +
                          Masked(Opcode::kContinuation, "\xAC"));
  EXPECT_EQ(cut.at(0).payload, "\xE2\x82\xAC");
}

TEST(WebSocketFrame, HoldsItsLimitsExactly) {
  WebSocketLimits limits;
  limits.frame_bytes = 1000;
  limits.message_bytes = 1500;
  const auto one = [&limits](std::size_t size) {
    return Decode(Masked(Opcode::kBinary, std::string(size, 'x')), 1 << 20, limits).at(0);
  };
  EXPECT_EQ(one(999).event, Event::kMessage);
  EXPECT_EQ(one(1000).event, Event::kMessage);
  EXPECT_EQ(one(1001).code, kCloseTooBig);
  const auto two = [&limits](std::size_t size) {
    return Decode(Masked(Opcode::kBinary, std::string(750, 'x'), false) +
                      Masked(Opcode::kContinuation, std::string(size, 'x')),
                  1 << 20, limits).at(0);
  };
  EXPECT_EQ(two(750).event, Event::kMessage);
  EXPECT_EQ(two(751).code, kCloseTooBig);
  // A length that never comes is refused by its header.
  const std::string huge = Bytes({0x82, 0xFF, 0x7F, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4});
  EXPECT_EQ(Decode(huge).at(0).code, kCloseTooBig);
}

TEST(WebSocketFrame, RefusesFloodsOfFragmentsAndControls) {
  std::string fragments = Masked(Opcode::kText, "x", false);
  for (int i = 0; i < 63; ++i) fragments += Masked(Opcode::kContinuation, "x", i == 62);
  EXPECT_EQ(Decode(fragments).at(0).event, Event::kMessage);
  fragments = Masked(Opcode::kText, "x", false);
  for (int i = 0; i < 64; ++i) fragments += Masked(Opcode::kContinuation, "x", i == 63);
  EXPECT_EQ(Decode(fragments).at(0).code, kClosePolicy);
  std::string empty = Masked(Opcode::kText, "x", false);
  for (int i = 0; i < 17; ++i) empty += Masked(Opcode::kContinuation, "", false);
  EXPECT_EQ(Decode(empty).at(0).code, kClosePolicy);
  std::string pings;
  for (int i = 0; i < 51; ++i) pings += Masked(Opcode::kPing, "");
  const auto seen = Decode(pings);
  ASSERT_EQ(seen.size(), 51U);
  EXPECT_EQ(seen[49].event, Event::kPing);
  EXPECT_EQ(seen[50].code, kClosePolicy);
}

TEST(WebSocketFrame, ControlRateIsCountedPerSecond) {
  WebSocketDecoder decoder;
  TimePoint now = TimePoint() + std::chrono::hours(1);
  for (int i = 0; i < 500; ++i) {
    now += std::chrono::milliseconds(25);  // 40 a second
    std::string ping = Masked(Opcode::kPing, "");
    EXPECT_EQ(decoder.Feed(std::span<char>(ping), now).event, Event::kPing);
  }
}

TEST(WebSocketFrame, StaysFailed) {
  WebSocketDecoder decoder;
  std::string bad = Bytes({0x81, 0x01}) + "x";
  EXPECT_EQ(decoder.Feed(std::span<char>(bad), TimePoint()).event, Event::kError);
  std::string good = Masked(Opcode::kText, "x");
  EXPECT_EQ(decoder.Feed(std::span<char>(good), TimePoint()).event, Event::kError);
}

TEST(WebSocketFrame, CloseReasonIsCutAtACharacter) {
  std::string out;
  AppendWebSocketClose(out, 1011, std::string(122, 'a') + "\xC3\xBC");
  EXPECT_EQ(out.size(), 2U + 2U + 122U);
  out.clear();
  AppendWebSocketClose(out, kCloseNoCode, "ignored");
  EXPECT_EQ(out, Bytes({0x88, 0x00}));
}

}  // namespace
}  // namespace tidegate::http
