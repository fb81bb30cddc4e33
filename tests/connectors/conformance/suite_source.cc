#include <algorithm>
#include <map>
#include <set>

#include "tests/connectors/conformance/suites.h"
#include "tests/support/is_ok.h"
#include "tests/support/patience.h"

namespace tidegate::connectors::conformance {
namespace {

constexpr int kMessages = 12;

// Each message once, in the order of its partition; without partitions in the order of publishing.
void ExpectAllInOrder(const std::vector<Got>& messages, bool positions) {
  std::map<int, std::int64_t> last;
  std::set<std::pair<int, std::int64_t>> seen;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Got& message = messages[i];
    if (!positions) {
      EXPECT_EQ(message.content, "m" + std::to_string(i));
      EXPECT_EQ(message.offset, -1);
      EXPECT_EQ(message.partition, -1);
      continue;
    }
    EXPECT_TRUE(seen.emplace(message.partition, message.offset).second);
    const auto before = last.find(message.partition);
    if (before != last.end()) {
      EXPECT_EQ(message.offset, before->second + 1);
    }
    last[message.partition] = message.offset;
  }
}

TEST_P(SourceContract, EveryMessageComesOnceAndInOrder) {
  Connect(From::kEarliest, kMessages);
  auto source = OpenFilled(Spec(), kMessages);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  auto got = Take(**source, kMessages);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  ExpectAllInOrder(*got, recover());
  Close(*source);
}

TEST_P(SourceContract, ADemandOfOneNeverHoldsTwo) {
  Connect(From::kEarliest, kMessages);
  auto source = OpenFilled(Spec(), kMessages);
  ASSERT_TRUE(IsOk(source));
  auto got = Take(**source, kMessages, 1);  // checked at every Next
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  ExpectAllInOrder(*got, recover());
  Close(*source);
}

TEST_P(SourceContract, CloseEndsAPendingNextAndIsHarmlessTwice) {
  Connect(From::kLatest, kMessages);
  auto source = Open(Spec());
  ASSERT_TRUE(IsOk(source));
  if (!harness_->loops()) {
    ASSERT_TRUE(IsOk(Take(**source, 1)));
  }
  MessageBatch batch;
  std::promise<Status> ended;
  asio::co_spawn(worker().executor(), (*source)->Next(batch, 1),
                 [&](std::exception_ptr, StatusOr<std::size_t> taken) {
                   ended.set_value(taken.status());
                 });
  Await(worker(), (*source)->Close());
  const Status status = ended.get_future().get();
  EXPECT_TRUE(status.code() == StatusCode::kCancelled || status.ok()) << MessageOf(status);
  Await(worker(), (*source)->Close());
  MessageBatch after;
  const auto late = Await(worker(), (*source)->Next(after, 1));
  EXPECT_EQ(late.status().code(), StatusCode::kCancelled);
  Close(*source);
}

TEST_P(SourceContract, TwoClosesAtOnceBothEnd) {
  Connect(From::kLatest, kMessages);
  auto source = Open(Spec());
  ASSERT_TRUE(IsOk(source));
  std::promise<void> ended[2];
  OnWorker(worker(), [&] {
    for (std::promise<void>& one : ended) {
      asio::co_spawn(worker().executor(), (*source)->Close(),
                     [&one](std::exception_ptr) { one.set_value(); });
    }
  });
  for (std::promise<void>& one : ended) {
    EXPECT_EQ(one.get_future().wait_for(kPatience), std::future_status::ready);
  }
  Close(*source);
}

// In the middle of a batch: what was handed over stays whole until the batch goes.
TEST_P(SourceContract, MessagesOutliveTheirSource) {
  Connect(From::kEarliest, kMessages);
  auto source = OpenFilled(Spec(), kMessages);
  ASSERT_TRUE(IsOk(source));
  auto batch = std::make_unique<MessageBatch>();
  auto taken = Await(worker(), (*source)->Next(*batch, 1));
  ASSERT_TRUE(taken.ok()) << MessageOf(taken.status());
  ASSERT_EQ(*taken, 1u);
  // A hold keeps the bytes; without one they are the source's.
  const bool held = static_cast<bool>((*batch)[0].hold);
  const std::string content((*batch)[0].content);
  Await(worker(), (*source)->Close());
  EXPECT_EQ((*batch)[0].content, content);
  if (held) {
    OnWorker(worker(), [&] { source->reset(); });
    EXPECT_EQ((*batch)[0].content, content);
  }
  OnWorker(worker(), [&] {
    batch.reset();
    source->reset();
  });
}

TEST_P(SourceContract, SourcesOnBothWorkersDoNotDisturbEachOther) {
  Connect(From::kEarliest, kMessages);
  if (recover()) Fill(kMessages);
  std::vector<SourcePtr> sources;
  for (int i = 0; i < 6; ++i) {
    auto source = Open(Spec(), i % 2);
    ASSERT_TRUE(source.ok()) << MessageOf(source.status());
    sources.push_back(std::move(*source));
  }
  if (!recover()) Fill(kMessages);
  for (int i = 0; i < 6; i += 2) {  // Take runs on the first worker
    auto got = Take(*sources[i], kMessages);
    ASSERT_TRUE(got.ok()) << MessageOf(got.status());
    ExpectAllInOrder(*got, recover());
  }
  for (int i = 0; i < 6; ++i) Close(sources[i], i % 2);
}

TEST_P(SourceContract, OpeningAndClosingAgainAndAgainLeaksNothing) {
  Connect(From::kLatest, kMessages);
  for (int i = 0; i < 20; ++i) {
    auto source = Open(Spec(), i % 2);
    ASSERT_TRUE(source.ok()) << MessageOf(source.status());
    Close(*source, i % 2);
  }
  EXPECT_LE(connector_->health().clients, 4u);
}

TEST_P(SourceContract, TheTestOfTheEndpointSucceeds) {
  Connect(From::kLatest, kMessages);
  const auto stages = Await(worker(), connector_->Test(worker()));
  ASSERT_FALSE(stages.empty());
  for (const TestStage& stage : stages) EXPECT_TRUE(stage.ok) << stage.stage << stage.detail;
}

TEST_P(SourceContract, DestinationsAreJudgedByTheGrammarOfTheBroker) {
  Connect(From::kLatest, kMessages);
  for (const Direction direction : {Direction::kPublish, Direction::kSubscribe}) {
    for (const std::string& bad :
         {std::string(), std::string("a\0b", 3), std::string(70'000, 'a'), std::string("a\xff")}) {
      const Status status = connector_->CheckDestination(bad, direction);
      ASSERT_FALSE(status.ok()) << bad.substr(0, 10);
      EXPECT_EQ(ReasonOf(status), "INVALID_DESTINATION");
    }
    if (!harness_->loops()) continue;
    EXPECT_TRUE(IsOk(connector_->CheckDestination("orders-1", direction)));
  }
}

}  // namespace
}  // namespace tidegate::connectors::conformance
