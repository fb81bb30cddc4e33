#include <algorithm>
#include <fstream>
#include <random>
#include <set>

#include <unistd.h>

#include "tests/connectors/conformance/suites.h"
#include "tests/support/is_ok.h"
#include "tests/support/patience.h"

namespace tidegate::connectors::conformance {
namespace {

using Held = std::vector<std::pair<std::string, Ack>>;

// Takes `count` messages with their acks; none is settled yet.
Task<StatusOr<Held>> Hold(Source& source, std::size_t count) {
  Held held;
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

std::size_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST_P(GroupContract, AcksInAnyOrderAreCommittedAndTheNextMemberGoesOn) {
  Connect(From::kEarliest);
  auto first = OpenFilled(Member(Qos::kAtLeastOnce), 20);
  ASSERT_TRUE(first.ok()) << MessageOf(first.status());
  auto held = Await(worker(), Hold(**first, 20));
  ASSERT_TRUE(held.ok()) << MessageOf(held.status());
  std::mt19937 random(3);
  std::shuffle(held->begin(), held->end(), random);
  OnWorker(worker(1), [&] {  // from another thread than the source's
    for (auto& [content, ack] : *held) ack.Done();
  });
  Close(*first);
  Fill(5, 20);
  auto second = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(second));
  auto rest = Take(**second, 5);
  ASSERT_TRUE(rest.ok()) << MessageOf(rest.status());
  EXPECT_EQ(ContentsOf(*rest), Numbered(20, 5));
  Close(*second);
}

TEST_P(GroupContract, WhatWasNotAcknowledgedIsDeliveredAgainToTheNextMember) {
  Connect(From::kEarliest);
  auto first = OpenFilled(Member(Qos::kAtLeastOnce), 6);
  ASSERT_TRUE(IsOk(first));
  auto held = Await(worker(), Hold(**first, 6));
  ASSERT_TRUE(IsOk(held));
  Close(*first);
  for (auto& [content, ack] : *held) ack.Done();  // of a generation that is over: ignored
  held->clear();
  auto second = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(second));
  auto again = Take(**second, 6);
  ASSERT_TRUE(again.ok()) << MessageOf(again.status());
  EXPECT_EQ(ContentsOf(*again), Numbered(0, 6));
  Close(*second);
}

// The connection is lost while acks are held: they belong to a generation that is over.
TEST_P(FaultContract, LateAcksOfALostConnectionSettleNothing) {
  Connect(From::kEarliest);
  auto source = OpenFilled(Member(Qos::kAtLeastOnce), 4);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  auto held = Await(worker(), Hold(**source, 4));
  ASSERT_TRUE(held.ok()) << MessageOf(held.status());
  harness_->Cut();
  ASSERT_FALSE(HasFatalFailure());
  OnWorker(worker(), [&] {
    (*held)[0].second.Done();
    (*held)[1].second.Nack(NackKind::kRetry);
  });
  harness_->Restore();
  ASSERT_FALSE(HasFatalFailure());
  // Where the connection counts, all come again; where only the assignment does, the ones that were
  // not acknowledged. Either way nothing is lost and nobody waits for ever.
  Pump pump(std::move(*source), worker());
  // The sink may write into its old connection before it hears of the reset: that is no "no".
  PublishResult result;
  const TimePoint until = Clock::now() + std::chrono::seconds(30);
  do {
    result = Publish("m4");
  } while (result.outcome != Outcome::kOk && Clock::now() < until);
  ASSERT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
  std::set<std::string> owed = {"m4"};
  for (std::size_t i = 1; i < held->size(); ++i) owed.insert((*held)[i].first);
  OnWorker(worker(), [&] { held->clear(); });
  EXPECT_TRUE(pump.WaitFor(
      [&](const Contents& seen) {
        return std::all_of(owed.begin(), owed.end(),
                           [&](const std::string& one) { return seen.contains(one); });
      },
      std::chrono::seconds(30)));
}

TEST_P(GroupContract, RetryComesAgainRejectDoesNotAndDroppingIsRetry) {
  Connect(From::kEarliest);
  auto source = OpenFilled(Member(Qos::kAtLeastOnce), 3);
  ASSERT_TRUE(IsOk(source));
  auto held = Await(worker(), Hold(**source, 3));
  ASSERT_TRUE(IsOk(held));
  OnWorker(worker(), [&] {
    (*held)[0].second.Nack(NackKind::kRetry);
    (*held)[1].second.Nack(NackKind::kReject);
    (*held)[2].second = Ack();  // dropped
  });
  auto again = Take(**source, 2);
  ASSERT_TRUE(again.ok()) << MessageOf(again.status());
  EXPECT_EQ(ContentsOf(*again), (Contents{(*held)[0].first, (*held)[2].first}));
  for (const Got& message : *again) EXPECT_TRUE(message.redelivered) << message.content;
  Close(*source);
  Fill(1, 3);
  auto next = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(next));
  auto rest = Take(**next, 1);
  ASSERT_TRUE(rest.ok()) << MessageOf(rest.status());
  EXPECT_EQ(ContentsOf(*rest), Numbered(3, 1));
  Close(*next);
}

