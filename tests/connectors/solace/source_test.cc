#include <algorithm>
#include <fstream>

#include "tests/connectors/solace/fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::solace {
namespace {

using connectors::NackKind;
using connectors::Outcome;
using connectors::Qos;

class SourceTest : public PeerTest {
 protected:
  boost::json::object Endpoint() {
    const boost::json::value all = peer_->Ask(R"({"do":"endpoints"})");
    for (const auto& entry : all.at("endpoints").as_array()) {
      if (entry.at("subscription") == amqp10::Json(topic_)) return entry.as_object();
    }
    return {};
  }
  boost::json::object Link() {
    boost::json::object last;
    const boost::json::value all = peer_->Ask(R"({"do":"links"})");
    for (const auto& entry : all.at("links").as_array()) {
      if (entry.at("receives").as_bool()) last = entry.as_object();
    }
    return last;
  }
  std::int64_t Outcomes(const char* name) {
    const boost::json::value answer = peer_->Ask(R"({"do":"outcomes"})");
    const boost::json::object& all = answer.at("outcomes").as_object();
    return all.contains(name) ? all.at(name).as_int64() : 0;
  }
  void Fill(int count, int first = 0) {
    for (int i = first; i < first + count; ++i) {
      const auto result = PublishTo(topic_, "m" + std::to_string(i));
      ASSERT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
    }
  }
};

std::vector<std::string> ContentsOf(const std::vector<Held>& held) {
  std::vector<std::string> contents;
  for (const Held& one : held) contents.push_back(one.got.content);
  return contents;
}

TEST_F(SourceTest, NoneReadsATemporaryEndpointThatGoesWithTheLink) {
  StartPeer();
  Connect();
  auto source = Open(Each());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  const auto link = Link();
  EXPECT_EQ(link.at("address"), amqp10::Json("topic://" + topic_));
  EXPECT_EQ(link.at("durability"), 0);
  EXPECT_EQ(link.at("presettled"), true);
  EXPECT_EQ(link.at("hostname"), "default");
  Fill(3);
  auto got = Take(**source, 3);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  EXPECT_EQ(ContentsOf(*got), (std::vector<std::string>{"m0", "m1", "m2"}));
  EXPECT_FALSE((*got)[0].ack);
  Close(*source);
  EXPECT_TRUE(Until([&] { return Endpoint().empty(); }));
}

TEST_F(SourceTest, AGroupHasADurableEndpointNamedAfterIt) {
  StartPeer();
  Connect();
  auto source = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  const auto link = Link();
  const std::string name(link.at("name").as_string().c_str());
  EXPECT_EQ(name.substr(0, group_.size()), group_);
  EXPECT_EQ(link.at("durability"), 1);
  EXPECT_EQ(link.at("expiry"), 3);
  EXPECT_EQ(link.at("presettled"), false);
  Close(*source);
  EXPECT_TRUE(Until([&] { return Endpoint().at("links") == 0; }));
  Fill(2);  // while nobody is there
  source = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  auto got = Take(**source, 2);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  for (Held& held : *got) held.ack.Done();
  EXPECT_TRUE(Until([&] { return Outcomes("accepted") == 2; }));
  Close(*source);
}

TEST_F(SourceTest, AcksInAnyOrderBecomeTheirDispositions) {
  StartPeer();
  Connect();
  auto source = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  Fill(4);
  auto got = Take(**source, 4);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  (*got)[3].ack.Done();  // from a thread that is no worker
  (*got)[1].ack.Nack(NackKind::kReject);
  (*got)[2].ack.Nack(NackKind::kRetry);
  EXPECT_TRUE(Until([&] {
    return Outcomes("accepted") == 1 && Outcomes("rejected") == 1 && Outcomes("modified") == 1;
  }));
  auto again = Take(**source, 1);
  ASSERT_TRUE(again.ok()) << MessageOf(again.status());
  EXPECT_EQ((*again)[0].got.content, "m2");
  EXPECT_TRUE((*again)[0].got.redelivered);
  (*again)[0].ack.Done();
  (*got)[0].ack.Done();
  EXPECT_TRUE(Until([&] { return Outcomes("accepted") == 3; }));
  Close(*source);
  EXPECT_TRUE(Until([&] { return Endpoint().at("messages") == 0 && Endpoint().at("held") == 0; }));
}

TEST_F(SourceTest, NeverMoreIsOnTheWayThanWasAskedFor) {
  StartPeer();
  Connect();
  auto source = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  Fill(10);
  auto got = Take(**source, 3, 3);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  EXPECT_EQ(Endpoint().at("held"), 3);
  EXPECT_EQ(Endpoint().at("messages"), 7);
  Close(*source);
}

TEST_F(SourceTest, TheWindowHoldsWhenNobodySettles) {
  StartPeer();
  Connect();
  auto source = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  Fill(static_cast<int>(kWindow) + 5);
  auto got = Take(**source, kWindow, 64);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  EXPECT_EQ(Endpoint().at("held"), kWindow);
  (*got)[0].ack.Done();
  auto more = Take(**source, 1);
  ASSERT_TRUE(more.ok()) << MessageOf(more.status());
  EXPECT_EQ((*more)[0].got.content, "m" + std::to_string(kWindow));
  Close(*source);
}

TEST_F(SourceTest, AtMostOnceHasSaidItsWordBeforeTheMessageIsHandedOn) {
  StartPeer();
  Connect();
  for (const Qos qos : {Qos::kAtMostOnce, Qos::kAuto}) {
    group_ += "x";
    auto source = Open(Member(qos));
    ASSERT_TRUE(IsOk(source));
    const std::int64_t before = Outcomes("accepted");
    Fill(2);
    auto got = Take(**source, 2);
    ASSERT_TRUE(got.ok()) << MessageOf(got.status());
    EXPECT_FALSE((*got)[0].ack);
    EXPECT_TRUE(Until([&] { return Outcomes("accepted") == before + 2; }));
    Close(*source);
  }
}

TEST_F(SourceTest, WhatWasUnsettledWhenTheWireBrokeComesAgainMarked) {
  StartPeer();
  Connect();
  auto source = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  Fill(3);
  auto got = Take(**source, 3);
  ASSERT_TRUE(IsOk(got));
  peer_->Ask(R"({"do":"cut"})");
  for (Held& held : *got) held.ack.Done();  // of a generation that is over
  peer_->Ask(R"({"do":"restore"})");
  auto again = Take(**source, 3);
  ASSERT_TRUE(again.ok()) << MessageOf(again.status());
  EXPECT_EQ(ContentsOf(*again), ContentsOf(*got));
  EXPECT_TRUE((*again)[0].got.redelivered);
  EXPECT_EQ((*again)[0].got.Meta("isRedelivered"), "true");
  EXPECT_EQ((*again)[0].got.Meta("deliveryCount"), "1");
  EXPECT_EQ(connector_->health().reconnects, 1u);
  EXPECT_EQ(connector_->health().state, connectors::HealthState::kReady);
  Close(*source);
}

TEST_F(SourceTest, ALinkThatTheBrokerEndsIsAttachedAgain) {
  StartPeer();
  Connect();
  auto source = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  peer_->Ask(R"({"do":"detach","condition":"amqp:link:detach-forced","text":"maintenance"})");
  Fill(1);
  auto got = Take(**source, 1);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  (*got)[0].ack.Done();
  ASSERT_TRUE(Until([&] { return Outcomes("accepted") == 1; }));
  peer_->Ask(R"({"do":"close","condition":"amqp:connection:forced","text":"shutdown"})");
  // The publishing connection was told to go, too.
  ASSERT_TRUE(Until([&] { return PublishTo(topic_, "after").outcome == Outcome::kOk; }));
  got = Take(**source, 1);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  EXPECT_EQ((*got)[0].got.content, "after");
  Close(*source);
}

TEST_F(SourceTest, AttemptsAreCountedAndTheLastReasonIsTold) {
  config_.reconnect_attempts = 1;
  StartPeer();
  Connect();
  auto source = Open(Each());
  ASSERT_TRUE(IsOk(source));
  peer_->Ask(R"({"do":"cut"})");
  auto got = Take(**source, 1);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(ClassOf(got.status()), ErrorClass::kConnectFailed) << MessageOf(got.status());
  Close(*source);
}

TEST_F(SourceTest, ASecondConsumerOfATopicEndpointIsToldThatItIsBusy) {
  StartPeer();
  Connect();
  auto source = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  auto second = Open(Member(Qos::kAtLeastOnce));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(ClassOf(second.status()), ErrorClass::kOverloaded) << MessageOf(second.status());
  Close(*source);
  second = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(second.ok()) << MessageOf(second.status());
  Close(*second);
}

TEST_F(SourceTest, AForbiddenTopicSaysSoAtOnce) {
  config_.consumer.topics = {topic_, "forbidden/x"};
  StartPeer();
  Connect();
  auto source = Open(Member(Qos::kAuto));
  ASSERT_FALSE(source.ok());
  // Not that of the deadline:
  EXPECT_EQ(ClassOf(source.status()), ErrorClass::kNotAuthorized);
  EXPECT_NE(MessageOf(source.status()).find("ACL profile denies"), std::string::npos);
  EXPECT_EQ(connector_->health().last_error, ErrorClass::kNotAuthorized);
}

TEST_F(SourceTest, AQueueIsSharedByItsReadersAndANameThatIsNoneIsMissing) {
  config_.consumer.topics.clear();
  config_.consumer.queue = "work";
  StartPeer({"--queue", "work=" + topic_});
  Connect();
  EXPECT_FALSE(connector_->capabilities().levels.Has(Qos::kNone));
  auto one = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(one.ok()) << MessageOf(one.status());
  group_ += "b";
  auto two = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(two.ok()) << MessageOf(two.status());
  EXPECT_EQ(Link().at("address"), "queue://work");
  Fill(1);
  auto got = Take(**one, 1);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  (*got)[0].ack.Done();
  Close(*one);
  Close(*two);
  Disconnect();
  config_.consumer.queue = "nothing";
  Connect();
  auto missing = Open(Member(Qos::kAtLeastOnce));
  EXPECT_EQ(ClassOf(missing.status()), ErrorClass::kDestinationMissing);
}

TEST_F(SourceTest, SeveralTopicsAreReadAndABusyOneHoldsNoneBack) {
  const std::string other = topic_ + "2";
  config_.consumer.topics = {topic_, other};
  StartPeer();
  Connect();
  auto source = Open(Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  for (const std::string& topic : {other, other, topic_}) {
    ASSERT_EQ(PublishTo(topic, topic).outcome, Outcome::kOk);
  }
  auto got = Take(**source, 3, 1);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  auto contents = ContentsOf(*got);
  std::sort(contents.begin(), contents.end());
  EXPECT_EQ(contents, (std::vector<std::string>{topic_, other, other}));
  for (const Held& held : *got) EXPECT_EQ(held.got.topic, held.got.content);
  Close(*source);
}

// Resident memory of this process.
std::size_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * 4096;
}

TEST_F(SourceTest, AStalledReaderHoldsNoMoreThanItsWindowInBytes) {
  StartPeer();
  Connect();
  auto source = Open(Each());
  ASSERT_TRUE(IsOk(source));
  const std::string large(1'000'000, 'a');
  ASSERT_EQ(PublishTo(topic_, large).outcome, Outcome::kOk);
  auto got = Take(**source, 1, 256);
  ASSERT_TRUE(IsOk(got));
  const std::size_t before = ResidentBytes();
  // 250 more may come by credit: the session's window keeps them at the broker.
  for (int i = 0; i < 60; ++i) ASSERT_EQ(PublishTo(topic_, large).outcome, Outcome::kOk);
  const std::size_t after = ResidentBytes();
  EXPECT_LT(after, before + 24 * 1024 * 1024);
  got = Take(**source, 60, 256);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  Close(*source);
}

TEST_F(SourceTest, ManyTopicsShareThatWindow) {
  constexpr int kTopics = 16;
  config_.consumer.topics.clear();
  for (int i = 0; i < kTopics; ++i) {
    config_.consumer.topics.push_back(topic_ + "/" + std::to_string(i));
  }
  StartPeer();
  Connect();
  auto source = Open(Each());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  const std::string large(1'000'000, 'a');
  const auto fill = [&](int rounds) {
    for (int i = 0; i < rounds * kTopics; ++i) {
      const std::string& topic = config_.consumer.topics[static_cast<std::size_t>(i % kTopics)];
      ASSERT_EQ(PublishTo(topic, large).outcome, Outcome::kOk);
    }
  };
  fill(1);
  auto got = Take(**source, kTopics, 256);  // each link has credit now
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  const std::size_t before = ResidentBytes();
  fill(3);
  EXPECT_LT(ResidentBytes(), before + 16 * 1024 * 1024);
  got = Take(**source, 3 * kTopics, 256);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  Close(*source);
}

TEST_F(SourceTest, ClosingEndsAPendingNext) {
  StartPeer();
  Connect();
  auto source = Open(Each());
  ASSERT_TRUE(IsOk(source));
  connectors::MessageBatch batch;
  std::promise<Status> ended;
  asio::co_spawn(worker().executor(), (*source)->Next(batch, 1),
                 [&](std::exception_ptr, StatusOr<std::size_t> taken) {
                   ended.set_value(taken.status());
                 });
  Await(worker(), (*source)->Close());
  EXPECT_EQ(ended.get_future().get().code(), StatusCode::kCancelled);
  Close(*source);
}

}  // namespace
}  // namespace tidegate::solace
