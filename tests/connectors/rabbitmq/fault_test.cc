#include <algorithm>
#include <atomic>
#include <iterator>
#include <set>
#include <thread>

#include "tests/connectors/rabbitmq/fixture.h"
#include "tests/support/fault_proxy/fault_proxy.h"
#include "tests/support/is_ok.h"
#include "tests/support/patience.h"

namespace tidegate::rabbitmq {
namespace {

using connectors::HealthState;
using connectors::Outcome;
using connectors::OutMessage;
using connectors::PublishResult;
using connectors::Qos;
using connectors::SourcePtr;
using std::chrono::milliseconds;
using std::chrono::seconds;

class FaultTest : public BrokerTest {
 protected:
  // Publishes until one ends as `outcome`; the last result.
  PublishResult Until(connectors::Connector& connector, Outcome outcome, seconds limit) {
    const TimePoint until = Clock::now() + limit;
    PublishResult result;
    do {
      result = Publish(connector, "again");
      Await(worker(), worker().wheel().Sleep(milliseconds(50)));
    } while (result.outcome != outcome && Clock::now() < until);
    return result;
  }
};

// The fixture's broker is shared: whatever a test does to it is undone when the test ends.
class Undo {
 public:
  explicit Undo(std::function<void()> undo) : undo_(std::move(undo)) {}
  ~Undo() { undo_(); }

