// The connection breaks at each step of the protocol, one step at a time: nobody waits for ever,
// what was confirmed is delivered, what was refused is not.
#include <algorithm>
#include <set>

#include "tests/connectors/conformance/suites.h"
#include "tests/support/patience.h"

namespace tidegate::connectors::conformance {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StepContract);

namespace {

using faults::Fault;
using faults::How;
using faults::Way;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string NameOf(const Fault& fault) {
  const char* const how = fault.how == How::kReset ? "reset" : fault.how == How::kFin ? "fin"
                                                                                      : "silence";
  return std::string(fault.way == Way::kUp ? "client" : "broker") + " chunk " +
         std::to_string(fault.after) + " of connection " + std::to_string(fault.connection) + " " +
         how;
}

}  // namespace

// One life of a connector: opens, publishes until three are confirmed, reads them, ends.
void StepContract::Live(const std::string& what) {
  SCOPED_TRACE(what);
  group_ += "s";
  Connect(From::kEarliest);
  ASSERT_NE(connector_, nullptr);
  StatusOr<SourcePtr> source = Unavailable("");
  const TimePoint until = Clock::now() + 2 * kPatience;
  do {
    source = Open(Member(Qos::kAtLeastOnce));
  } while (!source.ok() && Clock::now() < until);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  Pump pump(std::move(*source), worker());
  std::set<std::string> confirmed;
  std::set<std::string> refused;
  for (int i = 0; confirmed.size() < 3 && Clock::now() < until; ++i) {
    const std::string content = "step" + std::to_string(++number_);
    const PublishResult result = Publish(content, seconds(3));
    if (result.outcome == Outcome::kOk) confirmed.insert(content);
    if (result.outcome == Outcome::kNo) refused.insert(content);
  }
  EXPECT_EQ(confirmed.size(), 3u);
  const bool all = pump.WaitFor(
      [&](const Contents& seen) {
        return std::all_of(confirmed.begin(), confirmed.end(),
                           [&](const std::string& one) { return seen.contains(one); });
      },
      kPatience);
  EXPECT_TRUE(all) << "a confirmed message has not come";
  for (const std::string& one : refused) {
    EXPECT_EQ(pump.seen().count(one), 0u) << one << " was refused and came all the same";
  }
  const TimePoint closing = Clock::now();
  pump.Close();
  Disconnect();
  EXPECT_LT(Clock::now() - closing, kPatience);
}

// `steps_max` is per connection and way; of more, so many spread over all.
// Cuts at every step that one undisturbed life has shown.
void StepContract::CutEach(How how, std::size_t steps_max) {
  ASSERT_NE(harness_->proxy(), nullptr);
  faults::FaultProxy& proxy = *harness_->proxy();
  proxy.Disarm();
  Live("undisturbed");
  const std::vector<faults::LinkCounts> links = proxy.counts().links;
  ASSERT_FALSE(links.empty());
  std::uint64_t struck = proxy.counts().faults;
  std::size_t tried = 0;
  for (std::size_t link = 0; link < links.size(); ++link) {
    for (const Way way : {Way::kUp, Way::kDown}) {
      const std::size_t steps =
          way == Way::kUp ? links[link].chunks_up : links[link].chunks_down;
      const std::size_t stride = std::max<std::size_t>(1, (steps + steps_max - 1) / steps_max);
      for (std::size_t step = 1; step <= steps; step += stride) {
        Fault fault;
        fault.way = way;
        fault.after = step;
        fault.how = how;
        fault.connection = link + 1;
        proxy.Arm(fault);
        Live(NameOf(fault));
        if (HasFailure()) return;
        ++tried;
        proxy.Heal();
      }
    }
  }
  // Reads may fall together, so that a late step is not always there.
  struck = proxy.counts().faults - struck;
  EXPECT_GE(struck * 4, tried * 3) << struck << " of " << tried << " faults have struck";
  RecordProperty("steps", static_cast<int>(struck));
}

// The broker takes the connection and says nothing: opening is given up, and the next one works.
TEST_P(StepContract, SilenceWhileOpeningEndsWithinTheDeadline) {
  Connect(From::kEarliest);
  faults::FaultProxy& proxy = *harness_->proxy();
  proxy.Cut(How::kReset);
  Fault fault;
  fault.way = Way::kDown;
  fault.how = How::kSilence;
  proxy.Arm(fault);
  const TimePoint begun = Clock::now();
  auto source = Open(Member(Qos::kAtLeastOnce));
  const auto taken = Clock::now() - begun;
  EXPECT_LT(taken, kPatience);
  if (source.ok()) {
    Close(*source);  // it has found another way in
  } else {
    const ErrorClass why = ClassOf(source.status());
    EXPECT_TRUE(why == ErrorClass::kConnectFailed || why == ErrorClass::kTimeout ||
                why == ErrorClass::kConnectionClosed)
        << MessageOf(source.status());
  }
  EXPECT_GE(proxy.counts().faults, 1u);
  proxy.Heal();
  auto again = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(again.ok()) << MessageOf(again.status());
  Fill(1);
  auto got = Take(**again, 1);
  EXPECT_TRUE(got.ok()) << MessageOf(got.status());
  Close(*again);
}

TEST_P(StepContract, AResetAtEachStepLosesNothing) {
  CutEach(How::kReset, harness_->steps_max());
}

TEST_P(StepContract, AnEndOfStreamAtSomeStepsLosesNothing) {
  CutEach(How::kFin, std::min<std::size_t>(3, harness_->steps_max()));
}

}  // namespace tidegate::connectors::conformance
