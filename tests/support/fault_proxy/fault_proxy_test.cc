// The proxy itself: what it passes on, and that each fault is the one that was asked for.
#include "tests/support/fault_proxy/fault_proxy.h"

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

namespace tidegate::faults {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Answers every byte with itself.
class Echo {
 public:
  Echo() : acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    thread_ = std::thread([this] { Serve(); });
  }
  ~Echo() {
    stop_ = true;
    error_code ec;
    tcp::socket last(context_);
    last.connect(acceptor_.local_endpoint(), ec);
    thread_.join();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void Serve() {
    while (!stop_) {
      error_code ec;
      tcp::socket socket(context_);
      acceptor_.accept(socket, ec);
      char buffer[4096];
      while (!ec && !stop_) {
        const std::size_t size = socket.read_some(asio::buffer(buffer), ec);
        if (!ec) asio::write(socket, asio::buffer(buffer, size), ec);
      }
    }
  }
  asio::io_context context_;
  tcp::acceptor acceptor_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct FaultProxyTest : ::testing::Test {
  FaultProxyTest() : proxy(FaultProxy::Start("127.0.0.1", echo.port())), client(context) {}
  void SetUp() override { ASSERT_NE(proxy, nullptr); }
  error_code Connect() {
    error_code ec;
    client = tcp::socket(context);
    client.connect(tcp::endpoint(asio::ip::address_v4::loopback(), proxy->port()), ec);
    return ec;
  }
  // What came back for `text`, and how the connection stood afterwards.
  std::string Say(const std::string& text, error_code& ec) {
    asio::write(client, asio::buffer(text), ec);
    std::string answer(text.size(), '\0');
    const std::size_t size = ec ? 0 : asio::read(client, asio::buffer(answer), ec);
    answer.resize(size);
    return answer;
  }
  void Armed(Way way, Fault::Unit unit, std::uint64_t after, How how) {
    Fault fault;
    fault.way = way;
    fault.unit = unit;
    fault.after = after;
    fault.how = how;
    proxy->Arm(fault);
  }

  Echo echo;
  std::unique_ptr<FaultProxy> proxy;
  asio::io_context context;
  tcp::socket client;
  error_code ec;
};

TEST_F(FaultProxyTest, PassesBytesOnAndCountsThem) {
  ASSERT_FALSE(Connect());
  EXPECT_EQ(Say("one", ec), "one");
  EXPECT_EQ(Say("three", ec), "three");
  const ProxyCounts counts = proxy->counts();
  EXPECT_EQ(counts.connections, 1u);
  EXPECT_EQ(counts.open, 1u);
  ASSERT_EQ(counts.links.size(), 1u);
  EXPECT_EQ(counts.links[0].chunks_up, 2u);
  EXPECT_EQ(counts.links[0].chunks_down, 2u);
  EXPECT_EQ(counts.links[0].bytes_up, 8u);
  EXPECT_EQ(counts.links[0].bytes_down, 8u);
}

TEST_F(FaultProxyTest, StrikesOnlyTheConnectionThatIsMeant) {
  Fault fault;
  fault.after = 1;
  fault.connection = 2;
  proxy->Arm(fault);
  ASSERT_FALSE(Connect());
  EXPECT_EQ(Say("one", ec), "one");
  ASSERT_FALSE(Connect());
  EXPECT_EQ(Say("two", ec), "");
  EXPECT_TRUE(ec);
  EXPECT_EQ(proxy->counts().links.size(), 2u);
}

TEST_F(FaultProxyTest, ResetsAtAChunkOfTheClient) {
  Armed(Way::kUp, Fault::Unit::kChunks, 2, How::kReset);
  ASSERT_FALSE(Connect());
  EXPECT_EQ(Say("first", ec), "first");
  EXPECT_EQ(Say("second", ec), "");
  EXPECT_EQ(ec, asio::error::connection_reset);
  EXPECT_EQ(proxy->counts().faults, 1u);
  ASSERT_FALSE(Connect());  // once
  EXPECT_EQ(Say("again", ec), "again");
  EXPECT_EQ(Say("and again", ec), "and again");
}

TEST_F(FaultProxyTest, EndsAfterBytesOfTheBroker) {
  Armed(Way::kDown, Fault::Unit::kBytes, 4, How::kFin);
  ASSERT_FALSE(Connect());
  EXPECT_EQ(Say("abcdef", ec), "abcd");
  EXPECT_EQ(ec, asio::error::eof);
}

TEST_F(FaultProxyTest, IsSilentUntilHealed) {
  Armed(Way::kUp, Fault::Unit::kChunks, 1, How::kSilence);
  ASSERT_FALSE(Connect());
  asio::write(client, asio::buffer("lost", 4), ec);
  ASSERT_FALSE(ec);
  while (proxy->counts().faults == 0) std::this_thread::yield();
  EXPECT_EQ(proxy->counts().open, 1u);
  EXPECT_EQ(client.available(), 0u);
  proxy->Heal();
  char byte = 0;
  asio::read(client, asio::buffer(&byte, 1), ec);
  EXPECT_EQ(ec, asio::error::connection_reset);
  ASSERT_FALSE(Connect());
  EXPECT_EQ(Say("back", ec), "back");
}

TEST_F(FaultProxyTest, CutsRefusesAndComesBackOnThePort) {
  ASSERT_FALSE(Connect());
  EXPECT_EQ(Say("x", ec), "x");
  proxy->Refuse(true);
  proxy->Cut(How::kReset);
  EXPECT_EQ(Say("y", ec), "");
  EXPECT_TRUE(ec);
  EXPECT_EQ(Connect(), asio::error::connection_refused);
  EXPECT_EQ(proxy->counts().open, 0u);
  proxy->Heal();
  ASSERT_FALSE(Connect());
  EXPECT_EQ(Say("z", ec), "z");
}

TEST_F(FaultProxyTest, DelaysEveryChunk) {
  ASSERT_FALSE(Connect());
  proxy->Delay(std::chrono::milliseconds(40));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(Say("slow", ec), "slow");
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(80));
}

}  // namespace
}  // namespace tidegate::faults
