#include <gtest/gtest.h>

#include "connectors/mock/factory.h"
#include "connectors/mock/mock_config.h"
#include "server/base/strings.h"
#include "server/config/secrets.h"
#include "tests/support/is_ok.h"
#include "tidegate/config/v1/kafka.pb.h"
#include "tidegate/config/v1/mock.pb.h"

namespace tidegate::mock {
namespace {

namespace v1 = tidegate::config::v1;

// Runs a task on a worker without a thread, until it is done.
template <typename T>
T Await(net::Worker& worker, Task<T> task) {
  std::optional<T> result;
  auto root = [](Task<T> inner, std::optional<T>& out) -> Task<void> {
    out.emplace(co_await std::move(inner));
  };
  worker.Spawn("test", root(std::move(task), result));
  worker.context().restart();
  while (!result) worker.context().run_one();
  return std::move(*result);
}

connectors::ConnectorPtr Make(const v1::MockEndpoint& settings) {
  auto made = MockKind().make(settings, connectors::ConnectorContext());
  EXPECT_TRUE(made.ok()) << made.status();
  return *made;
}

v1::MockEndpoint Quick() {
  v1::MockEndpoint settings;
  settings.mutable_message_interval()->set_nanos(1'000'000);
  return settings;
}

std::vector<std::int64_t> Offsets(net::Worker& worker, connectors::Source& source,
                                  std::size_t count) {
  std::vector<std::int64_t> offsets;
  connectors::MessageBatch batch;
  while (offsets.size() < count) {
    batch.Clear();
    auto next = Await(worker, source.Next(batch, static_cast<std::uint32_t>(count)));
    if (!next.ok()) break;
    for (const connectors::Message& message : batch) offsets.push_back(message.offset);
  }
  return offsets;
}

connectors::SourcePtr Open(net::Worker& worker, connectors::Connector& connector,
                           std::optional<std::string> id = std::nullopt) {
  connectors::SourceSpec spec;
  if (id) {
    spec.start = connectors::Start::kPosition;
    spec.position = *connector.ParseId(*id);
  }
  auto source = Await(worker, connector.OpenSource(spec, worker));
  EXPECT_TRUE(IsOk(source));
  return std::move(*source);
}

TEST(MockConfig, DefaultsAreThoseOfTheProto) {
  const MockConfig config = *ReadMockConfig(v1::MockEndpoint(), nullptr);
  EXPECT_EQ(config.interval, std::chrono::seconds(1));
  EXPECT_EQ(config.content, "mock message");
  EXPECT_FALSE(config.count.has_value());
  EXPECT_EQ(config.fail_with, ErrorClass::kConnectionClosed);
}

TEST(MockConfig, EnumNumbersAreThoseOfErrorClass) {
  for (int number = 1; number <= static_cast<int>(ErrorClass::kFatal); ++number) {
    const std::string name = v1::ErrorClass_Name(static_cast<v1::ErrorClass>(number));
    EXPECT_EQ(ErrorClassFromName(name.substr(std::string("ERROR_CLASS_").size())),
              static_cast<ErrorClass>(number))
        << name;
  }
}

TEST(MockConfig, PayloadSizeRepeatsAndCuts) {
  v1::MockEndpoint settings;
  settings.set_message_content("abc");
  settings.set_payload_size(7);
  EXPECT_EQ(ReadMockConfig(settings, nullptr)->content, "abcabca");
}

TEST(MockConfig, AnotherMessageTypeIsRefused) {
  EXPECT_EQ(ReadMockConfig(v1::KafkaEndpoint(), nullptr).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(MockSource, CountsFromZeroAndCompletesAtMessageCount) {
  net::Worker worker(0, 0);
  v1::MockEndpoint settings = Quick();
  settings.set_message_count(4);
  auto connector = Make(settings);
  auto source = Open(worker, *connector);
  EXPECT_EQ(Offsets(worker, *source, 4), (std::vector<std::int64_t>{0, 1, 2, 3}));
  connectors::MessageBatch batch;
  const auto end = Await(worker, source->Next(batch, 1));
  EXPECT_EQ(ReasonOf(end.status()), "SOURCE_COMPLETED");
}

TEST(MockSource, GoesOnAfterAnId) {
  net::Worker worker(0, 0);
  auto connector = Make(Quick());
  auto source = Open(worker, *connector, "41");
  EXPECT_EQ(source->origin().Format(), "41");
  EXPECT_EQ(Offsets(worker, *source, 2), (std::vector<std::int64_t>{42, 43}));
}

TEST(MockSource, NeverGivesMoreThanAsked) {
  net::Worker worker(0, 0);
  v1::MockEndpoint settings = Quick();
  settings.mutable_message_interval()->set_nanos(1000);
  auto connector = Make(settings);
  auto source = Open(worker, *connector);
  connectors::MessageBatch batch;
  for (int i = 0; i < 5; ++i) {
    batch.Clear();
    EXPECT_LE(*Await(worker, source->Next(batch, 3)), 3u);
  }
}

TEST(MockSource, FailAfterEndsWithTheClass) {
  net::Worker worker(0, 0);
  v1::MockEndpoint settings = Quick();
  settings.set_fail_after(2);
  settings.set_fail_with(v1::ERROR_CLASS_NOT_AUTHORIZED);
  auto connector = Make(settings);
  auto source = Open(worker, *connector);
  EXPECT_EQ(Offsets(worker, *source, 2).size(), 2u);
  connectors::MessageBatch batch;
  EXPECT_EQ(ClassOf(Await(worker, source->Next(batch, 1)).status()), ErrorClass::kNotAuthorized);
}

TEST(MockSink, KeepsTheLastMessagesWithHeaders) {
  net::Worker worker(0, 0);
  auto connector = Make(Quick());
  connectors::Sink* sink = *connector->SinkFor(worker);
  for (int i = 0; i < 150; ++i) {
    const std::string content = "m" + std::to_string(i);
    connectors::HeaderField header;
    header.name = "X-A";
    header.value = "b";
    connectors::OutMessage message;
    message.content = content;
    message.headers = std::span(&header, 1);
    EXPECT_EQ(Await(worker, sink->Publish(message, TimePoint::max())).outcome,
              connectors::Outcome::kOk);
  }
  const auto published = PublishedTo(*connector);
  ASSERT_EQ(published.size(), kPublishedKept);
  EXPECT_EQ(published.front().content, "m50");
  EXPECT_EQ(published.back().headers.at(0).value, "b");
  const auto stages = Await(worker, connector->Test(worker));
  EXPECT_EQ(stages.at(0).detail, "150 messages, the last: m149");
}

TEST(MockSink, FailAfterGivesTheOutcomeOfItsClass) {
  net::Worker worker(0, 0);
  v1::MockEndpoint settings = Quick();
  settings.set_fail_after(0);
  settings.set_fail_with(v1::ERROR_CLASS_OVERLOADED);
  auto connector = Make(settings);
  connectors::OutMessage message;
  auto result = Await(worker, (*connector->SinkFor(worker))->Publish(message, TimePoint::max()));
  EXPECT_EQ(result.outcome, connectors::Outcome::kNo);
  settings.set_fail_with(v1::ERROR_CLASS_TIMEOUT);
  connector = Make(settings);
  result = Await(worker, (*connector->SinkFor(worker))->Publish(message, TimePoint::max()));
  EXPECT_EQ(result.outcome, connectors::Outcome::kUnknown);
}

TEST(MockIds, OnlyWholeNumbersAreIds) {
  auto connector = Make(Quick());
  for (const char* bad : {"", "-1", "x", "01", "1.0", "t@0#1", "99999999999999999999"}) {
    EXPECT_EQ(ReasonOf(connector->ParseId(bad).status()), "CURSOR_MALFORMED") << bad;
  }
}

}  // namespace
}  // namespace tidegate::mock
