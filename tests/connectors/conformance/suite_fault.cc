#include <set>

#include "tests/connectors/conformance/suites.h"

namespace tidegate::connectors::conformance {
namespace {

using std::chrono::seconds;

// Publishes until one is confirmed; how long that took.
std::chrono::milliseconds RecoveryOf(const std::function<PublishResult()>& publish) {
  const TimePoint begun = Clock::now();
  while (Clock::now() - begun < seconds(30)) {
    if (publish().outcome == Outcome::kOk) break;
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
}

TEST_P(FaultContract, ACutIsNeverAnOkAndEverythingComesBack) {
  Connect(From::kEarliest);
  Fill(2);
  auto reader = Open(Spec());
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE(Take(**reader, 2).ok());
  auto member = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(member.ok());
  ASSERT_TRUE(Take(**member, 2).ok());

  harness_->Cut();
  ASSERT_FALSE(HasFatalFailure());
  OutMessage message;
  message.content = "lost?";
  const TimePoint begun = Clock::now();
  const PublishResult cut = Publish(message, 0, seconds(3));
  EXPECT_NE(cut.outcome, Outcome::kOk);
  EXPECT_FALSE(cut.status.ok());
  EXPECT_LT(Clock::now() - begun, seconds(5));
  const auto stages = Await(worker(), connector_->Test(worker()));
  EXPECT_FALSE(stages.back().ok);

  harness_->Restore();
  ASSERT_FALSE(HasFatalFailure());
  message.content = "back";
  EXPECT_LT(RecoveryOf([&] { return Publish(message, 0, seconds(10)); }), seconds(10));

  // Readers go on by themselves: each sees "back"; "lost?" may have come, but only once.
  for (SourcePtr* source : {&*reader, &*member}) {
    std::multiset<std::string> seen;
    const TimePoint from = Clock::now();
    while (seen.count("back") == 0) {
      auto got = Take(**source, 1);
      ASSERT_TRUE(got.ok()) << MessageOf(got.status());
      seen.insert((*got)[0].content);
    }
    EXPECT_LE(seen.count("lost?"), 1u);
    EXPECT_LT(Clock::now() - from, seconds(15));
  }
  EXPECT_EQ(connector_->health().state, HealthState::kReady);
  Close(*reader);
  Close(*member);
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
  EXPECT_LT(Clock::now() - begun, seconds(12));
  harness_->Restore();
}

TEST_P(FaultContract, ClosingWhileTheBrokerIsAwayEndsInTime) {
  Connect(From::kEarliest);
  Fill(3);
  auto reader = Open(Spec());
  ASSERT_TRUE(reader.ok());
  auto member = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(member.ok());
  ASSERT_TRUE(Take(**member, 3).ok());
  harness_->Cut();
  ASSERT_FALSE(HasFatalFailure());
  const TimePoint begun = Clock::now();
  Close(*reader);
  Close(*member);
  EXPECT_LT(Clock::now() - begun, seconds(20));
  harness_->Restore();
}

}  // namespace
}  // namespace tidegate::connectors::conformance
