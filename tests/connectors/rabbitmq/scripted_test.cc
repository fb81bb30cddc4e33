// What a real broker does not do, or not when a test wants it.
#include <boost/asio/co_spawn.hpp>
#include <future>

#include "connectors/rabbitmq/limits.h"
#include "tests/connectors/rabbitmq/fixture.h"
#include "tests/connectors/rabbitmq/scripted_broker.h"
#include "tests/connectors/rabbitmq/wire.h"
#include "tests/support/patience.h"

namespace tidegate::rabbitmq {
namespace {

using connectors::OutMessage;
using connectors::Outcome;
using connectors::Qos;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t kConsume = 0x003C0014;

ScriptedBroker::Answer ConsumeOk(unsigned channel, std::string more, bool hang_up) {
  ScriptedBroker::Answer answer;
  answer.bytes = wire::Method(channel, 0x003C0015, wire::Short("ctag")) + more;
  answer.hang_up = hang_up;
  return answer;
}

std::string Delivered(unsigned channel, std::string_view body) {
  return wire::Deliver(channel, 1, false, "x", "k") +
         wire::Header(channel, body.size(), wire::kNoProperties) + wire::Body(channel, body);
}

Task<connectors::PublishResult> PublishOn(connectors::Connector& connector, net::Worker& worker,
                                          std::chrono::seconds patience) {
  OutMessage message;
  message.content = "x";
  auto sink = connector.SinkFor(worker);
  co_return co_await (*sink)->Publish(message, Clock::now() + patience);
}

class ScriptedTest : public BrokerTest {
 protected:
  Settings To(const ScriptedBroker& broker) const {
    Settings settings = Base();
    settings.set_server_port(broker.port());
    return settings;
  }
  bool Until(const std::function<bool()>& done) {
    const TimePoint until = Clock::now() + kPatience;
    while (!done() && Clock::now() < until) {
      Await(worker(), worker().wheel().Sleep(milliseconds(10)));
    }
    return done();
  }
};

TEST_F(ScriptedTest, ABrokerThatTakesUsInAndThrowsUsOutIsNotAskedInACircle) {
  ScriptedBroker broker([](int, std::uint32_t method, unsigned channel) {
    return method == kConsume ? std::optional(ConsumeOk(channel, "", true)) : std::nullopt;
  });
  auto connector = Make(To(broker));
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  const TimePoint begun = Clock::now();
  EXPECT_TRUE(Until([&] { return broker.connections() >= 4; }));
  // 200, 400 and 800 ms, each a quarter less by chance.
  EXPECT_GE(Clock::now() - begun, milliseconds(1000));
  Close(*source);
}

TEST_F(ScriptedTest, ADeliveryThatComesBeforeTheAnswerEndsTheConnectionOnly) {
  ScriptedBroker broker([](int connection, std::uint32_t method,
                           unsigned channel) -> std::optional<ScriptedBroker::Answer> {
    if (method != kConsume) return std::nullopt;
    if (connection == 1) return ConsumeOk(channel, "", true);
    if (connection > 2) return ConsumeOk(channel, Delivered(channel, "in its turn"), false);
    ScriptedBroker::Answer early;
    early.bytes = Delivered(channel, "too early");
    return early;
  });
  auto connector = Make(To(broker));
  auto source = Open(*connector, Member(Qos::kAtMostOnce));
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  const auto got = Read(**source, 1);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  EXPECT_EQ((*got)[0].content, "in its turn");
  Close(*source);
}

// As a quorum queue without its majority.
TEST_F(ScriptedTest, ABrokerThatConfirmsNothingIsLeftBeforeAllPlacesAreTaken) {
  ScriptedBroker broker(
      [](int, std::uint32_t, unsigned) { return std::optional<ScriptedBroker::Answer>(); });
  broker.ConfirmFrom(2);
  auto connector = Make(To(broker));
  std::vector<std::future<connectors::PublishResult>> all;
  for (std::uint32_t i = 0; i < kAbandonedMax; ++i) {
    auto ended = std::make_shared<std::promise<connectors::PublishResult>>();
    all.push_back(ended->get_future());
    worker().Post([this, &connector, ended] {
      asio::co_spawn(worker().executor(), PublishOn(*connector, worker(), seconds(5)),
                     [ended](std::exception_ptr, connectors::PublishResult result) {
                       ended->set_value(std::move(result));
                     });
    });
  }
  for (auto& one : all) EXPECT_EQ(one.get().outcome, Outcome::kUnknown);
  EXPECT_EQ(broker.connections(), 1);
  const auto refused = Publish(*connector, "one more");
  EXPECT_EQ(refused.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(refused.status), ErrorClass::kOverloaded) << MessageOf(refused.status);
  EXPECT_TRUE(Until([&] { return Publish(*connector, "again").outcome == Outcome::kOk; }));
  EXPECT_EQ(broker.connections(), 2);
}

TEST_F(ScriptedTest, HeadersThatDoNotFitTheFramesAgreedOnAreNotSent) {
  ScriptedBroker broker(
      [](int, std::uint32_t, unsigned) { return std::optional<ScriptedBroker::Answer>(); }, 4096);
  auto connector = Make(To(broker));
  const std::string value(5000, 'v');
  const connectors::HeaderField header{"h", value};
  OutMessage message;
  message.content = "x";
  message.headers = std::span(&header, 1);
  const auto result = Publish(*connector, message);
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kMessageRejected) << MessageOf(result.status);
  EXPECT_EQ(broker.headers(), 0);
  EXPECT_EQ(Publish(*connector, "small").outcome, Outcome::kOk);
  EXPECT_EQ(broker.headers(), 1);
}

}  // namespace
}  // namespace tidegate::rabbitmq
