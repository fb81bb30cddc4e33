// Sources at a broker that does what real ones do seldom, or not when a test wants it.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <future>

#include "connectors/mqtt5/source.h"
#include "server/base/codec.h"
#include "tests/connectors/mqtt5/scripted_broker.h"
#include "tests/support/patience.h"

namespace tidegate::mqtt5 {
namespace {

using connectors::Qos;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Answer = ScriptedBroker::Answer;

Task<StatusOr<std::string>> ReadOne(connectors::Source& source) {
  connectors::MessageBatch batch;
  auto taken = co_await source.Next(batch, 1);
  if (!taken.ok()) co_return taken.status();
  batch[0].ack.Done();
  co_return std::string(batch[0].content);
}

class ScriptedTest : public ::testing::Test {
 protected:
  ScriptedTest() : workers_(1) { workers_.Start(); }
  net::Worker& worker() { return workers_.at(0); }

  template <typename T>
  T Await(Task<T> task) {
    std::promise<T> promise;
    asio::co_spawn(worker().executor(), std::move(task), [&](std::exception_ptr error, T value) {
      if (error) {
        promise.set_exception(error);
      } else {
        promise.set_value(std::move(value));
      }
    });
    return promise.get_future().get();
  }
  void Wait(Task<void> task) {
    std::promise<void> promise;
    asio::co_spawn(worker().executor(), std::move(task),
                   [&](std::exception_ptr) { promise.set_value(); });
    promise.get_future().get();
  }
  bool Until(const std::function<bool()>& done) {
    const TimePoint until = Clock::now() + kPatience;
    while (!done() && Clock::now() < until) Wait(worker().wheel().Sleep(milliseconds(10)));
    return done();
  }
  StatusOr<connectors::SourcePtr> Open(const ScriptedBroker& broker, Qos qos) {
    Mqtt5Config config;
    config.host = "127.0.0.1";
    config.port = static_cast<std::uint16_t>(broker.port());
    config.reconnect_attempts = 10;
    config.consumer.enabled = true;
    config.consumer.topics = {"t"};
    monitor_ = std::make_shared<Monitor>("scripted", "e");
    auto shared = std::make_shared<Shared>(std::move(config), monitor_);
    connectors::SourceSpec spec;
    spec.share = connectors::Share::kGroup;
    spec.qos = qos;
    spec.group = "g-" + RandomToken(8);
    return Await(OpenMqtt5Source(std::move(shared), std::move(spec), worker()));
  }