TEST_P(GroupContract, AutoAndAtMostOnceRepeatNothing) {
  Connect(From::kEarliest);
  int filled = 0;
  for (const Qos qos : {Qos::kAuto, Qos::kAtMostOnce}) {
    group_ += "x";
    auto first = Open(Member(qos));
    ASSERT_TRUE(IsOk(first));
    Fill(4, filled);
    filled += 4;
    const bool settles = qos == Qos::kAuto;
    auto head = Take(**first, 2, 1, settles);
    ASSERT_TRUE(head.ok()) << MessageOf(head.status());
    Close(*first);
    auto second = Open(Member(qos));
    ASSERT_TRUE(IsOk(second));
    auto tail = Take(**second, 2, 1, settles);
    ASSERT_TRUE(tail.ok()) << MessageOf(tail.status());
    Contents all = ContentsOf(*head);
    all.merge(ContentsOf(*tail));
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 4u);
    Close(*second);
  }
}

// With the window full of unsettled messages nothing more is handed over, and settling goes on.
TEST_P(GroupContract, UnsettledMessagesStayWithinTheWindow) {
  Connect(From::kEarliest);
  const std::size_t window = connector_->capabilities().window;
  auto source = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  // Kafka's window is one partition's; two have twice as much.
  const std::size_t most = recover() ? 2 * window : window;
  const int count = static_cast<int>(most + 20);
  Fill(count);
  Held held;
  std::promise<void> ended;
  struct Local {
    static Task<void> Run(Source& source, Held& held, std::promise<void>& ended) {
      MessageBatch batch;
      bool ok = true;
      while (ok) {
        batch.Clear();
        const auto taken = co_await source.Next(batch, 64);
        ok = taken.ok();
        for (Message& message : batch) {
          held.emplace_back(std::string(message.content), std::move(message.ack));
        }
      }
      batch.Clear();
      ended.set_value();
    }
  };
  asio::co_spawn(worker().executor(), Local::Run(**source, held, ended), asio::detached);
  std::size_t have = 0;
  std::size_t before = 1;
  const TimePoint until = Clock::now() + kPatience;
  const std::size_t least = std::min<std::size_t>(window, 16);
  // Until nothing has come for half a second.
  while ((have != before || have < least) && Clock::now() < until) {
    before = have;
    Await(worker(), worker().wheel().Sleep(std::chrono::milliseconds(500)));
    OnWorker(worker(), [&] { have = held.size(); });
    if (have == 0) before = 1;
  }
  EXPECT_LE(have, most);
  EXPECT_GE(have, least);
  // Settling makes room, and in the end everything was there.
  std::set<std::string> seen;
  while (seen.size() < static_cast<std::size_t>(count) && Clock::now() < until) {
    OnWorker(worker(), [&] {
      for (auto& [content, ack] : held) {
        seen.insert(content);
        ack.Done();
      }
      held.clear();
    });
    Await(worker(), worker().wheel().Sleep(std::chrono::milliseconds(50)));
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(count));
  Await(worker(), (*source)->Close());
  ended.get_future().get();
  OnWorker(worker(), [&] {
    held.clear();
    source->reset();
  });
}

