#include "connectors/kafka/ack_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace tidegate::kafka {
namespace {

TEST(AckWindowTest, OnlyTheContiguousPrefixMayBeCommitted) {
  AckWindow window;
  EXPECT_EQ(window.commit_offset(), -1);
  EXPECT_FALSE(window.dirty());
  for (std::int64_t offset : {10, 11, 12}) window.Delivered(offset);
  EXPECT_FALSE(window.dirty());
  EXPECT_TRUE(window.Settle(12));
  EXPECT_FALSE(window.dirty());
  EXPECT_TRUE(window.Settle(10));
  EXPECT_EQ(window.commit_offset(), 11);
  EXPECT_TRUE(window.dirty());
  EXPECT_TRUE(window.Settle(11));
  EXPECT_EQ(window.commit_offset(), 13);
  EXPECT_EQ(window.outstanding(), 0u);
  window.Committed(13);
  EXPECT_FALSE(window.dirty());
}

TEST(AckWindowTest, GapsOfTheLogAreNoHoles) {
  AckWindow window;
  window.Delivered(3);
  window.Delivered(90);
  window.Settle(3);
  EXPECT_EQ(window.commit_offset(), 4);
  window.Settle(90);
  EXPECT_EQ(window.commit_offset(), 91);
}

TEST(AckWindowTest, SettlingTwiceOrTheUnknownChangesNothing) {
  AckWindow window;
  window.Delivered(1);
  window.Delivered(2);
  EXPECT_FALSE(window.Settle(7));
  EXPECT_TRUE(window.Settle(2));
  EXPECT_FALSE(window.Settle(2));
  EXPECT_EQ(window.outstanding(), 1u);
  EXPECT_EQ(window.uncommitted(), 1u);
}

TEST(AckWindowTest, ItIsFullWhenItsHeadIsStuck) {
  AckWindow window;
  for (std::int64_t offset = 0; offset < static_cast<std::int64_t>(kAckWindowMax); ++offset) {
    EXPECT_FALSE(window.full());
    window.Delivered(offset);
    if (offset > 0) window.Settle(offset);
  }
  EXPECT_TRUE(window.full());
  window.Settle(0);
  EXPECT_FALSE(window.full());
}

TEST(AckWindowTest, AnyOrderOfAcksEndsAtTheLastOffset) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    AckWindow window;
    std::vector<std::int64_t> offsets;
    std::int64_t next = 0;
    for (int i = 0; i < 200; ++i) {
      next += 1 + static_cast<std::int64_t>(random() % 3);
      offsets.push_back(next);
      window.Delivered(next);
    }
    std::vector<std::int64_t> order = offsets;
    std::shuffle(order.begin(), order.end(), random);
    std::vector<bool> settled(static_cast<std::size_t>(next) + 1);
    for (const std::int64_t offset : order) {
      window.Settle(offset);
      settled[static_cast<std::size_t>(offset)] = true;
      for (const std::int64_t below : offsets) {
        if (below >= window.commit_offset()) break;
        ASSERT_TRUE(settled[static_cast<std::size_t>(below)]);
      }
    }
    EXPECT_EQ(window.commit_offset(), next + 1);
  }
}

// A log that was cut or made anew: its reader begins anew, the process lives.
TEST(AckWindowTest, AnOffsetThatGoesBackIsRefused) {
  AckWindow window;
  EXPECT_TRUE(window.Delivered(10));
  EXPECT_TRUE(window.Delivered(12));
  EXPECT_FALSE(window.Delivered(12));
  EXPECT_FALSE(window.Delivered(3));
  EXPECT_EQ(window.outstanding(), 2u);
  EXPECT_TRUE(window.Settle(10));
  EXPECT_TRUE(window.Settle(12));
  EXPECT_FALSE(window.Delivered(11));
  EXPECT_EQ(window.commit_offset(), 13);
}

}  // namespace
}  // namespace tidegate::kafka
