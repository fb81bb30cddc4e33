// TcpStream over a socket pair: the kernel's buffers, no network.
#include "server/net/tcp_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <vector>

#include "server/net/worker.h"

namespace tidegate::net {
namespace {

struct Notified : WritableListener {
  void OnWritable(ErrorCode error) override {
    ++count;
    ec = error;
  }
  int count = 0;
  ErrorCode ec;
};

struct Readable : ReadableListener {
  void OnReadable(ErrorCode) override { ++count; }
  int count = 0;
};

class TcpStreamTest : public ::testing::Test {
 protected:
  TcpStreamTest() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    TcpSocket socket(worker_.context());
    socket.assign(asio::ip::tcp::v4(), fds[0]);
    stream_ = std::make_unique<TcpStream>(std::move(socket), Peer());
    other_ = fds[1];
  }
  ~TcpStreamTest() override {
    if (other_ >= 0) ::close(other_);
  }
  void Pump() {
    worker_.context().restart();
    while (worker_.context().poll() > 0) {
    }
  }
  std::string Drain() {
    std::string all;
    char buffer[65536];
    for (ssize_t n; (n = ::read(other_, buffer, sizeof(buffer))) > 0;) {
      all.append(buffer, static_cast<std::size_t>(n));
    }
    return all;
  }
  std::size_t FillKernel() {
    const std::string block(65536, 'f');
    const asio::const_buffer buffer(block.data(), block.size());
    std::size_t total = 0;
    for (;;) {
      ErrorCode ec;
      const std::size_t sent =
          stream_->TryWrite(std::span<const asio::const_buffer>(&buffer, 1), ec);
      EXPECT_FALSE(ec);
      if (sent == 0) return total;
      total += sent;
    }
  }
  static Task<void> Read(ByteStream& stream, std::string& into, ErrorCode& ec, bool& done) {
    std::string buffer(100, '\0');
    const std::span<char> space(buffer);
    const IoResult io = co_await stream.ReadSome(space);
    into = buffer.substr(0, io.bytes);
    ec = io.ec;
    done = true;
  }
  static Task<void> Wait(ByteStream& stream, ErrorCode& ec, bool& done) {
    ec = co_await stream.WaitReadable();
    done = true;
  }
  static Task<void> Write(ByteStream& stream, std::vector<std::string> parts, bool& done) {
    std::vector<asio::const_buffer> buffers;
    for (const std::string& part : parts) buffers.emplace_back(part.data(), part.size());
    const ErrorCode ec = co_await stream.WriteAll(buffers);
    EXPECT_FALSE(ec);
    done = true;
  }

  Worker worker_{0, 0};
  std::unique_ptr<TcpStream> stream_;
  int other_ = -1;
  std::string text_;
  ErrorCode ec_;
  bool done_ = false;
};

TEST_F(TcpStreamTest, ReadsWhatComesAndTheEnd) {
  worker_.Spawn("read", Read(*stream_, text_, ec_, done_));
  Pump();
  EXPECT_FALSE(done_);
  ASSERT_EQ(::write(other_, "abc", 3), 3);
  Pump();
  EXPECT_EQ(text_, "abc");
  ::close(std::exchange(other_, -1));
  worker_.Spawn("read", Read(*stream_, text_, ec_, done_));
  Pump();
  EXPECT_EQ(ec_, asio::error::eof);
}

TEST_F(TcpStreamTest, WaitReadableTakesNothing) {
  worker_.Spawn("wait", Wait(*stream_, ec_, done_));
  Pump();
  EXPECT_FALSE(done_);
  ASSERT_EQ(::write(other_, "abc", 3), 3);
  Pump();
  EXPECT_TRUE(done_);
  worker_.Spawn("read", Read(*stream_, text_, ec_, done_));
  Pump();
  EXPECT_EQ(text_, "abc");
}

TEST_F(TcpStreamTest, CancelReadLeavesTheStreamUsable) {
  worker_.Spawn("read", Read(*stream_, text_, ec_, done_));
  Pump();
  stream_->CancelRead();
  Pump();
  EXPECT_EQ(ec_, asio::error::operation_aborted);
  ASSERT_EQ(::write(other_, "abc", 3), 3);
  worker_.Spawn("read", Read(*stream_, text_, ec_, done_));
  Pump();
  EXPECT_EQ(text_, "abc");
}

TEST_F(TcpStreamTest, WriteAllSendsManyBuffersInOrder) {
  std::vector<std::string> parts;
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    parts.push_back(std::string(5000, static_cast<char>('a' + i % 26)) + (i % 7 == 0 ? "" : "|"));
    if (i % 10 == 0) parts.emplace_back();  // empty ones too
  }
  for (const std::string& part : parts) expected += part;
  worker_.Spawn("write", Write(*stream_, parts, done_));
  Pump();
  EXPECT_FALSE(done_);  // more than the kernel takes at once
  std::string all;
  for (int i = 0; i < 1000 && !done_; ++i) {
    all += Drain();
    Pump();
  }
  all += Drain();
  EXPECT_TRUE(done_);
  EXPECT_EQ(all, expected);
}

TEST_F(TcpStreamTest, NotifyWritableFiresOnceWhenThereIsRoom) {
  FillKernel();
  Notified notified;
  stream_->NotifyWritable(notified);
  Pump();
  EXPECT_EQ(notified.count, 0);
  Drain();
  Pump();
  EXPECT_EQ(notified.count, 1);
  EXPECT_FALSE(notified.ec);
}

TEST_F(TcpStreamTest, CloseTellsTheListenerAndDestructionDoesNot) {
  FillKernel();
  Notified notified;
  stream_->NotifyWritable(notified);
  stream_->Close();
  Pump();
  EXPECT_EQ(notified.count, 1);
  EXPECT_EQ(notified.ec, asio::error::operation_aborted);
}

TEST_F(TcpStreamTest, ADestroyedStreamCallsNobody) {
  FillKernel();
  Notified notified;
  stream_->NotifyWritable(notified);
  stream_.reset();
  Pump();
  EXPECT_EQ(notified.count, 0);
}

TEST_F(TcpStreamTest, WritingToAClosedPeerIsAnErrorNotASignal) {
  ::close(std::exchange(other_, -1));
  const asio::const_buffer buffer("x", 1);
  ErrorCode ec;
  stream_->TryWrite(std::span<const asio::const_buffer>(&buffer, 1), ec);
  EXPECT_TRUE(ec);
}

TEST_F(TcpStreamTest, AWaitThatWasCancelledIsNotAnsweredToTheNext) {
  Readable first;
  Readable second;
  ASSERT_TRUE(stream_->NotifyReadable(first));
  stream_->CancelRead();
  ASSERT_TRUE(stream_->NotifyReadable(second));
  Pump();
  EXPECT_EQ(first.count, 0);
  EXPECT_EQ(second.count, 0);
  ASSERT_EQ(::write(other_, "x", 1), 1);
  Pump();
  EXPECT_EQ(first.count, 0);
  EXPECT_EQ(second.count, 1);
}

}  // namespace
}  // namespace tidegate::net