  net::WorkerPool workers_;
  std::shared_ptr<Monitor> monitor_;
};

Answer Said(std::string bytes, bool hang_up = false) {
  Answer answer;
  answer.bytes = std::move(bytes);
  answer.hang_up = hang_up;
  return answer;
}

const std::string kTakenOver("\xE0\x01\x8E", 3);  // DISCONNECT

// A topic that is subscribed to with QoS 1 has messages of both kinds: those of QoS 0 must go also
// where others, which may not go, stand before them.
TEST_F(ScriptedTest, behind_messages_that_wait_the_oldest_of_qos_0_go) {
  constexpr int kFlood = 20'000;
  ScriptedBroker broker([](int, PacketType type, std::string_view body) -> std::optional<Answer> {
    if (type != PacketType::kSubscribe) return std::nullopt;
    std::string all = Subacked(body, 1);
    for (std::uint16_t id = 1; id <= 10; ++id) all += Published("t", "kept", id);
    for (int i = 0; i < kFlood; ++i) all += Published("t", std::string(1000, 'x'), 0);
    return Said(std::move(all));
  });
  auto source = Open(broker, Qos::kAtLeastOnce);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  EXPECT_TRUE(Until([&] { return monitor_->health().dropped >= kFlood - 1024; }))
      << monitor_->health().dropped;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(*Await(ReadOne(**source)), "kept");
  Wait((*source)->Close());
}

// Nobody asked for a name: one of 64 KiB would end in a packet that cannot be written.
TEST_F(ScriptedTest, a_name_that_the_server_gives_is_not_taken) {
  std::promise<std::string> second;
  std::string assigned;
  PutText(assigned, Property::kAssignedClientId, std::string(65'535, 'n'));
  ScriptedBroker broker([&](int connection, PacketType type,
                            std::string_view body) -> std::optional<Answer> {
    if (type == PacketType::kConnect && connection == 2) second.set_value(ClientIdOf(body));
    if (type == PacketType::kConnect && connection == 1) return Said(Connacked(false, assigned));
    if (connection > 1) return std::nullopt;
    if (type == PacketType::kPuback) return Said(kTakenOver, true);
    if (type != PacketType::kSubscribe) return std::nullopt;
    return Said(Subacked(body, 1) + Published("t", "one", 1));
  });
  auto source = Open(broker, Qos::kAtLeastOnce);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  EXPECT_EQ(*Await(ReadOne(**source)), "one");
  auto name = second.get_future();
  ASSERT_EQ(name.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(name.get().substr(0, 9), "tidegate-");
  Wait((*source)->Close());
}

TEST_F(ScriptedTest, at_most_once_also_when_the_first_way_back_ends_early) {
  ScriptedBroker broker([](int connection, PacketType type,
                           std::string_view body) -> std::optional<Answer> {
    if (type == PacketType::kConnect) return Said(Connacked(connection > 1));
    if (type == PacketType::kSubscribe && connection == 1) {
      return Said(Subacked(body, 1) + Published("t", "one", 7));
    }
    if (type == PacketType::kPuback && connection == 1) return Said("", true);  // never heard
    if (type == PacketType::kSubscribe && connection == 2) return Said("", true);
    if (type != PacketType::kSubscribe) return std::nullopt;
    return Said(Subacked(body, 1) + Published("t", "one", 7, true) + Published("t", "two", 8));
  });
  auto source = Open(broker, Qos::kAtMostOnce);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  EXPECT_EQ(*Await(ReadOne(**source)), "one");
  EXPECT_EQ(*Await(ReadOne(**source)), "two");
  Wait((*source)->Close());
}

// What an earlier process may have handed over stays unknown until the session ends.
TEST_F(ScriptedTest, at_most_once_after_a_crash_also_when_the_connection_is_lost_again) {
  ScriptedBroker broker([](int connection, PacketType type,
                           std::string_view body) -> std::optional<Answer> {
    if (type == PacketType::kConnect) return Said(Connacked(true));
    if (type == PacketType::kPuback && connection == 1) return Said("", true);
    if (type != PacketType::kSubscribe) return std::nullopt;
    if (connection == 1) return Said(Subacked(body, 1) + Published("t", "old", 3, true));
    return Said(Subacked(body, 1) + Published("t", "old, too", 4, true) + Published("t", "new", 5));
  });
  auto source = Open(broker, Qos::kAtMostOnce);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  EXPECT_EQ(*Await(ReadOne(**source)), "new");
  Wait((*source)->Close());
}

// Solace grants QoS 0 for a shared subscription.
TEST_F(ScriptedTest, a_share_that_is_given_up_brings_nothing_any_more) {
  std::mutex mutex;
  std::string heard;
  ScriptedBroker broker([&](int, PacketType type, std::string_view body) -> std::optional<Answer> {
    const bool leaves = type == PacketType::kUnsubscribe;
    if (type != PacketType::kSubscribe && !leaves) return std::nullopt;
    const std::string filter = FilterOf(body);
    const bool shared = filter.compare(0, 7, "$share/") == 0;
    const std::lock_guard lock(mutex);
    heard += std::string(leaves ? "-" : "+") + (shared ? "shared " : filter + " ");
    if (leaves) return std::nullopt;
    return Said(Subacked(body, shared ? 0 : 1));
  });
  auto source = Open(broker, Qos::kAtLeastOnce);
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(heard, "+shared -shared +t ");
  }
  Wait((*source)->Close());
}

}  // namespace
}  // namespace tidegate::mqtt5
