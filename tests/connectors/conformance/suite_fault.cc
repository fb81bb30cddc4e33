#include <set>

#include "tests/connectors/conformance/suites.h"
#include "tests/support/is_ok.h"
#include "tests/support/patience.h"

namespace tidegate::connectors::conformance {
namespace {

using std::chrono::seconds;

constexpr auto kRecoveryMax = seconds(30);  // usual are 2

// Publishes until one is confirmed; how long that took.
std::chrono::milliseconds RecoveryOf(const std::function<PublishResult()>& publish) {
  const TimePoint begun = Clock::now();
  while (Clock::now() - begun < kRecoveryMax) {
    if (publish().outcome == Outcome::kOk) break;
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
}

bool HasBack(const Contents& seen) {
  const auto back = seen.lower_bound("back");
  return back != seen.end() && back->substr(0, 4) == "back";
}

TEST_P(FaultContract, ACutIsNeverAnOkAndEverythingComesBack) {
  Connect(From::kEarliest);
  auto each = Open(Spec());
  ASSERT_TRUE(each.ok()) << MessageOf(each.status());
  auto member = OpenFilled(Member(Qos::kAtLeastOnce), 2);
  ASSERT_TRUE(member.ok()) << MessageOf(member.status());
  Pump reader(std::move(*each), worker());
  Pump group(std::move(*member), worker());
  const auto both = [](const Contents& seen) { return seen.size() >= 2; };
  ASSERT_TRUE(reader.WaitFor(both, kPatience) && group.WaitFor(both, kPatience));

  harness_->Cut();
  ASSERT_FALSE(HasFatalFailure());
  const TimePoint begun = Clock::now();
  const PublishResult cut = Publish("lost?", seconds(3));
  EXPECT_NE(cut.outcome, Outcome::kOk);
  EXPECT_FALSE(cut.status.ok());
  EXPECT_LT(Clock::now() - begun, kPatience);
  const auto stages = Await(worker(), connector_->Test(worker()));
  EXPECT_FALSE(stages.back().ok);

  harness_->Restore();
  ASSERT_FALSE(HasFatalFailure());
  const auto recovery = RecoveryOf([&] { return Publish("back", seconds(10)); });
  RecordProperty("recovery_ms", static_cast<int>(recovery.count()));
  EXPECT_LT(recovery, kRecoveryMax);
  // Readers go on by themselves. A broker without a log hands nothing to one that is not back yet.
  const TimePoint from = Clock::now();
  while (!HasBack(reader.seen()) || !HasBack(group.seen())) {
    ASSERT_LT(Clock::now() - from, 2 * kPatience);
    Publish("back again", seconds(5));
    Await(worker(), worker().wheel().Sleep(std::chrono::milliseconds(200)));
  }
  EXPECT_LE(reader.seen().count("lost?"), cut.outcome == Outcome::kNo ? 0u : 1u);
  if (cut.outcome == Outcome::kNo) {
    EXPECT_EQ(group.seen().count("lost?"), 0u);
  }
  EXPECT_EQ(connector_->health().state, HealthState::kReady);
}

TEST_P(FaultContract, NobodyThereIsSaidWithinTheDeadline) {
  Connect(From::kEarliest);
  harness_->Cut();
  ASSERT_FALSE(HasFatalFailure());
  const TimePoint begun = Clock::now();
  auto source = Open(Spec());
  EXPECT_FALSE(source.ok());
  const ErrorClass error_class = ClassOf(source.status());
  EXPECT_TRUE(error_class == ErrorClass::kConnectFailed ||
              error_class == ErrorClass::kConnectionClosed)
      << MessageOf(source.status());
  EXPECT_LT(Clock::now() - begun, kPatience);
  const PublishResult result = Publish("x", seconds(3));
  EXPECT_FALSE(result.status.ok());
  // A library that queues by itself cannot say what is still to come.
  if (!recover()) {
    EXPECT_EQ(result.outcome, Outcome::kNo) << MessageOf(result.status);
  }
  harness_->Restore();
}

TEST_P(FaultContract, ClosingWhileTheBrokerIsAwayEndsInTime) {
  Connect(From::kEarliest);
  auto reader = Open(Spec());
  ASSERT_TRUE(IsOk(reader));
  auto member = OpenFilled(Member(Qos::kAtLeastOnce), 3);
  ASSERT_TRUE(IsOk(member));
  ASSERT_TRUE(IsOk(Take(**member, 3)));
  harness_->Cut();
  ASSERT_FALSE(HasFatalFailure());
  const TimePoint begun = Clock::now();
  Close(*reader);
  Close(*member);
  EXPECT_LT(Clock::now() - begun, kPatience);
  harness_->Restore();
}

}  // namespace
}  // namespace tidegate::connectors::conformance
