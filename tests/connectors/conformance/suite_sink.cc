#include "tests/connectors/conformance/suites.h"

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
    EXPECT_TRUE(result.status.ok());
  }
}

TEST_P(SinkContract, TooLargeIsADefiniteNo) {
  Connect(From::kEarliest);
  const std::string large(connector_->capabilities().message_bytes_max + 1, 'x');
  OutMessage message;
  message.content = large;
  const PublishResult result = Publish(message);
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kMessageRejected);
}

TEST_P(SinkContract, ManyAtOnceAllEnd) {
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
  for (auto& result : results) EXPECT_EQ(result.get().outcome, Outcome::kOk);
}

TEST_P(LoopContract, BytesHeadersAndNamesArriveAsTheyWere) {
  Connect(From::kEarliest);
  const std::string binary("\0\x01\xff\r\n", 5);
  const std::vector<HeaderField> headers = {
      {"h", "1"}, {"h", "2"}, {"binary", binary}, {"empty", ""}, {"gr\xc3\xb6\xc3\x9f\x65", "x"}};
  OutMessage message;
  message.content = binary;
  message.headers = headers;
  ASSERT_EQ(Publish(message).outcome, Outcome::kOk);
  auto source = Open(Spec());
  ASSERT_TRUE(source.ok());
  auto got = Take(**source, 1);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ((*got)[0].content, binary);
  ASSERT_EQ((*got)[0].headers.size(), headers.size());
  for (std::size_t i = 0; i < headers.size(); ++i) {
    EXPECT_EQ((*got)[0].headers[i].first, headers[i].name);
    EXPECT_EQ((*got)[0].headers[i].second, headers[i].value);
  }
  Close(*source);
}

TEST_P(LoopContract, EmptyAndLargeBodiesArrive) {
  Connect(From::kEarliest);
  const std::string large(connector_->capabilities().message_bytes_max - 200, 'L');
  OutMessage message;
  ASSERT_EQ(Publish(message).outcome, Outcome::kOk);
  message.content = large;
  const PublishResult result = Publish(message);
  ASSERT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
  auto source = Open(Spec());
  ASSERT_TRUE(source.ok());
  auto got = Take(**source, 2);
  ASSERT_TRUE(got.ok());
  const bool empty_first = (*got)[0].content.empty();
  EXPECT_TRUE((*got)[empty_first ? 0 : 1].has_content);  // an empty value is no tombstone
  EXPECT_EQ((*got)[empty_first ? 0 : 1].content, "");
  EXPECT_EQ((*got)[empty_first ? 1 : 0].content, large);
  Close(*source);
}

}  // namespace
}  // namespace tidegate::connectors::conformance
