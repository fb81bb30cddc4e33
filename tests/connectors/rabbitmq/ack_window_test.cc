#include "connectors/rabbitmq/ack_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

namespace tidegate::rabbitmq {
namespace {

std::string Sent(AckWindow& window) {
  std::string text;
  for (const AckWindow::Out& out : window.Flush()) {
    text += std::to_string(out.tag) + (out.multiple ? "* " : " ");
  }
  return text;
}

void Deliver(AckWindow& window, int count) {
  for (int i = 0; i < count; ++i) window.Delivered();
}

TEST(AckWindow, APrefixIsOneAcknowledgement) {
  AckWindow window;
  Deliver(window, 5);
  for (const std::uint64_t tag : {2, 1, 3}) EXPECT_TRUE(window.Ack(tag));
  EXPECT_EQ(Sent(window), "3* ");
  EXPECT_EQ(Sent(window), "");
}

TEST(AckWindow, OutOfOrderGoesOutByItself) {
  AckWindow window;
  Deliver(window, 5);
  window.Ack(3);
  window.Ack(5);
  EXPECT_EQ(Sent(window), "3 5 ");
  window.Ack(1);
  EXPECT_EQ(Sent(window), "1* ");
  window.Ack(2);
  window.Ack(4);
  EXPECT_EQ(Sent(window), "4* ");
}

TEST(AckWindow, WhatIsSettledIsNotSettledAgain) {
  AckWindow window;
  Deliver(window, 2);
  EXPECT_TRUE(window.Nack(1));
  EXPECT_FALSE(window.Ack(1));
  EXPECT_FALSE(window.Nack(1));
  EXPECT_FALSE(window.Ack(3));
  EXPECT_FALSE(window.Ack(0));
  EXPECT_TRUE(window.Ack(2));
  EXPECT_EQ(Sent(window), "2* ");
}

// What the broker would make of it: every acked delivery is acknowledged exactly once, no other.
TEST(AckWindow, AnyOrderAcknowledgesExactlyWhatWasAcked) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    AckWindow window;
    constexpr int kCount = 40;
    Deliver(window, kCount);
    std::vector<std::uint64_t> order;
    for (int i = 1; i <= kCount; ++i) order.push_back(static_cast<std::uint64_t>(i));
    std::shuffle(order.begin(), order.end(), random);
    std::set<std::uint64_t> unsettled(order.begin(), order.end());
    std::set<std::uint64_t> acked;
    for (const std::uint64_t tag : order) {
      if (random() % 4 == 0) {
        EXPECT_TRUE(window.Nack(tag));
        unsettled.erase(tag);
      } else {
        EXPECT_TRUE(window.Ack(tag));
        acked.insert(tag);
      }
      if (random() % 3 != 0) continue;
      for (const AckWindow::Out& out : window.Flush()) {
        for (std::uint64_t at = out.multiple ? 1 : out.tag; at <= out.tag; ++at) {
          if (unsettled.erase(at) > 0) {
            EXPECT_EQ(acked.erase(at), 1u);
          } else {
            EXPECT_TRUE(out.multiple);
          }
        }
      }
    }
    for (const AckWindow::Out& out : window.Flush()) {
      for (std::uint64_t at = out.multiple ? 1 : out.tag; at <= out.tag; ++at) {
        if (unsettled.erase(at) > 0) {
          EXPECT_EQ(acked.erase(at), 1u);
        }
      }
    }
    EXPECT_TRUE(acked.empty());
    EXPECT_TRUE(unsettled.empty());
  }
}

}  // namespace
}  // namespace tidegate::rabbitmq
