#include "connectors/rabbitmq/frame.h"

#include <gtest/gtest.h>

#include "connectors/rabbitmq/table_scan.h"
#include "tests/connectors/rabbitmq/wire.h"
#include "tests/support/is_ok.h"

namespace tidegate::rabbitmq {
namespace {

// The payloads of all frames in `bytes`, handed over in pieces of `piece`.
StatusOr<std::vector<std::string>> ReadAll(const std::string& bytes, std::size_t piece) {
  FrameReader reader;
  std::vector<std::string> payloads;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::string part = bytes.substr(at, piece);
    reader.Append(std::span<const char>(part.data(), part.size()));
    while (true) {
      auto frame = reader.Next();
      if (!frame.ok()) return frame.status();
      if (!frame->has_value()) break;
      payloads.emplace_back((*frame)->payload);
    }
  }
  return payloads;
}

TEST(FrameReader, FramesComeOutWhateverThePieces) {
  const std::string bytes = wire::Frame(1, 1, "method") + wire::Frame(8, 0, "") +
                            wire::Frame(3, 7, std::string(5000, 'b'));
  for (std::size_t piece = 1; piece <= bytes.size(); piece = piece * 2 + 1) {
    const auto payloads = ReadAll(bytes, piece);
    ASSERT_TRUE(IsOk(payloads));
    ASSERT_EQ(payloads->size(), 3u) << piece;
    EXPECT_EQ((*payloads)[0], "method");
    EXPECT_EQ((*payloads)[2].size(), 5000u);
  }
}

TEST(FrameReader, WhatIsNoFrameEndsTheConnection) {
  std::string no_end = wire::Frame(1, 0, "abc");
  no_end.back() = 'x';
  for (const std::string& bytes :
       {std::string("HTTP/1.1 400"), std::string("AMQP\0\0\x09\x01", 8), wire::Frame(9, 0, ""),
        no_end, wire::U8(1) + wire::U16(0) + wire::U32(kFrameBytes)}) {
    const auto payloads = ReadAll(bytes, 3);
    ASSERT_FALSE(payloads.ok());
    EXPECT_EQ(ClassOf(payloads.status()), ErrorClass::kConnectionClosed);
  }
}

std::string Nested(int levels) {
  std::string value = "V";
  for (int i = 0; i < levels; ++i) value = wire::Value('F', wire::Entry("n", value));
  return wire::Entry("h", value);
}

TEST(TableScan, NestingIsBounded) {
  EXPECT_TRUE(IsSoundTable("", 1));
  EXPECT_TRUE(IsSoundTable(Nested(kTableDepthMax - 1), kTableDepthMax));
  EXPECT_FALSE(IsSoundTable(Nested(kTableDepthMax), kTableDepthMax));
  EXPECT_FALSE(IsSoundTable(Nested(2000), kTableDepthMax));
  std::string lists = "V";
  for (int i = 0; i < 2000; ++i) lists = wire::Value('A', lists);
  EXPECT_FALSE(IsSoundTable(wire::Entry("h", lists), kTableDepthMax));
}

TEST(TableScan, EveryKindIsKnownAndNothingMayBeCutShort) {
  const std::string all = wire::Entry("t", "t\1") + wire::Entry("b", "b\1") +
                          wire::Entry("s", wire::U8('s') + wire::U16(1)) +
                          wire::Entry("I", wire::U8('I') + wire::U32(1)) +
                          wire::Entry("l", wire::U8('l') + wire::U64(1)) +
                          wire::Entry("d", wire::U8('d') + wire::U64(1)) +
                          wire::Entry("D", wire::U8('D') + wire::U8(2) + wire::U32(1)) +
                          wire::Entry("S", wire::Value('S', "text")) +
                          wire::Entry("x", wire::Value('x', "bytes")) + wire::Entry("V", "V") +
                          wire::Entry("A", wire::Value('A', "t\1t\1"));
  EXPECT_TRUE(IsSoundTable(all, 2));
  int sound = 0;  // only ends of entries are
  for (std::size_t cut = 0; cut < all.size(); ++cut) sound += IsSoundTable(all.substr(0, cut), 2);
  EXPECT_EQ(sound, 11);
  EXPECT_FALSE(IsSoundTable(wire::Entry("?", "?x"), 2));
}

}  // namespace
}  // namespace tidegate::rabbitmq
