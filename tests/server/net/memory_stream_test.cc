#include "server/net/memory_stream.h"

#include <gtest/gtest.h>

#include <boost/asio/error.hpp>

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

class MemoryStreamTest : public ::testing::Test {
 protected:
  void Pump() {
    worker_.context().restart();
    while (worker_.context().poll() > 0) {
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
  std::size_t TryWrite(std::string_view text, ErrorCode& ec) {
    const asio::const_buffer buffer(text.data(), text.size());
    return pair_.first->TryWrite(std::span<const asio::const_buffer>(&buffer, 1), ec);
  }

  Worker worker_{0, 0};
  MemoryStream::Pair pair_ = MemoryStream::MakePair(worker_.executor(), 10);
  std::string text_;
  ErrorCode ec_;
  bool done_ = false;
};

TEST_F(MemoryStreamTest, AReaderWaitsForBytes) {
  worker_.Spawn("read", Read(*pair_.second, text_, ec_, done_));
  Pump();
  EXPECT_FALSE(done_);
  ErrorCode ec;
  EXPECT_EQ(TryWrite("0123456789abc", ec), 10U);  // the capacity
  EXPECT_EQ(TryWrite("x", ec), 0U);
  EXPECT_FALSE(ec);
  Pump();
  EXPECT_EQ(text_, "0123456789");
}

TEST_F(MemoryStreamTest, TheWriterIsToldOnceWhenThereIsRoom) {
  ErrorCode ec;
  TryWrite("0123456789", ec);
  Notified notified;
  pair_.first->NotifyWritable(notified);
  Pump();
  EXPECT_EQ(notified.count, 0);
  worker_.Spawn("read", Read(*pair_.second, text_, ec_, done_));
  Pump();
  EXPECT_EQ(notified.count, 1);
  EXPECT_FALSE(notified.ec);
}

TEST_F(MemoryStreamTest, CancelReadLeavesTheStreamUsable) {
  worker_.Spawn("read", Read(*pair_.second, text_, ec_, done_));
  Pump();
  pair_.second->CancelRead();
  Pump();
  EXPECT_TRUE(done_);
  EXPECT_EQ(ec_, asio::error::operation_aborted);
  ErrorCode ec;
  TryWrite("abc", ec);
  worker_.Spawn("read", Read(*pair_.second, text_, ec_, done_));
  Pump();
  EXPECT_EQ(text_, "abc");
}

TEST_F(MemoryStreamTest, CloseGivesTheRestThenEof) {
  ErrorCode ec;
  TryWrite("rest", ec);
  Notified notified;
  pair_.second->NotifyWritable(notified);
  pair_.first->Close();
  worker_.Spawn("read", Read(*pair_.second, text_, ec_, done_));
  Pump();
  EXPECT_EQ(text_, "rest");
  worker_.Spawn("read", Read(*pair_.second, text_, ec_, done_));
  Pump();
  EXPECT_EQ(ec_, asio::error::eof);
  EXPECT_EQ(notified.count, 1);
  EXPECT_EQ(TryWrite("x", ec), 0U);
  EXPECT_EQ(ec, asio::error::operation_aborted);
}

}  // namespace
}  // namespace tidegate::net
