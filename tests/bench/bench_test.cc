#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "bench/histogram.h"
#include "bench/websocket.h"

namespace tidegate::bench {
namespace {

TEST(Histogram, quantiles_are_within_two_percent) {
  Histogram histogram;
  for (int us = 1; us <= 100'000; ++us) histogram.Record(std::int64_t{us} * 1000);
  EXPECT_EQ(histogram.count(), 100'000U);
  EXPECT_NEAR(histogram.QuantileUs(0.5), 50'000, 1'000);
  EXPECT_NEAR(histogram.QuantileUs(0.99), 99'000, 1'980);
  EXPECT_NEAR(histogram.QuantileUs(0.999), 99'900, 1'998);
  EXPECT_EQ(histogram.max_us(), 100'000);
  EXPECT_NEAR(histogram.mean_us(), 50'000.5, 0.01);
}

TEST(Histogram, extremes_are_kept) {
  Histogram histogram;
  EXPECT_EQ(histogram.QuantileUs(0.99), 0);
  histogram.Record(-5);
  EXPECT_EQ(histogram.QuantileUs(1), 0);
  histogram.Record(INT64_MAX);
  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_GT(histogram.QuantileUs(1), 1e11);
  histogram.Clear();
  EXPECT_EQ(histogram.count(), 0U);
}

// The server's frame: unmasked, any length.
std::string ServerFrame(int opcode, const std::string& payload) {
  std::string frame(1, static_cast<char>(0x80 | opcode));
  if (payload.size() < 126) {
    frame += static_cast<char>(payload.size());
  } else {
    frame += static_cast<char>(126);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size() & 0xff);
  }
  return frame + payload;
}

using Controls = std::vector<std::pair<int, std::string>>;

TEST(FrameWalker, finds_controls_however_bytes_are_cut) {
  const std::string bytes = ServerFrame(kOpcodeText, std::string(300, 'a')) +
                            ServerFrame(kOpcodePing, "one") + ServerFrame(kOpcodeText, "b") +
                            ServerFrame(kOpcodePing, "") + ServerFrame(kOpcodeClose, "\x03\xe8");
  const Controls expected = {{kOpcodePing, "one"}, {kOpcodePing, ""}, {kOpcodeClose, "\x03\xe8"}};
  for (std::size_t piece = 1; piece <= bytes.size(); piece += 7) {
    FrameWalker walker;
    Controls found;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      ASSERT_TRUE(walker.Feed(std::string_view(bytes).substr(at, piece),
                              [&](int opcode, std::string_view payload) {
                                found.emplace_back(opcode, payload);
                              }));
    }
    EXPECT_EQ(found, expected) << "pieces of " << piece;
  }
}

TEST(FrameWalker, refuses_masked_frames_and_long_controls) {
  const auto ignore = [](int, std::string_view) {};
  EXPECT_FALSE(FrameWalker().Feed(ClientFrame(kOpcodeText, "a"), ignore));
  EXPECT_FALSE(FrameWalker().Feed(ServerFrame(kOpcodePing, std::string(126, 'a')), ignore));
}

TEST(ClientFrame, is_masked_and_says_its_length) {
  const std::string frame = ClientFrame(kOpcodePong, "hi");
  ASSERT_EQ(frame.size(), 8U);
  EXPECT_EQ(static_cast<unsigned char>(frame[0]), 0x8a);
  EXPECT_EQ(static_cast<unsigned char>(frame[1]), 0x82);
  EXPECT_EQ(frame[6] ^ frame[2], 'h');
  EXPECT_EQ(frame[7] ^ frame[3], 'i');
  EXPECT_EQ(ClientFrame(kOpcodeText, std::string(200, 'a')).size(), 208U);
  EXPECT_EQ(ClientFrame(kOpcodeText, std::string(70'000, 'a')).size(), 70'014U);
}

}  // namespace
}  // namespace tidegate::bench