 private:
  std::function<void()> undo_;
};

TEST_F(FaultTest, AMemoryAlarmIsToldQuicklyAndPassesByItself) {
  auto connector = Make(Base());
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  ASSERT_EQ(Publish(*connector, "before").outcome, Outcome::kOk);
  {
    const Undo undo([this] { Ctl("set_vm_memory_high_watermark absolute 1GB"); });
    Ctl("set_vm_memory_high_watermark 0");
    // Under load: 16 publishers at once, each one after the other.
    std::atomic<int> overloaded{0};
    std::atomic<int> ok{0};
    std::vector<std::thread> publishers;
    for (int i = 0; i < 16; ++i) {
      publishers.emplace_back([&, i] {
        for (int j = 0; j < 20; ++j) {
          OutMessage message;
          message.content = "alarm";
          const auto result = Publish(*connector, message, kPatience, i % 2);
          if (result.outcome == Outcome::kOk) ++ok;
          if (ClassOf(result.status) == ErrorClass::kOverloaded) ++overloaded;
        }
      });
    }
    for (std::thread& publisher : publishers) publisher.join();
    EXPECT_EQ(ok.load(), 0);
    EXPECT_EQ(overloaded.load(), 16 * 20);  // none has waited until its deadline
    const auto refused = Publish(*connector, "x");
    EXPECT_EQ(refused.outcome, Outcome::kNo);
    EXPECT_NE(MessageOf(refused.status).find("memory"), std::string::npos);
    // Consumers go on.
    ASSERT_TRUE(IsOk(Read(**source, 1)));
  }
  const auto back = Until(*connector, Outcome::kOk, kPatience);
  EXPECT_EQ(back.outcome, Outcome::kOk) << MessageOf(back.status);
  EXPECT_EQ(connector->health().reconnects, 0u);
  Close(*source);
}

TEST_F(FaultTest, ClosedByAnOperatorItComesBackAtOnce) {
  auto connector = Make(Base());
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  ASSERT_EQ(Publish(*connector, "one").outcome, Outcome::kOk);
  auto held = Read(**source, 1, false);
  ASSERT_TRUE(IsOk(held));
  Ctl("close_all_connections operator");
  const auto back = Until(*connector, Outcome::kOk, kPatience);
  EXPECT_EQ(back.outcome, Outcome::kOk) << MessageOf(back.status);
  // What was not acknowledged comes again; its ack of before is of an older generation.
  auto again = Read(**source, 1, false);
  ASSERT_TRUE(again.ok()) << MessageOf(again.status());
  EXPECT_EQ((*again)[0].content, "one");
  EXPECT_TRUE((*again)[0].redelivered);
  (*held)[0].ack.Done();
  (*again)[0].ack.Done();
  const auto rest = Read(**source, 1);
  ASSERT_TRUE(IsOk(rest));
  EXPECT_EQ((*rest)[0].content, "again");
  EXPECT_GE(connector->health().reconnects, 1u);
  EXPECT_EQ(connector->health().state, HealthState::kReady);
  Close(*source);
}

TEST_F(FaultTest, HeartbeatsKeepAnIdleConnectionAndSilenceEndsOne) {
  const auto proxy = faults::FaultProxy::Start(host_, static_cast<std::uint16_t>(port_));
  ASSERT_NE(proxy, nullptr);
  Settings settings = Base();
  settings.set_server_port(proxy->port());
  settings.mutable_heartbeat()->set_seconds(5);
  auto connector = Make(settings);
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  ASSERT_EQ(Publish(*connector, "before").outcome, Outcome::kOk);
  Await(worker(), worker().wheel().Sleep(seconds(13)));  // the broker ends who is silent for 10 s
  EXPECT_EQ(proxy->counts().connections, 2u);
  proxy->Cut(faults::How::kSilence);
  OutMessage message;
  message.content = "into the silence";
  const auto silent = Publish(*connector, message, kPatience);
  EXPECT_EQ(silent.outcome, Outcome::kUnknown);
  // Not the deadline of the publish has ended it.
  EXPECT_EQ(ClassOf(silent.status), ErrorClass::kConnectionClosed) << MessageOf(silent.status);
  const auto back = Until(*connector, Outcome::kOk, kPatience);
  EXPECT_EQ(back.outcome, Outcome::kOk) << MessageOf(back.status);
  ASSERT_TRUE(IsOk(Read(**source, 2)));
  Close(*source);
}

// The last holder of a connector may be a snapshot that goes after the workers.
TEST_F(FaultTest, ADrainedConnectorMayOutliveItsWorkers) {
  Settings settings = Base();
  settings.mutable_producer()->set_mandatory(false);
  auto connector = Make(settings);
  for (std::size_t i = 0; i < 2; ++i) {
    OutMessage message;
    message.content = "x";
    ASSERT_EQ(Publish(*connector, message, seconds(5), i).outcome, Outcome::kOk);
  }
  EXPECT_EQ(connector->health().clients, 2u);
  Await(worker(), connector->Drain(Clock::now() + seconds(5), worker()));
  EXPECT_EQ(connector->health().clients, 0u);
  made_.clear();
  workers_->Stop();
  workers_.reset();
  connector.reset();
}

TEST_F(FaultTest, ADeletedQueueIsMadeAgain) {
  auto connector = Make(Base());
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  Ctl("delete_queue " + Member(Qos::kAtLeastOnce).group);
  const auto back = Until(*connector, Outcome::kOk, kPatience);
  EXPECT_EQ(back.outcome, Outcome::kOk) << MessageOf(back.status);
  ASSERT_TRUE(IsOk(Read(**source, 1)));
  Close(*source);
}

TEST_F(FaultTest, AtMostOnceTakesLargeMessagesOverOneConnection) {
  auto connector = Make(Base());
  auto source = Open(*connector, Member(Qos::kAtMostOnce));
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  // More than is read ahead: the broker's answer to each acknowledgement stands behind it.
  const std::string large(400'000, 'x');
  for (int i = 0; i < 60; ++i) ASSERT_EQ(Publish(*connector, large).outcome, Outcome::kOk);
  const auto got = Read(**source, 40, true, 2);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  EXPECT_EQ(connector->health().reconnects, 0u) << connector->health().last_error_text;
  Close(*source);
}

TEST_F(FaultTest, WhatWasSettledElsewhereIsSaidBeforeTheSourceCloses) {
  auto connector = Make(Base());
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  ASSERT_EQ(Publish(*connector, "one").outcome, Outcome::kOk);
  auto held = Read(**source, 1, false);
  ASSERT_TRUE(held.ok()) << MessageOf(held.status());
  std::promise<void> go;
  const std::shared_future<void> gate = go.get_future().share();
  worker().Post([gate] { gate.wait(); });
  std::promise<void> closed;
  asio::co_spawn(worker().executor(), (*source)->Close(),
                 [&closed](std::exception_ptr) { closed.set_value(); });
  (*held)[0].ack.Done();  // from here its word stands behind the close
  go.set_value();
  closed.get_future().get();
  source->reset();
  source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  ASSERT_EQ(Publish(*connector, "two").outcome, Outcome::kOk);
  const auto next = Read(**source, 1);
  ASSERT_TRUE(next.ok()) << MessageOf(next.status());
  EXPECT_EQ((*next)[0].content, "two");
  Close(*source);
}

TEST_F(FaultTest, ABrokerRestartUnderLoadLosesNothingThatWasConfirmed) {
  Settings settings = Base();
  for (auto* exchange : {settings.mutable_producer()->mutable_exchange(),
                         settings.mutable_consumer()->mutable_exchange()}) {
    exchange->set_durable(true);
  }
  auto connector = Make(settings);
  auto source = Open(*connector, Member(Qos::kAtLeastOnce));
  ASSERT_TRUE(IsOk(source));
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> read{0};
  std::set<std::string> confirmed;
  std::set<std::string> unknown;
  std::thread publisher([&] {
    for (int i = 0; !stop; ++i) {
      const std::string content = "m" + std::to_string(i);
      OutMessage message;
      message.content = content;
      const auto result = Publish(*connector, message, seconds(5), 1);
      if (result.outcome == Outcome::kOk) confirmed.insert(content);
      if (result.outcome == Outcome::kUnknown) unknown.insert(content);
      // What is confirmed must be read as well, one by one: not more than a second's work of that.
      if (result.outcome == Outcome::kNo || confirmed.size() > read + 2000) {
        Await(worker(1), worker(1).wheel().Sleep(milliseconds(20)));
      }
    }
  });
  std::set<std::string> seen;
  const auto drain = [&](std::size_t count) {
    while (seen.size() < count) {
      const auto got = Read(**source, 1);
      ASSERT_TRUE(got.ok()) << MessageOf(got.status());
      seen.insert((*got)[0].content);
      read = seen.size();
    }
  };
  drain(100);
  Script("stop_rabbitmq.sh '" + directory_ + "' --kill");
  Script("start_rabbitmq.sh '" + directory_ + "'");
  drain(seen.size() + 100);  // it goes on by itself
  stop = true;
  publisher.join();
  // How much there is to read depends on the machine, so there is no limit of time on the whole:
  // what is lost shows as a read that waits in vain.
  std::set<std::string> missing;
  std::set_difference(confirmed.begin(), confirmed.end(), seen.begin(), seen.end(),
                      std::inserter(missing, missing.end()));
  while (!missing.empty()) {
    const auto got = Read(**source, 1);
    ASSERT_TRUE(got.ok()) << missing.size() << " of " << confirmed.size()
                          << " have not come: " << MessageOf(got.status());
    for (const auto& one : *got) {
      seen.insert(one.content);
      missing.erase(one.content);
    }
  }
  for (const std::string& content : seen) {
    EXPECT_TRUE(confirmed.count(content) + unknown.count(content) > 0) << content;
  }
  EXPECT_GE(connector->health().reconnects, 1u);
  Close(*source);
  Ctl("delete_queue " + Member(Qos::kAtLeastOnce).group);
}

}  // namespace
}  // namespace tidegate::rabbitmq
