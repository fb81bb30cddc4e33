// Brokers that hand on what comes and keep nothing for those who come later.
#include "tests/connectors/conformance/suites.h"
#include "tests/support/patience.h"

namespace tidegate::connectors::conformance {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LiveContract);

namespace {

TEST_P(LiveContract, NothingClaimsAPosition) {
  Connect(From::kEarliest);
  const Capabilities& offer = connector_->capabilities();
  EXPECT_TRUE(offer.publish && offer.subscribe);
  EXPECT_FALSE(offer.recover);
  for (const Qos qos : {Qos::kNone, Qos::kAuto, Qos::kAtMostOnce, Qos::kAtLeastOnce}) {
    EXPECT_TRUE(offer.levels.Has(qos)) << NameOf(qos);
  }
  EXPECT_GT(offer.window, 0u);
  EXPECT_EQ(connector_->positions(), nullptr);
  for (const std::string& id : {std::string("5"), std::string("a@0#1"), std::string()}) {
    const auto parsed = connector_->ParseId(id);
    ASSERT_FALSE(parsed.ok());
    EXPECT_EQ(ReasonOf(parsed.status()), "CURSOR_MALFORMED");
  }
  std::string id;
  connector_->AppendId(Position(), id);
  EXPECT_EQ(id, "");
  auto source = Open(Spec());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  EXPECT_TRUE((*source)->origin().empty());
  EXPECT_FALSE((*source)->HighWatermark());
  EXPECT_FALSE((*source)->Reached());
  Close(*source);
}

TEST_P(LiveContract, EachBeginsWithWhatComesFromNowOn) {
  Connect(From::kEarliest);
  Fill(3);
  auto source = Open(Spec());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  Fill(3, 3);
  auto got = Take(**source, 3);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  EXPECT_EQ(ContentsOf(*got), Numbered(3, 3));
  Close(*source);
}

TEST_P(LiveContract, EverySourceOfEachGetsEverything) {
  Connect(From::kEarliest);
  auto one = Open(Spec());
  auto two = Open(Spec());
  ASSERT_TRUE(one.ok() && two.ok());
  Fill(5);
  for (SourcePtr* source : {&*one, &*two}) {
    auto got = Take(**source, 5);
    ASSERT_TRUE(got.ok()) << MessageOf(got.status());
    EXPECT_EQ(ContentsOf(*got), Numbered(0, 5));
  }
  Close(*one);
  Close(*two);
}

// Nobody asks: it may let the oldest go and says how many, but neither grows nor stops.
TEST_P(LiveContract, AReaderThatNobodyPullsStaysBoundedAndGoesOn) {
  Connect(From::kEarliest);
  auto source = Open(Spec());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  const std::string filler(20'000, 'x');
  constexpr int kCount = 400;
  for (int i = 0; i < kCount; ++i) {
    ASSERT_EQ(Publish(filler).outcome, Outcome::kOk);
  }
  Pump pump(std::move(*source), worker());
  // What comes from now on is seen at last, however much was in the way.
  int sent = 0;
  const bool came = pump.WaitFor(
      [&](const Contents& seen) {
        const std::string mark = "mark" + std::to_string(sent++);
        EXPECT_EQ(Publish(mark).outcome, Outcome::kOk);
        return !seen.empty() && seen.rbegin()->substr(0, 1) == "x" &&
               seen.lower_bound("mark") != seen.end() &&
               seen.lower_bound("mark")->substr(0, 4) == "mark";
      },
      kPatience);
  EXPECT_TRUE(came);
  const std::size_t fillers = pump.seen().count(filler);
  EXPECT_GE(fillers + connector_->health().dropped, static_cast<std::size_t>(kCount))
      << "messages went without being counted";
}

}  // namespace
}  // namespace tidegate::connectors::conformance
