#include "server/net/memory_stream.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

namespace tidegate::net {

struct MemoryStream::Pipe : std::enable_shared_from_this<MemoryStream::Pipe> {
  Pipe(Executor executor, std::size_t size)
      : capacity(size), readable(executor, TimePoint::max()),
        writable(executor, TimePoint::max()) {}

  void Readable() { readable.cancel(); }
  void Writable() {
    writable.cancel();
    if (listener == nullptr) return;
    asio::post(writable.get_executor(), [self = shared_from_this()] {
      if (WritableListener* target = std::exchange(self->listener, nullptr)) {
        target->OnWritable(self->WriteError());
      }
    });
  }
  std::size_t room() const { return data.size() >= capacity ? 0 : capacity - data.size(); }
  ErrorCode WriteError() const {
    if (writer_closed) return asio::error::operation_aborted;
    return reader_closed ? ErrorCode(asio::error::broken_pipe) : ErrorCode();
  }

  std::string data;
  std::size_t capacity;
  bool finished = false;       // the writer sent its FIN
  bool writer_closed = false;  // the writing side was closed
  bool reader_closed = false;
  WritableListener* listener = nullptr;
  // Events: timers that never expire and are cancelled to wake who waits.
  Timer readable;
  Timer writable;
};

MemoryStream::Pair MemoryStream::MakePair(Executor executor, std::size_t capacity, Peer peer) {
  auto forth = std::make_shared<Pipe>(executor, capacity);
  auto back = std::make_shared<Pipe>(executor, capacity);
  Pair pair;
  pair.first.reset(new MemoryStream(back, forth, std::move(peer)));
  pair.second.reset(new MemoryStream(forth, back, Peer()));
  return pair;
}

MemoryStream::MemoryStream(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, Peer peer)
    : in_(std::move(in)), out_(std::move(out)), peer_(std::move(peer)) {}

MemoryStream::~MemoryStream() {
  Close();
  out_->listener = nullptr;
}

Task<ErrorCode> MemoryStream::WaitReadable() {
  read_cancelled_ = false;
  while (in_->data.empty() && !in_->finished && !closed_) {
    auto pipe = in_;
    co_await pipe->readable.async_wait(kTuple);
    if (read_cancelled_) co_return ErrorCode(asio::error::operation_aborted);
  }
  co_return closed_ ? ErrorCode(asio::error::operation_aborted) : ErrorCode();
}

Task<IoResult> MemoryStream::ReadSome(std::span<char> buffer) {
  const ErrorCode ec = co_await WaitReadable();
  if (ec) co_return IoResult(ec, 0);
  const std::size_t size = std::min(buffer.size(), in_->data.size());
  if (size == 0) co_return IoResult(asio::error::eof, 0);
  std::copy_n(in_->data.data(), size, buffer.data());
  in_->data.erase(0, size);
  in_->Writable();
  co_return IoResult(ErrorCode(), size);
}

void MemoryStream::CancelRead() {
  read_cancelled_ = true;
  in_->Readable();
}

Task<ErrorCode> MemoryStream::WriteAll(std::span<const asio::const_buffer> buffers) {
  for (asio::const_buffer buffer : buffers) {
    while (buffer.size() > 0) {
      ErrorCode ec;
      const std::size_t sent = TryWrite(std::span<const asio::const_buffer>(&buffer, 1), ec);
      if (ec) co_return ec;
      buffer += sent;
      if (sent > 0) continue;
      auto pipe = out_;
      co_await pipe->writable.async_wait(kTuple);
    }
  }
  co_return ErrorCode();
}

std::size_t MemoryStream::TryWrite(std::span<const asio::const_buffer> buffers, ErrorCode& ec) {
  ec = out_->WriteError();
  if (!ec && out_->finished) ec = asio::error::broken_pipe;
  if (ec) return 0;
  std::size_t total = 0;
  const auto looked_at = buffers.first(std::min<std::size_t>(64, buffers.size()));
  for (const asio::const_buffer& buffer : looked_at) {
    const std::size_t size = std::min(buffer.size(), out_->room());
    out_->data.append(static_cast<const char*>(buffer.data()), size);
    total += size;
    if (size < buffer.size()) break;
  }
  if (total > 0) out_->Readable();
  return total;
}

void MemoryStream::NotifyWritable(WritableListener& listener) {
  out_->listener = &listener;
  if (out_->room() > 0 || out_->WriteError()) out_->Writable();
}

void MemoryStream::ShutdownWrite() {
  out_->finished = true;
  out_->Readable();
}

void MemoryStream::Close() {
  if (closed_) return;
  closed_ = true;
  out_->finished = true;
  out_->writer_closed = true;
  in_->reader_closed = true;
  out_->Readable();
  in_->Readable();
  out_->Writable();
  in_->Writable();
}

void MemoryStream::set_capacity(std::size_t bytes) {
  out_->capacity = bytes;
  if (out_->room() > 0) out_->Writable();
}

std::size_t MemoryStream::readable() const { return in_->data.size(); }

bool MemoryStream::finished() const { return in_->finished; }

}  // namespace tidegate::net
