#include <librdkafka/rdkafka.h>

#include "server/base/check.h"
#include "tests/connectors/kafka/fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::kafka {
namespace {

using connectors::HeaderField;
using connectors::Outcome;
using connectors::OutMessage;
using connectors::SourceSpec;

class PublishTest : public ClusterTest {};

// Keeps the message in its frame: Publish takes a reference.
Task<connectors::PublishResult> PublishCopy(connectors::Sink& sink, OutMessage message,
                                            TimePoint deadline) {
  co_return co_await sink.Publish(message, deadline);
}

TEST_F(PublishTest, KeyHeadersAndBytesArriveAsTheyWere) {
  auto connector = Make(Config());
  const std::string content("a\0b\xff", 4);
  const std::vector<HeaderField> headers = {{"h1", "v1"}, {"h1", std::string_view("\0\x01", 2)}};
  OutMessage message;
  message.content = content;
  message.key = "k1";
  message.headers = headers;
  const auto result = Publish(*connector, message);
  ASSERT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);

  auto source = Open(*connector, SourceSpec());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  auto got = Read(**source, 1);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ((*got)[0].content, content);
  EXPECT_EQ((*got)[0].key, "k1");
  EXPECT_EQ((*got)[0].topic, "orders");
  EXPECT_EQ((*got)[0].offset, 0);
  EXPECT_TRUE((*got)[0].has_timestamp);
  ASSERT_EQ((*got)[0].headers.size(), 2u);
  EXPECT_EQ((*got)[0].headers[1].second, std::string("\0\x01", 2));
  Close(std::move(*source));
}

TEST_F(PublishTest, AnEmptyBodyIsAnEmptyValueAndNoTombstone) {
  auto connector = Make(Config());
  ASSERT_EQ(Publish(*connector, OutMessage()).outcome, Outcome::kOk);
  const std::vector<HeaderField> headers = {{"h", ""}};
  OutMessage with_headers;
  with_headers.headers = headers;
  ASSERT_EQ(Publish(*connector, with_headers).outcome, Outcome::kOk);
  auto source = Open(*connector, SourceSpec());
  ASSERT_TRUE(IsOk(source));
  auto got = Read(**source, 2);
  ASSERT_TRUE(IsOk(got));
  for (const Got& message : *got) {
    EXPECT_TRUE(message.has_content);
    EXPECT_EQ(message.content, "");
    EXPECT_FALSE(message.has_key);
  }
  Close(std::move(*source));
}

TEST_F(PublishTest, EveryConfiguredTopicGetsTheMessage) {
  KafkaConfig config = Config();
  config.producer.topics = {"orders", "events"};
  config.consumer.topics = {"orders", "events"};
  auto connector = Make(config);
  OutMessage message;
  message.content = "x";
  ASSERT_EQ(Publish(*connector, message).outcome, Outcome::kOk);
  auto source = Open(*connector, SourceSpec());
  ASSERT_TRUE(IsOk(source));
  auto got = Read(**source, 2);
  ASSERT_TRUE(IsOk(got));
  EXPECT_NE((*got)[0].topic, (*got)[1].topic);
  Close(std::move(*source));
}

TEST_F(PublishTest, AnyWorkerPublishesAndGetsItsOwnReports) {
  auto connector = Make(Config());
  OutMessage message;
  message.content = "x";
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Publish(*connector, message, std::chrono::seconds(10), i % 2).outcome, Outcome::kOk);
  }
  EXPECT_EQ(connector->health().clients, 1u);
  EXPECT_EQ(connector->health().state, connectors::HealthState::kReady);
}

TEST_F(PublishTest, TooLargeIsRefusedBeforeSending) {
  auto connector = Make(Config());
  const std::string large(1'000'001, 'x');
  OutMessage message;
  message.content = large;
  const auto result = Publish(*connector, message);
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kMessageRejected);
  EXPECT_EQ(connector->health().clients, 0u);
}

TEST_F(PublishTest, ABrokerThatIsAwayIsADefiniteNoWhenNothingWasSent) {
  KafkaConfig config = Config();
  config.producer.delivery_timeout = std::chrono::milliseconds(1000);
  auto connector = Make(config);
  cluster_->SetDown(1);
  OutMessage message;
  message.content = "x";
  const auto result = Publish(*connector, message);
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kTimeout);
}

TEST_F(PublishTest, TheCallersDeadlineEndsAsUnknownAndItsLateReportIsHarmless) {
  auto connector = Make(Config());
  OutMessage message;
  message.content = "x";
  ASSERT_EQ(Publish(*connector, message).outcome, Outcome::kOk);
  cluster_->SetRoundTrip(1, std::chrono::milliseconds(1500));
  const auto late = Publish(*connector, message, std::chrono::milliseconds(200));
  EXPECT_EQ(late.outcome, Outcome::kUnknown);
  EXPECT_EQ(ClassOf(late.status), ErrorClass::kTimeout);
  cluster_->SetRoundTrip(1, std::chrono::milliseconds(0));
  EXPECT_EQ(Publish(*connector, message).outcome, Outcome::kOk);
  Await(worker(), connector->Drain(Clock::now() + std::chrono::seconds(10), worker()));
  EXPECT_EQ(BugCount(), 0u);
}

TEST_F(PublishTest, ABrokersRefusalIsMapped) {
  auto connector = Make(Config());
  OutMessage message;
  message.content = "x";
  ASSERT_EQ(Publish(*connector, message).outcome, Outcome::kOk);
  cluster_->FailNext(0, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
  const auto result = Publish(*connector, message);
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kNotAuthorized);
}

TEST_F(PublishTest, ManyAtOnceFromTwoWorkersAllArrive) {
  auto connector = Make(Config());
  std::vector<std::future<connectors::PublishResult>> results;
  const std::string content = "payload";
  for (int i = 0; i < 200; ++i) {
    net::Worker& on = worker(i % 2);
    auto promise = std::make_shared<std::promise<connectors::PublishResult>>();
    results.push_back(promise->get_future());
    on.Post([&connector, &content, &on, promise] {
      OutMessage message;
      message.content = content;
      auto sink = connector->SinkFor(on);
      asio::co_spawn(on.executor(),
                     PublishCopy(**sink, message, Clock::now() + std::chrono::seconds(10)),
                     [promise](std::exception_ptr, connectors::PublishResult result) {
                       promise->set_value(std::move(result));
                     });
    });
  }
  for (auto& result : results) EXPECT_EQ(result.get().outcome, Outcome::kOk);
  auto source = Open(*connector, SourceSpec());
  ASSERT_TRUE(IsOk(source));
  auto got = Read(**source, 200);
  ASSERT_TRUE(IsOk(got));
  Close(std::move(*source));
}

}  // namespace
}  // namespace tidegate::kafka
