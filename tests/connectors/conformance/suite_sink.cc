#include "tests/connectors/conformance/suites.h"
#include "tests/support/is_ok.h"
#include "tests/support/patience.h"

namespace tidegate::connectors::conformance {
namespace {

// Keeps the message in its frame: Publish takes a reference.
Task<PublishResult> PublishCopy(Sink& sink, OutMessage message, TimePoint deadline) {
  co_return co_await sink.Publish(message, deadline);
}

TEST_P(SinkContract, APublishEndsAsOkOnBothWorkers) {
  Connect(From::kEarliest);
  OutMessage message;
  message.content = "x";
  message.key = "k";
  for (int i = 0; i < 6; ++i) {
    const PublishResult result = Publish(message, i % 2);
    EXPECT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
    EXPECT_TRUE(IsOk(result.status));
  }
}

TEST_P(SinkContract, TooLargeIsADefiniteNo) {
  Connect(From::kEarliest);
  const std::uint64_t most = connector_->capabilities().message_bytes_max;
  const PublishResult result = Publish(std::string(most + 1, 'x'));
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kMessageRejected);
  // Headers count.
  const std::string value(20, 'v');
  const std::vector<HeaderField> headers = {{"h", value}};
  const std::string content(most - 20, 'x');
  OutMessage message;
  message.content = content;
  message.headers = headers;
  const PublishResult with_header = Publish(message);
  EXPECT_EQ(with_header.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(with_header.status), ErrorClass::kMessageRejected);
}

TEST_P(SinkContract, ADeadlineThatHasPassedIsNeverAnOk) {
  Connect(From::kEarliest);
  ASSERT_EQ(Publish("warm").outcome, Outcome::kOk);
  if (!harness_->loops()) return;  // a made-up sink waits for nothing
  const TimePoint begun = Clock::now();
  const PublishResult result = Publish("late", std::chrono::milliseconds(0));
  EXPECT_NE(result.outcome, Outcome::kOk);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kTimeout) << MessageOf(result.status);
  EXPECT_LT(Clock::now() - begun, kPatience);
}

TEST_P(SinkContract, ManyAtOnceAllEndAlsoWhenItDrains) {
  Connect(From::kEarliest);
  const std::string content(100, 'x');
  std::vector<std::future<PublishResult>> results;
  for (int i = 0; i < 300; ++i) {
    auto promise = std::make_shared<std::promise<PublishResult>>();
    results.push_back(promise->get_future());
    net::Worker& on = worker(i % 2);
    on.Post([&on, &content, promise, connector = connector_] {
      OutMessage message;
      message.content = content;
      auto sink = connector->SinkFor(on);
      asio::co_spawn(on.executor(),
                     PublishCopy(**sink, message, Clock::now() + std::chrono::seconds(20)),
                     [promise](std::exception_ptr, PublishResult result) {
                       promise->set_value(std::move(result));
                     });
    });
  }
  // Both workers have begun with all of them.
  for (std::size_t i = 0; i < 2; ++i) OnWorker(worker(i), [] {});
  Await(worker(), connector_->Drain(Clock::now() + std::chrono::seconds(10), worker()));
  for (auto& result : results) {
    ASSERT_EQ(result.wait_for(std::chrono::seconds(10)), std::future_status::ready);
    const PublishResult told = result.get();
    EXPECT_EQ(told.outcome, Outcome::kOk) << MessageOf(told.status);
  }
}

TEST_P(LoopContract, BytesHeadersAndNamesArriveAsTheyWere) {
  Connect(From::kEarliest);
  const std::string binary("\0\x01\xff\r\n", 5);
  const std::string value = harness_->carries_bytes() ? binary : "gr\xc3\xbc\xc3\x9f \xe2\x82\xac";
  const std::vector<HeaderField> headers = {
      {"h", "1"}, {"h", "2"}, {"binary", value}, {"empty", ""}, {"gr\xc3\xb6\xc3\x9f\x65", "x"}};
  auto source = OpenFilled(Spec(), 0);
  ASSERT_TRUE(IsOk(source));
  OutMessage message;
  message.content = binary;
  message.headers = headers;
  const PublishResult result = Publish(message);
  ASSERT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
  auto got = Take(**source, 1);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  EXPECT_EQ((*got)[0].content, binary);
  std::vector<std::pair<std::string, std::string>> expected = {
      {"h", "1"}, {"h", "2"}, {"binary", value}, {"empty", ""}, {"gr\xc3\xb6\xc3\x9f\x65", "x"}};
  if (!harness_->repeats_headers()) {
    expected.erase(expected.begin());
    expected[0].second = "1, 2";
  }
  EXPECT_EQ((*got)[0].headers, expected);
  Close(*source);
}

// Where the broker's headers are text, bytes are refused, never sent changed.
TEST_P(LoopContract, HeadersThatTheBrokerCannotCarryAreADefiniteNo) {
  Connect(From::kEarliest);
  auto source = OpenFilled(Spec(), 0);
  ASSERT_TRUE(IsOk(source));
  const std::string bytes("\xff\0\x01", 3);
  const std::vector<HeaderField> headers = {{"binary", bytes}};
  OutMessage message;
  message.content = "with bytes";
  message.headers = headers;
  const PublishResult result = Publish(message);
  if (harness_->carries_bytes()) {
    EXPECT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
  } else {
    EXPECT_EQ(result.outcome, Outcome::kNo);
    EXPECT_EQ(ClassOf(result.status), ErrorClass::kMessageRejected);
  }
  ASSERT_EQ(Publish("behind").outcome, Outcome::kOk);
  const std::size_t count = result.outcome == Outcome::kOk ? 2 : 1;
  auto got = Take(**source, count);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  EXPECT_EQ(ContentsOf(*got).count("with bytes"), count - 1);
  EXPECT_EQ(ContentsOf(*got).count("behind"), 1u);
  Close(*source);
}

TEST_P(LoopContract, EmptyAndTheLargestBodiesArriveAndNothingLarger) {
  Connect(From::kEarliest);
  auto source = OpenFilled(Spec(), 0);
  ASSERT_TRUE(IsOk(source));
  const std::string large(connector_->capabilities().message_bytes_max, 'L');
  ASSERT_EQ(Publish("").outcome, Outcome::kOk);
  const PublishResult result = Publish(large);
  ASSERT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
  ASSERT_EQ(Publish(large + "!").outcome, Outcome::kNo);
  ASSERT_EQ(Publish("last").outcome, Outcome::kOk);
  auto got = Take(**source, 3);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  EXPECT_EQ(ContentsOf(*got), (Contents{"", "last", large}));
  for (const Got& message : *got) EXPECT_TRUE(message.has_content);  // empty is no tombstone
  Close(*source);
}

}  // namespace
}  // namespace tidegate::connectors::conformance
