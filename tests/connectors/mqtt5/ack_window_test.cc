#include "connectors/mqtt5/ack_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "connectors/mqtt5/headers.h"

namespace tidegate::mqtt5 {
namespace {

BlockPtr Some(std::size_t size = 10) {
  const std::string payload(size, 'x');
  Publish packet;
  packet.topic = "t";
  packet.qos = 1;
  packet.payload = payload;
  MetadataCache cache;
  return BlockPtr(Block::Make(packet, cache.Of(packet)));
}

std::vector<int> Pop(AckWindow& window) {
  std::vector<int> ids;
  window.PopSettled([&](const AckWindow::Entry& entry) { ids.push_back(entry.packet_id); });
  return ids;
}

TEST(AckWindow, goes_out_in_the_order_of_arrival_whatever_the_order_of_settling) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    AckWindow window;
    std::vector<std::uint64_t> numbers;
    for (int i = 0; i < 20; ++i) {
      numbers.push_back(window.Add(static_cast<std::uint16_t>(100 + i), Some(), TimePoint()));
    }
    std::shuffle(numbers.begin(), numbers.end(), random);
    std::vector<int> sent;
    for (const std::uint64_t number : numbers) {
      EXPECT_TRUE(window.Settle(number, 0));
      EXPECT_FALSE(window.Settle(number, 0));  // once
      for (const int id : Pop(window)) sent.push_back(id);
    }
    ASSERT_EQ(sent.size(), 20U);
    EXPECT_TRUE(std::is_sorted(sent.begin(), sent.end()));
    EXPECT_EQ(window.bytes(), 0U);
  }
}

TEST(AckWindow, a_stuck_head_holds_the_rest) {
  AckWindow window;
  const auto head = window.Add(1, Some(), TimePoint());
  const auto next = window.Add(2, Some(1000), TimePoint());
  window.Settle(next, 0x80);
  EXPECT_TRUE(Pop(window).empty());
  EXPECT_GT(window.bytes(), 1000U);
  window.Settle(head, 0);
  EXPECT_EQ(Pop(window), (std::vector<int>{1, 2}));
}

TEST(AckWindow, numbers_of_before_are_gone_after_clear) {
  AckWindow window;
  const auto old = window.Add(1, Some(), TimePoint());
  window.Clear();
  EXPECT_EQ(window.Open(old), nullptr);
  const auto fresh = window.Add(1, Some(), TimePoint());
  EXPECT_NE(fresh, old);
  EXPECT_FALSE(window.Settle(old, 0));
  EXPECT_NE(window.Open(fresh), nullptr);
  EXPECT_FALSE(window.Settle(fresh + 1, 0));
}

TEST(Block, outlives_its_window) {
  connectors::Message message;
  {
    AckWindow window;
    const auto number = window.Add(1, Some(500), TimePoint());
    window.Open(number)->block->FillInto(message);
  }
  EXPECT_EQ(message.content, std::string(500, 'x'));
  EXPECT_EQ(message.topic, "t");
}

}  // namespace
}  // namespace tidegate::mqtt5
