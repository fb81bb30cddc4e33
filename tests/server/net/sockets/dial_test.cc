// Names and addresses to streams, against sockets of this machine.
#include "server/net/dial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>

namespace tidegate::net {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;  // NOLINT

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using Endpoint = asio::ip::tcp::endpoint;

Endpoint Loopback(std::uint16_t port) { return Endpoint(asio::ip::address_v4::loopback(), port); }

class DialTest : public ::testing::Test {
 protected:
  // Runs the worker until the result is there.
  template <typename T>
  StatusOr<T> Wait(Task<StatusOr<T>> task) {
    std::optional<StatusOr<T>> result;
    worker_.Spawn("dial", Keep(std::move(task), result));
    const TimePoint limit = Clock::now() + 20s;
    while (!result && Clock::now() < limit) {
      worker_.context().restart();
      worker_.context().run_one_for(1s);
    }
    EXPECT_TRUE(result.has_value());
    return std::move(*result);
  }
  template <typename T>
  static Task<void> Keep(Task<StatusOr<T>> task, std::optional<StatusOr<T>>& result) {
    StatusOr<T> value = co_await std::move(task);
    result.emplace(std::move(value));
  }
  Acceptor Listen() { return Acceptor(worker_.executor(), Loopback(0)); }
  // A port that nobody listens on: one that was just given back.
  std::uint16_t ClosedPort() { return Listen().local_endpoint().port(); }

  Worker worker_{0, 0};
};

TEST_F(DialTest, AddressesAreTakenAsTheyStand) {
  for (const char* host : {"192.0.2.7", "2001:db8::1", "[2001:db8::1]"}) {
    const auto found = Wait(ResolveHost(worker_, host, 9092, Clock::now() + 5s));
    ASSERT_TRUE(found.ok()) << host;
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->front().port(), 9092);
  }
}

TEST_F(DialTest, NamesAreLookedUpAndDialled) {
  Acceptor acceptor = Listen();
  const std::uint16_t port = acceptor.local_endpoint().port();
  const auto stream = Wait(Dial(worker_, "localhost", port, Clock::now() + 10s));
  ASSERT_TRUE(stream.ok()) << MessageOf(stream.status());
  EXPECT_EQ((*stream)->peer().port, port);
  EXPECT_TRUE((*stream)->peer().address.is_loopback());
  EXPECT_TRUE(acceptor.accept().is_open());
}

TEST_F(DialTest, ANameThatIsNoneIsTold) {
  const auto found = Wait(ResolveHost(worker_, "no name at all", 9092, Clock::now() + 10s));
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(ClassOf(found.status()), ErrorClass::kConnectFailed);
  EXPECT_THAT(MessageOf(found.status()), StartsWith("resolve no name at all:9092: "));
  const auto empty = Wait(Dial(worker_, "", 9092, Clock::now() + 10s));
  EXPECT_EQ(MessageOf(empty.status()), "resolve :9092: no host is named");
}

TEST_F(DialTest, RefusedConnectionsNameAddressAndCause) {
  const std::uint16_t port = ClosedPort();
  const auto stream = Wait(Dial(worker_, "localhost", port, Clock::now() + 10s));
  ASSERT_FALSE(stream.ok());
  EXPECT_EQ(ClassOf(stream.status()), ErrorClass::kConnectFailed);
  EXPECT_THAT(MessageOf(stream.status()),
              AllOf(StartsWith("dial localhost:" + std::to_string(port)),
                    HasSubstr("Connection refused")));
}

TEST_F(DialTest, TheNextAddressIsTried) {
  Acceptor acceptor = Listen();
  const std::vector<Endpoint> endpoints{Loopback(ClosedPort()), acceptor.local_endpoint()};
  const auto stream = Wait(DialTcp(worker_, endpoints, Clock::now() + 10s));
  ASSERT_TRUE(stream.ok()) << MessageOf(stream.status());
  EXPECT_EQ((*stream)->peer().port, acceptor.local_endpoint().port());
  EXPECT_FALSE(Wait(DialTcp(worker_, std::vector<Endpoint>(), Clock::now() + 10s)).ok());
}

TEST_F(DialTest, AFullBacklogEndsAtTheDeadline) {
  // A listening socket whose queue is full answers nothing, as a machine behind a firewall.
  Acceptor acceptor(worker_.executor());
  acceptor.open(asio::ip::tcp::v4());
  acceptor.bind(Loopback(0));
  acceptor.listen(0);
  const Endpoint endpoint = acceptor.local_endpoint();
  std::vector<ByteStreamPtr> held;
  for (int i = 0; i < 8; ++i) {
    auto stream = Wait(DialTcp(worker_, std::vector<Endpoint>(1, endpoint), Clock::now() + 300ms));
    if (stream.ok()) {
      held.push_back(std::move(*stream));
      continue;
    }
    EXPECT_EQ(ClassOf(stream.status()), ErrorClass::kConnectFailed);
    EXPECT_THAT(MessageOf(stream.status()), HasSubstr("no answer in time"));
    return;
  }
  FAIL() << "a full backlog let everybody in";
}

TEST_F(DialTest, ADeadlineThatHasPassedIsKept) {
  const auto found = Wait(ResolveHost(worker_, "localhost", 9092, Clock::now() - 1s));
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(MessageOf(found.status()), HasSubstr("in time"));
}

}  // namespace
}  // namespace tidegate::net