TEST_P(GroupContract, AMemberThatNobodyPullsStaysSmallAndLosesNothing) {
  Connect(From::kEarliest);
  auto source = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  const std::string filler(32'000, 'x');
  const int count = harness_->in_process() ? 240 : 600;  // 19 MB
  ASSERT_EQ(Publish(filler).outcome, Outcome::kOk);
  const std::size_t before = ResidentBytes();
  for (int i = 1; i < count; ++i) {
    ASSERT_EQ(Publish(filler).outcome, Outcome::kOk);
  }
  EXPECT_LT(ResidentBytes(), before + 14'000'000);
  auto got = Take(**source, static_cast<std::size_t>(count));
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  EXPECT_EQ(ContentsOf(*got).count(filler), static_cast<std::size_t>(count));
  Close(*source);
}

// A gateway that stops: acks and publishes are under way, and what was settled is settled.
TEST_P(GroupContract, ADrainCarriesAcksAndPublishesToTheirEnd) {
  Connect(From::kEarliest);
  auto source = OpenFilled(Member(Qos::kAtLeastOnce), 30);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  auto held = Await(worker(), Hold(**source, 30));
  ASSERT_TRUE(held.ok()) << MessageOf(held.status());
  auto publish = std::async(std::launch::async, [this] { return Publish("m30"); });
  OnWorker(worker(), [&] {
    for (std::size_t i = 0; i < 20; ++i) (*held)[i].second.Done();
  });
  std::set<std::string> open;
  for (std::size_t i = 20; i < 30; ++i) open.insert((*held)[i].first);
  const TimePoint begun = Clock::now();
  Close(*source);
  const PublishResult result = publish.get();
  EXPECT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
  OnWorker(worker(), [&] { held->clear(); });
  Disconnect();
  EXPECT_LT(Clock::now() - begun, kPatience);
  open.insert("m30");

  Connect(From::kEarliest);
  auto next = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(next.ok()) << MessageOf(next.status());
  auto rest = Take(**next, open.size());
  ASSERT_TRUE(rest.ok()) << MessageOf(rest.status());
  const Contents contents = ContentsOf(*rest);
  if (recover()) {
    // A log commits the prefix: what lies behind a hole comes again.
    for (const std::string& content : contents) EXPECT_TRUE(open.contains(content)) << content;
  }
  EXPECT_EQ(std::set<std::string>(contents.begin(), contents.end()), open);
  Close(*next);
}

TEST_P(ShareContract, TwoMembersShareAndRebalanceWithoutLossWhileReading) {
  Connect(From::kEarliest);
  auto first = Open(Member(Qos::kAtLeastOnce), 0);
  ASSERT_TRUE(first.ok()) << MessageOf(first.status());
  Pump one(std::move(*first), worker(0));
  auto second = Open(Member(Qos::kAtLeastOnce), 1);
  ASSERT_TRUE(second.ok()) << MessageOf(second.status());
  Pump two(std::move(*second), worker(1));
  const TimePoint until = Clock::now() + std::chrono::seconds(40);
  int sent = 0;
  std::size_t got = 0;
  bool shared = false;
  // Publishes until both have had some, then until everything has come.
  while (Clock::now() < until && !(shared && got == static_cast<std::size_t>(sent))) {
    if (!shared) Fill(4, sent), sent += 4;
    const Contents here = one.seen();
    const Contents there = two.seen();
    shared = !here.empty() && !there.empty();
    std::set<std::string> all(here.begin(), here.end());
    all.insert(there.begin(), there.end());
    got = all.size();
    Await(worker(), worker().wheel().Sleep(std::chrono::milliseconds(100)));
  }
  EXPECT_TRUE(shared);
  EXPECT_EQ(got, static_cast<std::size_t>(sent));
}

}  // namespace
}  // namespace tidegate::connectors::conformance
