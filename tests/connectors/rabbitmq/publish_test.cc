#include "tests/connectors/rabbitmq/fixture.h"
#include "tests/support/is_ok.h"
#include "tests/support/patience.h"

namespace tidegate::rabbitmq {
namespace {

using connectors::HeaderField;
using connectors::Outcome;
using connectors::OutMessage;
using connectors::Qos;

class PublishTest : public BrokerTest {};

TEST_F(PublishTest, WhatNobodyTakesIsANoWithItsReason) {
  auto connector = Make(Base());
  const auto result = Publish(*connector, "x");
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kNoRoute) << MessageOf(result.status);
  EXPECT_NE(MessageOf(result.status).find("NO_ROUTE"), std::string::npos);
}

TEST_F(PublishTest, WithoutMandatoryItIsLostInSilence) {
  Settings settings = Base();
  settings.mutable_producer()->set_mandatory(false);
  auto connector = Make(settings);
  EXPECT_EQ(Publish(*connector, "x").outcome, Outcome::kOk);
}

TEST_F(PublishTest, OfManyAtOnceExactlyTheUnroutableOnesAreANo) {
  Settings settings = Base();
  settings.mutable_consumer()->set_routing_key("taken");
  auto connector = Make(settings);
  auto source = Open(*connector, Each());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  std::vector<std::future<connectors::PublishResult>> results;
  const std::vector<std::string> taken = {"taken"};
  const std::vector<std::string> missed = {"missed"};
  for (int i = 0; i < 200; ++i) {
    auto promise = std::make_shared<std::promise<connectors::PublishResult>>();
    results.push_back(promise->get_future());
    worker().Post([&, i, promise] {
      OutMessage message;
      message.content = "same";
      message.topics = i % 3 == 0 ? missed : taken;
      auto sink = connector->SinkFor(worker());
      struct Run {
        static Task<connectors::PublishResult> On(connectors::Sink& sink, OutMessage message) {
          co_return co_await sink.Publish(message, Clock::now() + std::chrono::seconds(10));
        }
      };
      asio::co_spawn(worker().executor(), Run::On(**sink, message),
                     [promise](std::exception_ptr, connectors::PublishResult result) {
                       promise->set_value(std::move(result));
                     });
    });
  }
  for (int i = 0; i < 200; ++i) {
    const auto result = results[i].get();
    EXPECT_EQ(result.outcome, i % 3 == 0 ? Outcome::kNo : Outcome::kOk) << i;
  }
  Close(*source);
}

TEST_F(PublishTest, HeadersPropertiesAndMetadataArriveAsTheReferenceNamesThem) {
  auto connector = Make(Base());
  auto source = Open(*connector, Each());
  ASSERT_TRUE(IsOk(source));
  const std::vector<HeaderField> headers = {{"content-type", "application/json"},
                                            {"correlation-id", "c-1"}, {"reply-to", "answers"},
                                            {"expiration", "60000"}, {"priority", "3"},
                                            {"timestamp", "1700000000"}, {"x-own", "1"}};
  OutMessage message;
  message.content = "{}";
  message.headers = headers;
  const auto result = Publish(*connector, message);
  ASSERT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
  const auto got = Read(**source, 1);
  ASSERT_TRUE(IsOk(got));
  const Got& one = (*got)[0];
  EXPECT_EQ(one.headers, (std::vector<std::pair<std::string, std::string>>{{"x-own", "1"}}));
  EXPECT_EQ(one.Metadata("exchange"), name_);
  EXPECT_EQ(one.Metadata("routingKey"), "k");
  EXPECT_EQ(one.Metadata("deliveryTag"), "1");
  EXPECT_EQ(one.Metadata("redelivered"), "false");
  EXPECT_EQ(one.Metadata("contentType"), "application/json");
  EXPECT_EQ(one.Metadata("correlationId"), "c-1");
  EXPECT_EQ(one.Metadata("replyTo"), "answers");
  EXPECT_EQ(one.Metadata("expiration"), "60000");
  EXPECT_EQ(one.Metadata("priority"), "3");
  EXPECT_EQ(one.Metadata("timestamp"), "1700000000");
  EXPECT_EQ(one.Metadata("deliveryMode"), "2");
  EXPECT_EQ(one.Metadata("appId"), "tidegate");
  EXPECT_NE(one.Metadata("messageId"), "(absent)");
  Close(*source);
}

TEST_F(PublishTest, TransientWhenToldSo) {
  Settings settings = Base();
  settings.mutable_producer()->set_persistent(false);
  auto connector = Make(settings);
  auto source = Open(*connector, Each());
  ASSERT_TRUE(IsOk(source));
  ASSERT_EQ(Publish(*connector, "x").outcome, Outcome::kOk);
  const auto got = Read(**source, 1);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ((*got)[0].Metadata("deliveryMode"), "1");
  Close(*source);
}

TEST_F(PublishTest, AnotherExchangeThatIsMissingIsANoAndTheChannelComesBack) {
  Settings settings = Base();
  settings.mutable_producer()->set_mandatory(false);
  auto connector = Make(settings);
  ASSERT_EQ(Publish(*connector, "x").outcome, Outcome::kOk);
  const std::vector<std::string> gone = {name_ + "-gone/k"};
  OutMessage message;
  message.content = "x";
  message.topics = gone;
  const auto result = Publish(*connector, message);
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kDestinationMissing) << MessageOf(result.status);
  EXPECT_NE(MessageOf(result.status).find("NOT_FOUND"), std::string::npos);
  EXPECT_EQ(Publish(*connector, "again").outcome, Outcome::kOk);
  EXPECT_EQ(connector->health().clients, 1u);
}

TEST_F(PublishTest, WhatTheBrokerCannotTakeIsRefusedBeforeSending) {
  auto connector = Make(Base());
  const std::string large(connector->capabilities().message_bytes_max + 1, 'x');
  EXPECT_EQ(ClassOf(Publish(*connector, large).status), ErrorClass::kMessageRejected);
  const std::string huge(200'000, 'h');
  for (const HeaderField& field :
       {HeaderField{"expiration", "soon"}, HeaderField{"big", huge}}) {
    OutMessage message;
    message.headers = std::span(&field, 1);
    const auto result = Publish(*connector, message);
    EXPECT_EQ(result.outcome, Outcome::kNo);
    EXPECT_EQ(ClassOf(result.status), ErrorClass::kMessageRejected) << MessageOf(result.status);
  }
  EXPECT_EQ(connector->health().clients, 0u);
}

TEST_F(PublishTest, AQueueThatIsFullIsANo) {
  Settings settings = Base();
  auto connector = Make(settings);
  // A policy makes the queue of the group take one message and refuse the rest.
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  Close(*source);
  Ctl("set_policy full-" + name_ + " '" + name_ +
      "$' '{\"max-length\":1,\"overflow\":\"reject-publish\"}' --apply-to queues");
  Outcome last = Outcome::kOk;
  Status why;
  const TimePoint until = Clock::now() + kPatience;
  while (last == Outcome::kOk && Clock::now() < until) {
    const auto result = Publish(*connector, "x");
    last = result.outcome;
    why = result.status;
  }
  EXPECT_EQ(last, Outcome::kNo);
  EXPECT_EQ(ClassOf(why), ErrorClass::kOverloaded) << MessageOf(why);
  EXPECT_NE(MessageOf(why).find("nack"), std::string::npos);
  Ctl("clear_policy full-" + name_);
}

}  // namespace
}  // namespace tidegate::rabbitmq
