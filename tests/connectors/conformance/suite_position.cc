// Sources with positions; and brokers that keep a log.
#include <set>

#include "tests/connectors/conformance/suites.h"
#include "tests/support/is_ok.h"

namespace tidegate::connectors::conformance {
namespace {

constexpr int kMessages = 12;

// Where a reader stands that began at `origin` and has seen `messages`.
Position Advance(Position position, const std::vector<Got>& messages) {
  for (const Got& message : messages) {
    position.Set(message.topic, message.partition, message.offset);
  }
  return position;
}

std::set<std::pair<int, std::int64_t>> Offsets(const std::vector<Got>& messages) {
  std::set<std::pair<int, std::int64_t>> offsets;
  for (const Got& message : messages) offsets.emplace(message.partition, message.offset);
  return offsets;
}

TEST_P(PositionContract, APositionResumesExactlyAfterIt) {
  Connect(From::kEarliest, kMessages);
  Fill(kMessages);
  for (const std::size_t seen : {std::size_t{0}, std::size_t{1}, std::size_t{5}}) {
    auto first = Open(Spec());
    ASSERT_TRUE(IsOk(first));
    auto head = Take(**first, seen);
    ASSERT_TRUE(IsOk(head));
    const Position position = Advance((*first)->origin(), *head);
    Close(*first);

    std::string id;
    connector_->AppendId(position, id);
    auto parsed = connector_->ParseId(id);
    if (seen == 0 && !parsed.ok()) continue;  // a lone counter has no word for "nothing yet"
    ASSERT_TRUE(parsed.ok()) << id << MessageOf(parsed.status());
    auto second = Open(After(*parsed));
    ASSERT_TRUE(second.ok()) << MessageOf(second.status());
    EXPECT_EQ((*second)->origin(), position);
    auto tail = Take(**second, kMessages - seen);
    ASSERT_TRUE(IsOk(tail));
    auto all = Offsets(*head);
    for (const auto& offset : Offsets(*tail)) EXPECT_TRUE(all.insert(offset).second);
    EXPECT_EQ(all.size(), static_cast<std::size_t>(kMessages));
    Close(*second);
  }
}

TEST_P(PositionContract, MalformedIdsAreRefusedByReason) {
  Connect(From::kEarliest);
  for (const std::string& id : {std::string(), std::string("%%%"), std::string("a@b#c"),
                                std::string("-5"), std::string(10'000, 'A')}) {
    const auto parsed = connector_->ParseId(id);
    ASSERT_FALSE(parsed.ok()) << id.substr(0, 20);
    EXPECT_EQ(ReasonOf(parsed.status()), "CURSOR_MALFORMED") << id.substr(0, 20);
  }
}

TEST_P(LogContract, LatestBeginsWithWhatComesFromNowOn) {
  Connect(From::kLatest);
  Fill(5);
  auto source = Open(Spec());
  ASSERT_TRUE(IsOk(source));
  EXPECT_EQ(Total((*source)->origin()), 5);
  Fill(3, 5);
  auto got = Take(**source, 3);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ(ContentsOf(*got), Numbered(5, 3));
  EXPECT_EQ(Total(*(*source)->HighWatermark()), 8);
  Close(*source);
}

TEST_P(LogContract, AReaderThatNobodyPullsKeepsEverythingInReach) {
  Connect(From::kEarliest);
  auto source = Open(Spec());
  ASSERT_TRUE(IsOk(source));
  const std::string content(20'000, 'x');
  for (int i = 0; i < 400; ++i) {  // 8 MB: more than a reader holds unread
    ASSERT_EQ(Publish(content).outcome, Outcome::kOk);
  }
  auto got = Take(**source, 400);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ(Offsets(*got).size(), 400u);
  Close(*source);
}

TEST_P(LogContract, APositionBeyondTheLogIsRefused) {
  Connect(From::kEarliest);
  Fill(2);
  auto source = Open(Spec());
  ASSERT_TRUE(IsOk(source));
  Position position = (*source)->origin();
  const Position::Entry entry = position.entries().front();
  position.Set(entry.topic, entry.partition, 1000);
  Close(*source);
  auto refused = Open(After(position));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(ClassOf(refused.status()), ErrorClass::kPositionUnavailable);
}

TEST_P(LogContract, PositionsAreRememberedByName) {
  Connect(From::kEarliest);
  Fill(6);
  auto source = Open(Spec());
  ASSERT_TRUE(IsOk(source));
  auto got = Take(**source, 4);
  ASSERT_TRUE(IsOk(got));
  const Position position = Advance((*source)->origin(), *got);
  Close(*source);
  PositionStore* store = connector_->positions();
  ASSERT_NE(store, nullptr);
  auto nothing = Await(worker(), store->Load(group_, worker()));
  ASSERT_TRUE(nothing.ok()) << MessageOf(nothing.status());
  EXPECT_FALSE(nothing->has_value());
  const Status stored = Await(worker(), store->Store(group_, position, worker()));
  ASSERT_TRUE(stored.ok()) << MessageOf(stored);
  auto loaded = Await(worker(1), store->Load(group_, worker(1)));
  ASSERT_TRUE(loaded.ok()) << MessageOf(loaded.status());
  ASSERT_TRUE(loaded->has_value());
  EXPECT_EQ((*loaded)->Format(), position.Format());
}

}  // namespace
}  // namespace tidegate::connectors::conformance
