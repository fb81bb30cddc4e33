#include <algorithm>
#include <random>

#include "connectors/rabbitmq/source.h"
#include "tests/connectors/rabbitmq/fixture.h"
#include "tests/support/is_ok.h"
#include "tests/support/patience.h"

namespace tidegate::rabbitmq {
namespace {

using connectors::Ack;
using connectors::NackKind;
using connectors::Outcome;
using connectors::Qos;
using connectors::SourcePtr;

class ReadTest : public BrokerTest {
 protected:
  void Fill(connectors::Connector& connector, int count, int first = 0) {
    for (int i = first; i < first + count; ++i) {
      const auto result = Publish(connector, "m" + std::to_string(i));
      ASSERT_EQ(result.outcome, Outcome::kOk) << MessageOf(result.status);
    }
  }
  static std::vector<std::string> Contents(const std::vector<Got>& all) {
    std::vector<std::string> contents;
    for (const Got& got : all) contents.push_back(got.content);
    return contents;
  }
  // A queue's `what` (messages, messages_unacknowledged, arguments …) in the broker's words.
  std::string QueueFacts(const std::string& name, const std::string& what) {
    const std::string table = Ctl("list_queues name " + what);
    const std::size_t at = table.find(name + "\t");
    if (at == std::string::npos) return "(absent)";
    const std::size_t begin = at + name.size() + 1;
    return table.substr(begin, table.find('\n', begin) - begin);
  }
};

TEST_F(ReadTest, EachReaderHasAllMessagesInOrderAndAQueueThatGoesWithIt) {
  auto connector = Make(Base());
  auto one = Open(*connector, Each());
  auto two = Open(*connector, Each());
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_TRUE((*one)->origin().empty());
  Fill(*connector, 20);
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) expected.push_back("m" + std::to_string(i));
  for (SourcePtr* source : {&*one, &*two}) {
    const auto got = Read(**source, 20, false);
    ASSERT_TRUE(IsOk(got));
    EXPECT_EQ(Contents(*got), expected);
    EXPECT_FALSE((*got)[0].ack);
  }
  const auto bindings = [&] {
    const std::string table = Ctl("list_bindings source_name destination_name");
    return std::count(table.begin(), table.end(), '\n') > 0 &&
           table.find(name_) != std::string::npos;
  };
  EXPECT_TRUE(bindings());
  Close(*one);
  Close(*two);
  EXPECT_FALSE(bindings());
}

TEST_F(ReadTest, TheQueueOfAClientIdentifierIsDurableWithItsExpiry) {
  auto connector = Make(Base());
  auto source = Open(*connector, Member(Qos::kAuto));
  ASSERT_TRUE(IsOk(source));
  const std::string queue = Member(Qos::kAuto).group;
  EXPECT_EQ(QueueFacts(queue, "durable"), "true");
  EXPECT_EQ(QueueFacts(queue, "auto_delete"), "false");
  EXPECT_EQ(QueueFacts(queue, "exclusive"), "false");
  EXPECT_NE(QueueFacts(queue, "arguments").find("{\"x-expires\",60000}"), std::string::npos);
  Close(*source);
  // For `none` it is one that goes with its last consumer.
  auto none = Open(*connector, Member(Qos::kNone));
  ASSERT_TRUE(IsOk(none));
  EXPECT_EQ(QueueFacts(queue + ".none", "durable"), "false");
  EXPECT_EQ(QueueFacts(queue + ".none", "auto_delete"), "true");
  Close(*none);
  EXPECT_EQ(QueueFacts(queue + ".none", "durable"), "(absent)");
  EXPECT_EQ(QueueFacts(queue, "durable"), "true");
}

TEST_F(ReadTest, ItExpires) {
  Settings settings = Base();
  settings.mutable_consumer()->mutable_queue()->mutable_expires()->set_seconds(1);
  auto connector = Make(settings);
  auto source = Open(*connector, Member(Qos::kAuto));
  ASSERT_TRUE(IsOk(source));
  Close(*source);
  const std::string queue = Member(Qos::kAuto).group;
  const TimePoint until = Clock::now() + kPatience;
  while (QueueFacts(queue, "durable") != "(absent)" && Clock::now() < until) {
  }
  EXPECT_EQ(QueueFacts(queue, "durable"), "(absent)");
}

TEST_F(ReadTest, AQuorumQueueKeepsToItsDeliveryLimit) {
  Settings settings = Base();
  auto* queue = settings.mutable_consumer()->mutable_queue();
  queue->set_type(config::v1::QUEUE_TYPE_QUORUM);
  queue->set_delivery_limit(2);
  auto connector = Make(settings);
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  const std::string name = Member(Qos::kAtLeastOnce).group;
  EXPECT_EQ(QueueFacts(name, "type"), "quorum");
  Fill(*connector, 1);
  // Delivered once and twice again, then dropped: the next message is another.
  for (int i = 0; i < 3; ++i) {
    auto got = Read(**source, 1, false);
    ASSERT_TRUE(IsOk(got));
    EXPECT_EQ((*got)[0].content, "m0");
    EXPECT_EQ((*got)[0].redelivered, i > 0);
    got->clear();  // dropped unsettled: once more
  }
  Fill(*connector, 1, 1);
  const auto next = Read(**source, 1);
  ASSERT_TRUE(IsOk(next));
  EXPECT_EQ((*next)[0].content, "m1");
  Close(*source);
}

TEST_F(ReadTest, ThePrefetchIsAllTheBrokerSendsAhead) {
  Settings settings = Base();
  settings.mutable_consumer()->set_prefetch(5);
  auto connector = Make(settings);
  EXPECT_EQ(connector->capabilities().window, 5u);
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  Fill(*connector, 20);
  auto held = Read(**source, 5, false);
  ASSERT_TRUE(IsOk(held));
  const std::string queue = Member(Qos::kAtLeastOnce).group;
  EXPECT_EQ(QueueFacts(queue, "messages_unacknowledged"), "5");
  EXPECT_EQ(QueueFacts(queue, "messages_ready"), "15");
  std::shuffle(held->begin(), held->end(), std::mt19937(5));
  for (Got& got : *held) got.ack.Done();
  const auto rest = Read(**source, 15);
  ASSERT_TRUE(IsOk(rest));
  EXPECT_EQ((*rest)[0].content, "m5");
  Close(*source);
  EXPECT_EQ(QueueFacts(queue, "messages"), "0");
}

TEST_F(ReadTest, RetryComesAgainMarkedRejectDoesNot) {
  auto connector = Make(Base());
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  Fill(*connector, 3);
  auto held = Read(**source, 3, false);
  ASSERT_TRUE(IsOk(held));
  (*held)[0].ack.Nack(NackKind::kRetry);
  (*held)[1].ack.Nack(NackKind::kReject);
  (*held)[2].ack = Ack();
  const auto again = Read(**source, 2);
  ASSERT_TRUE(IsOk(again));
  std::vector<std::string> contents = Contents(*again);
  std::sort(contents.begin(), contents.end());
  EXPECT_EQ(contents, (std::vector<std::string>{"m0", "m2"}));
  EXPECT_TRUE((*again)[0].redelivered);
  EXPECT_EQ((*again)[0].Metadata("redelivered"), "true");
  Close(*source);
  EXPECT_EQ(QueueFacts(Member(Qos::kAtLeastOnce).group, "messages"), "0");
}

TEST_F(ReadTest, AtMostOnceHasGoneOutBeforeItIsSeen) {
  auto connector = Make(Base());
  auto source = Open(*connector, Member(Qos::kAtMostOnce));
  ASSERT_TRUE(IsOk(source));
  Fill(*connector, 5);
  const auto got = Read(**source, 2, false, 1);
  ASSERT_TRUE(IsOk(got));
  EXPECT_FALSE((*got)[0].ack);
  const std::string queue = Member(Qos::kAtMostOnce).group;
  EXPECT_EQ(QueueFacts(queue, "messages"), "3");
  Close(*source);
  auto next = Open(*connector, Member(Qos::kAtMostOnce));
  ASSERT_TRUE(IsOk(next));
  const auto rest = Read(**next, 3, false);
  ASSERT_TRUE(IsOk(rest));
  EXPECT_EQ(Contents(*rest), (std::vector<std::string>{"m2", "m3", "m4"}));
  Close(*next);
}

TEST_F(ReadTest, DestinationsOfItsOwnHaveBindingsAndAQueueOfTheirOwn) {
  auto connector = Make(Base());
  connectors::SourceSpec spec = Member(Qos::kAuto);
  spec.topics = {"only.*", "k2"};
  EXPECT_NE(QueueName(spec), QueueName(Member(Qos::kAuto)));
  auto source = Open(*connector, spec);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  for (const char* key : {"other", "only.this", "k2"}) {
    const std::vector<std::string> topics = {key};
    connectors::OutMessage message;
    message.content = key;
    message.topics = topics;
    Publish(*connector, message);
  }
  const auto got = Read(**source, 2);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ(Contents(*got), (std::vector<std::string>{"only.this", "k2"}));
  Close(*source);
}

TEST_F(ReadTest, AChangedRoutingKeyTakesTheBindingOfTheOldOneAway) {
  const auto publish = [this](connectors::Connector& connector, const std::string& key) {
    const std::vector<std::string> topics = {key};
    connectors::OutMessage message;
    message.content = key;
    message.topics = topics;
    return Publish(connector, message).outcome;
  };
  const connectors::SourceSpec spec = Member(Qos::kAtLeastOnce);
  Settings settings = Base();
  settings.mutable_consumer()->set_routing_key("old.*");
  auto earlier = Make(settings);
  auto source = Open(*earlier, spec);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  EXPECT_EQ(publish(*earlier, "old.1"), Outcome::kOk);
  ASSERT_TRUE(IsOk(Read(**source, 1)));
  Close(*source);
  EXPECT_EQ(publish(*earlier, "old.kept"), Outcome::kOk);  // the queue has it: it is not lost

  settings.mutable_consumer()->set_routing_key("new.*");
  auto later = Make(settings);
  source = Open(*later, spec);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  const std::string bindings = Ctl("list_bindings destination_name routing_key");
  EXPECT_EQ(bindings.find(QueueName(spec) + "\told."), std::string::npos) << bindings;
  EXPECT_NE(bindings.find(QueueName(spec) + "\tnew."), std::string::npos) << bindings;
  EXPECT_EQ(publish(*later, "old.2"), Outcome::kNo);  // routed nowhere
  EXPECT_EQ(publish(*later, "new.1"), Outcome::kOk);
  const auto got = Read(**source, 2);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ(Contents(*got), (std::vector<std::string>{"old.kept", "new.1"}));

  // One of the earlier settings that still drains does not bring its binding back.
  auto draining = Open(*earlier, spec);
  ASSERT_TRUE(draining.ok()) << MessageOf(draining.status());
  EXPECT_EQ(publish(*later, "old.3"), Outcome::kNo);
  Close(*draining);
  Close(*source);
}

TEST_F(ReadTest, AnOldBindingThatMayNotBeTakenAwayDoesNotStopTheReading) {
  const connectors::SourceSpec spec = Member(Qos::kAtLeastOnce);
  Settings settings = Base();
  auto earlier = Make(settings);
  auto source = Open(*earlier, spec);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  Close(*source);
  // A user who may do with the new exchange what a reader must, and nothing with the old one.
  const std::string user = "u-" + name_;
  Ctl("add_user " + user + " pw");
  const std::string allowed = "'^(tidegate\\..*|conformance.*|" + name_ + "-new|" +
                              spec.group + ".*)$'";
  Ctl("set_permissions " + user + " " + allowed + " " + allowed + " " + allowed);
  settings.mutable_security()->mutable_auth()->set_username(user);
  settings.mutable_security()->mutable_auth()->mutable_password()->set_text("pw");
  settings.mutable_consumer()->mutable_exchange()->set_name(name_ + "-new");
  settings.mutable_producer()->mutable_exchange()->set_name(name_ + "-new");
  auto later = Make(settings);
  source = Open(*later, spec);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  EXPECT_EQ(Publish(*later, "through").outcome, Outcome::kOk);
  const auto got = Read(**source, 1);
  ASSERT_TRUE(IsOk(got));
  EXPECT_EQ(Contents(*got), (std::vector<std::string>{"through"}));
  Close(*source);
  Ctl("delete_user " + user);
}

TEST_F(ReadTest, LargeMessagesStopTheReadingOfTheSocketNotTheOrder) {
  auto connector = Make(Base());
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  const std::string large(2 * 1024 * 1024, 'L');
  for (int i = 0; i < 20; ++i) {  // 40 MiB: more than is read ahead
    ASSERT_EQ(Publish(*connector, std::to_string(i) + large).outcome, Outcome::kOk);
  }
  for (int i = 0; i < 20; ++i) {
    const auto got = Read(**source, 1);
    ASSERT_TRUE(IsOk(got));
    EXPECT_EQ((*got)[0].content.substr(0, 3), (std::to_string(i) + "LLL").substr(0, 3));
    EXPECT_GT((*got)[0].content.size(), large.size());
  }
  Close(*source);
}

}  // namespace
}  // namespace tidegate::rabbitmq
