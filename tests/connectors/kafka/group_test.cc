#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <set>

#include "tests/connectors/kafka/fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::kafka {
namespace {

using connectors::Qos;
using connectors::Share;
using connectors::SourceSpec;
using connectors::Start;

class GroupTest : public ClusterTest {
 protected:
  static SourceSpec Member(Qos qos, const std::string& group = "tidegate.test") {
    SourceSpec spec;
    spec.share = Share::kGroup;
    spec.qos = qos;
    spec.start = Start::kCommitted;
    spec.group = group;
    return spec;
  }
  // Where the group stands at the broker: the next offset to read of orders@0; -1: nowhere.
  std::int64_t Committed(KafkaConnector& connector, const std::string& group = "tidegate.test") {
    auto position = Await(worker(), connector.positions()->Load(group, worker()));
    EXPECT_TRUE(position.ok()) << MessageOf(position.status());
    if (!position.ok() || !position->has_value()) return -1;
    return (*position)->Find("orders", 0)->offset + 1;
  }
};

// Takes `count` messages one by one and settles them as `plan` says: 'a' ack, 'n' nack, 'r' reject,
// '-' keep for ever.
Task<StatusOr<std::vector<std::string>>> Settle(connectors::Source& source, std::string plan,
                                                std::vector<connectors::Ack>& keep) {
  std::vector<std::string> seen;
  connectors::MessageBatch batch;
  for (const char step : plan) {
    batch.Clear();
    auto taken = co_await source.Next(batch, 1);
    if (!taken.ok()) co_return taken.status();
    seen.emplace_back(batch[0].content);
    if (step == 'a') batch[0].ack.Done();
    if (step == 'n') batch[0].ack.Nack(connectors::NackKind::kRetry);
    if (step == 'r') batch[0].ack.Nack(connectors::NackKind::kReject);
    if (step == '-') keep.push_back(std::move(batch[0].ack));
  }
  co_return seen;
}

TEST_F(GroupTest, WhatWasAcknowledgedIsCommittedAndTheNextMemberGoesOnThere) {
  Fill("orders", 5);
  auto connector = Make(Config());
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  std::vector<connectors::Ack> keep;
  auto seen = Await(worker(), Settle(**source, "aa-a", keep));
  ASSERT_TRUE(seen.ok()) << MessageOf(seen.status());
  EXPECT_EQ(*seen, (std::vector<std::string>{"m0", "m1", "m2", "m3"}));
  Close(std::move(*source));
  EXPECT_EQ(Committed(*connector), 2);
  keep.clear();  // too late: of an older assignment

  auto next = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(next));
  auto again = Await(worker(), Settle(**next, "aaa", keep));
  ASSERT_TRUE(IsOk(again));
  EXPECT_EQ(*again, (std::vector<std::string>{"m2", "m3", "m4"}));
  Close(std::move(*next));
  EXPECT_EQ(Committed(*connector), 5);
}

TEST_F(GroupTest, ANackIsDeliveredAgainAndARejectIsNot) {
  Fill("orders", 3);
  auto connector = Make(Config());
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  std::vector<connectors::Ack> keep;
  auto seen = Await(worker(), Settle(**source, "nnara", keep));
  ASSERT_TRUE(IsOk(seen));
  EXPECT_EQ(*seen, (std::vector<std::string>{"m0", "m0", "m0", "m1", "m2"}));
  Close(std::move(*source));
  EXPECT_EQ(Committed(*connector), 3);
}

TEST_F(GroupTest, AutoCommitsWhatWasHandedOver) {
  Fill("orders", 4);
  auto connector = Make(Config());
  auto source = Open(*connector, Member(Qos::kAuto));
  ASSERT_TRUE(IsOk(source));
  auto got = Read(**source, 3, false);
  ASSERT_TRUE(IsOk(got));
  Close(std::move(*source));
  EXPECT_EQ(Committed(*connector), 3);
}

TEST_F(GroupTest, AtMostOnceCommitsBeforeHandOver) {
  Fill("orders", 2);
  auto connector = Make(Config());
  auto source = Open(*connector, Member(Qos::kAtMostOnce));
  ASSERT_TRUE(IsOk(source));
  auto got = Read(**source, 1, false);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ(Committed(*connector), 1);  // while it is open and nothing was acknowledged
  // The commit fails once: the message is handed over only after the next try.
  cluster_->FailNext(8, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 1);
  auto more = Read(**source, 1, false);
  ASSERT_TRUE(more.ok()) << MessageOf(more.status());
  EXPECT_EQ((*more)[0].content, "m1");
  EXPECT_EQ(Committed(*connector), 2);
  Close(std::move(*source));
}

TEST_F(GroupTest, NoneNeverCommits) {
  Fill("orders", 2);
  auto connector = Make(Config());
  auto source = Open(*connector, Member(Qos::kNone));
  ASSERT_TRUE(IsOk(source));
  ASSERT_TRUE(IsOk(Read(**source, 2, false)));
  Close(std::move(*source));
  EXPECT_EQ(Committed(*connector), -1);
}

TEST_F(GroupTest, TwoMembersShareAndOneTakesOverFromTheOther) {
  KafkaConfig config = Config();
  config.consumer.topics = {"events"};
  auto connector = Make(config);
  for (int partition = 0; partition < 3; ++partition) Fill("events", 2, partition, 2 * partition);
  auto first = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(first));
  auto all = Read(**first, 6);
  ASSERT_TRUE(IsOk(all));
  // A commit may be refused while the group changes; then what it held comes again.
  const auto behind_all = [&] {
    auto position = Await(worker(), connector->positions()->Load("tidegate.test", worker()));
    if (!position.ok() || !position->has_value()) return false;
    const auto& entries = (*position)->entries();
    return entries.size() == 3 &&
           std::all_of(entries.begin(), entries.end(), [](const auto& one) {
             return one.offset == 1;
           });
  };
  const TimePoint until = Clock::now() + std::chrono::seconds(30);
  while (!behind_all() && Clock::now() < until) {
    Await(worker(), worker().wheel().Sleep(std::chrono::milliseconds(50)));
  }
  ASSERT_TRUE(behind_all());
  auto second = Open(*connector, Member(Qos::kAtLeastOnce), 1);
  ASSERT_TRUE(IsOk(second));
  Close(std::move(*first));
  for (int partition = 0; partition < 3; ++partition) Fill("events", 1, partition, 6 + partition);
  auto rest = Read(**second, 3);
  ASSERT_TRUE(IsOk(rest));
  std::set<std::string> contents;
  for (const Got& message : *rest) contents.insert(message.content);
  EXPECT_EQ(contents, (std::set<std::string>{"m6", "m7", "m8"}));
  Close(std::move(*second));
}

TEST_F(GroupTest, CloseCancelsAPendingNext) {
  auto connector = Make(Config());
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  connectors::MessageBatch batch;
  std::promise<Status> ended;
  asio::co_spawn(worker().executor(), (*source)->Next(batch, 1),
                 [&](std::exception_ptr, StatusOr<std::size_t> taken) {
                   ended.set_value(taken.status());
                 });
  Await(worker(), (*source)->Close());
  EXPECT_EQ(ended.get_future().get().code(), StatusCode::kCancelled);
}

TEST_F(GroupTest, ResetNoneEndsWhoHasNoPosition) {
  KafkaConfig config = Config();
  config.consumer.reset = Reset::kNone;
  auto connector = Make(config);
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  auto got = Read(**source, 1);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(ClassOf(got.status()), ErrorClass::kPositionUnavailable);
  Close(std::move(*source));
}

}  // namespace
}  // namespace tidegate::kafka
