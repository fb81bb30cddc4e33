#include <algorithm>
#include <random>
#include <set>

#include "tests/connectors/conformance/suites.h"

namespace tidegate::connectors::conformance {
namespace {

using Contents = std::multiset<std::string>;

// Takes `count` messages with their acks; none is settled yet.
Task<StatusOr<std::vector<std::pair<std::string, Ack>>>> Hold(Source& source, std::size_t count) {
  std::vector<std::pair<std::string, Ack>> held;
  MessageBatch batch;
  while (held.size() < count) {
    batch.Clear();
    const auto left = static_cast<std::uint32_t>(count - held.size());
    auto taken = co_await source.Next(batch, left);
    if (!taken.ok()) co_return taken.status();
    for (Message& message : batch) {
      held.emplace_back(std::string(message.content), std::move(message.ack));
    }
  }
  co_return held;
}

Contents ContentsOf(const std::vector<Got>& messages) {
  Contents contents;
  for (const Got& message : messages) contents.insert(message.content);
  return contents;
}

Contents Numbered(int first, int count) {
  Contents contents;
  for (int i = first; i < first + count; ++i) contents.insert("m" + std::to_string(i));
  return contents;
}

TEST_P(GroupContract, AcksInAnyOrderAreCommittedAndTheNextMemberGoesOn) {
  Connect(From::kEarliest);
  Fill(20);
  auto first = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(first.ok()) << MessageOf(first.status());
  auto held = Await(worker(), Hold(**first, 20));
  ASSERT_TRUE(held.ok()) << MessageOf(held.status());
  std::mt19937 random(3);
  std::shuffle(held->begin(), held->end(), random);
  for (auto& [content, ack] : *held) ack.Done();
  Close(*first);
  Fill(5, 20);
  auto second = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(second.ok());
  auto rest = Take(**second, 5);
  ASSERT_TRUE(rest.ok()) << MessageOf(rest.status());
  EXPECT_EQ(ContentsOf(*rest), Numbered(20, 5));
  Close(*second);
}

TEST_P(GroupContract, WhatWasNotAcknowledgedIsDeliveredAgainToTheNextMember) {
  Connect(From::kEarliest);
  Fill(6);
  auto first = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(first.ok());
  auto held = Await(worker(), Hold(**first, 6));
  ASSERT_TRUE(held.ok());
  Close(*first);
  for (auto& [content, ack] : *held) ack.Done();  // of a generation that is over: ignored
  held->clear();
  auto second = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(second.ok());
  auto again = Take(**second, 6);
  ASSERT_TRUE(again.ok()) << MessageOf(again.status());
  EXPECT_EQ(ContentsOf(*again), Numbered(0, 6));
  Close(*second);
}

TEST_P(GroupContract, RetryComesAgainRejectDoesNotAndDroppingIsRetry) {
  Connect(From::kEarliest);
  Fill(3);
  auto source = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(source.ok());
  auto held = Await(worker(), Hold(**source, 3));
  ASSERT_TRUE(held.ok());
  std::promise<void> turn;
  worker().Post([&] {
    (*held)[0].second.Nack(NackKind::kRetry);
    (*held)[1].second.Nack(NackKind::kReject);
    (*held)[2].second = Ack();  // dropped
    turn.set_value();
  });
  turn.get_future().get();
  auto again = Take(**source, 2);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(ContentsOf(*again), (Contents{(*held)[0].first, (*held)[2].first}));
  Close(*source);
}

TEST_P(GroupContract, AutoAndAtMostOnceRepeatNothing) {
  Connect(From::kEarliest);
  for (const Qos qos : {Qos::kAuto, Qos::kAtMostOnce}) {
    group_ += "x";
    Fill(4);
    auto first = Open(Member(qos));
    ASSERT_TRUE(first.ok());
    auto head = Take(**first, 2, 1, false);
    ASSERT_TRUE(head.ok()) << MessageOf(head.status());
    Close(*first);
    auto second = Open(Member(qos));
    ASSERT_TRUE(second.ok());
    auto tail = Take(**second, 2, 1, false);
    ASSERT_TRUE(tail.ok()) << MessageOf(tail.status());
    std::set<std::pair<int, std::int64_t>> seen;
    for (const Got& message : *head) seen.emplace(message.partition, message.offset);
    for (const Got& message : *tail) {
      EXPECT_TRUE(seen.emplace(message.partition, message.offset).second);
    }
    Close(*second);
  }
}

// Counts what each message was delivered to, until `count` different ones are there or time is
// over.
Task<void> Collect(Source& source, std::set<std::string>& seen, int& deliveries) {
  MessageBatch batch;
  while (true) {
    batch.Clear();
    const auto taken = co_await source.Next(batch, 4);
    if (!taken.ok()) co_return;
    for (Message& message : batch) {
      seen.insert(std::string(message.content));
      ++deliveries;
      message.ack.Done();
    }
  }
}

TEST_P(GroupContract, TwoMembersShareAndRebalanceWithoutLossWhileReading) {
  Connect(From::kEarliest);
  std::set<std::string> seen[2];
  int deliveries[2] = {0, 0};
  auto first = Open(Member(Qos::kAtLeastOnce), 0);
  ASSERT_TRUE(first.ok());
  asio::co_spawn(worker(0).executor(), Collect(**first, seen[0], deliveries[0]), asio::detached);
  auto second = Open(Member(Qos::kAtLeastOnce), 1);
  ASSERT_TRUE(second.ok());
  asio::co_spawn(worker(1).executor(), Collect(**second, seen[1], deliveries[1]), asio::detached);
  const TimePoint until = Clock::now() + std::chrono::seconds(40);
  int sent = 0;
  std::size_t got = 0;
  bool shared = false;
  // Publishes until both have had some, then until everything has come.
  while (Clock::now() < until && !(shared && got == static_cast<std::size_t>(sent))) {
    if (!shared) Fill(4, sent), sent += 4;
    got = 0;
    shared = true;
    std::set<std::string> all;
    for (std::size_t i = 0; i < 2; ++i) {
      std::promise<std::set<std::string>> copy;
      worker(i).Post([&] { copy.set_value(seen[i]); });
      const std::set<std::string> part = copy.get_future().get();
      shared = shared && !part.empty();
      all.insert(part.begin(), part.end());
    }
    got = all.size();
    Await(worker(), worker().wheel().Sleep(std::chrono::milliseconds(100)));
  }
  EXPECT_TRUE(shared);
  EXPECT_EQ(got, static_cast<std::size_t>(sent));
  Close(*first, 0);
  Close(*second, 1);
}

}  // namespace
}  // namespace tidegate::connectors::conformance
