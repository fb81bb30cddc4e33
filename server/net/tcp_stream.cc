#include "server/net/tcp_stream.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <cerrno>
#include <vector>

namespace tidegate::net {

namespace {

// Awaited directly: no coroutine frame of its own per operation, as use_awaitable would have.
constexpr asio::as_tuple_t<asio::deferred_t> kDirectTuple{asio::deferred};

constexpr std::size_t kGatherMax = 64;  // Asio's own limit; beyond it the cost per buffer is flat

}  // namespace

TcpStream::TcpStream(TcpSocket socket, Peer peer)
    : socket_(std::move(socket)), peer_(std::move(peer)) {
  ErrorCode ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

TcpStream::~TcpStream() {
  if (waits_) waits_->writer = nullptr;  // nobody is called after the stream has gone
  if (waits_) waits_->reader = nullptr;
}

TcpStream::Waits& TcpStream::EnsureWaits() {
  if (!waits_) waits_ = std::make_shared<Waits>();
  return *waits_;
}

Task<IoResult> TcpStream::ReadSome(std::span<char> buffer) {
  const asio::mutable_buffer target(buffer.data(), buffer.size());
  auto [ec, size] = co_await socket_.async_read_some(target, kDirectTuple);
  co_return IoResult(ec, size);
}

Task<ErrorCode> TcpStream::WaitReadable() {
  auto [ec] = co_await socket_.async_wait(TcpSocket::wait_read, kDirectTuple);
  co_return ec;
}

bool TcpStream::NotifyReadable(ReadableListener& listener) {
  EnsureWaits().reader = &listener;
  const std::uint32_t number = ++waits_->reads;
  socket_.async_wait(TcpSocket::wait_read, [waits = waits_, number](const ErrorCode& ec) {
    if (waits->reads != number) return;
    if (ReadableListener* target = std::exchange(waits->reader, nullptr)) target->OnReadable(ec);
  });
  return true;
}

void TcpStream::CancelRead() {
  if (waits_) waits_->reader = nullptr;
  ErrorCode ignored;
  socket_.cancel(ignored);
}

Task<ErrorCode> TcpStream::WriteAll(std::span<const asio::const_buffer> buffers) {
  std::vector<asio::const_buffer> rest;  // made only when the kernel does not take all at once
  std::span<const asio::const_buffer> left = buffers;
  for (;;) {
    ErrorCode ec;
    std::size_t sent = TryWrite(left, ec);
    if (ec) co_return ec;
    std::size_t done = 0;
    while (done < left.size() && sent >= left[done].size()) sent -= left[done++].size();
    if (done == left.size()) co_return ErrorCode();
    if (sent > 0 || rest.empty()) {
      std::vector<asio::const_buffer> next(left.begin() + static_cast<std::ptrdiff_t>(done),
                                           left.end());
      next.front() += sent;
      rest = std::move(next);
      left = rest;
    } else {
      left = left.subspan(done);
    }
    // More than one gather's worth: go on without asking whether there is room.
    if (done == kGatherMax) continue;
    auto [wait_ec] = co_await socket_.async_wait(TcpSocket::wait_write, kDirectTuple);
    if (wait_ec) co_return wait_ec;
  }
}

std::size_t TcpStream::TryWrite(std::span<const asio::const_buffer> buffers, ErrorCode& ec) {
  std::array<iovec, kGatherMax> vectors;
  std::size_t count = 0;
  for (const asio::const_buffer& buffer : buffers.first(std::min(buffers.size(), kGatherMax))) {
    if (buffer.size() == 0) continue;
    vectors[count++] = iovec{const_cast<void*>(buffer.data()), buffer.size()};
  }
  if (count == 0) return 0;
  const int fd = socket_.native_handle();
  for (;;) {
    ssize_t sent;
    if (count == 1) {
      sent = ::send(fd, vectors[0].iov_base, vectors[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
      msghdr message{};
      message.msg_iov = vectors.data();
      message.msg_iovlen = count;
      sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      ec = ErrorCode(errno, boost::system::system_category());
    }
    return 0;
  }
}

void TcpStream::NotifyWritable(WritableListener& listener) {
  EnsureWaits().writer = &listener;
  socket_.async_wait(TcpSocket::wait_write, [waits = waits_](const ErrorCode& ec) {
    if (WritableListener* target = std::exchange(waits->writer, nullptr)) target->OnWritable(ec);
  });
}

void TcpStream::ShutdownWrite() {
  ErrorCode ignored;
  socket_.shutdown(TcpSocket::shutdown_send, ignored);
}

void TcpStream::Close() {
  ErrorCode ignored;
  socket_.close(ignored);
}

}  // namespace tidegate::net
