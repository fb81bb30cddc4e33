// Two ByteStreams joined in memory: what one writes the other reads. For tests.
//
// Each direction holds at most `capacity` bytes: a writer waits, which is how tests get
// back-pressure without sockets. Thread: one io_context for both. Fails: as TCP does (eof after the
// other side's ShutdownWrite or Close, broken_pipe when writing to a closed side).
#pragma once

#include <utility>

#include "server/net/byte_stream.h"

namespace tidegate::net {

class MemoryStream final : public ByteStream {
 public:
  using Pair = std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>>;
  // `first.peer()` is `peer`; the other side's peer is the unspecified address.
  static Pair MakePair(Executor executor, std::size_t capacity = 64 * 1024, Peer peer = Peer());

  ~MemoryStream() override;

  Task<IoResult> ReadSome(std::span<char> buffer) override;
  Task<ErrorCode> WaitReadable() override;
  void CancelRead() override;
  Task<ErrorCode> WriteAll(std::span<const asio::const_buffer> buffers) override;
  std::size_t TryWrite(std::span<const asio::const_buffer> buffers, ErrorCode& ec) override;
  void NotifyWritable(WritableListener& listener) override;
  void ShutdownWrite() override;
  void Close() override;
  const Peer& peer() const override { return peer_; }

  // The capacity of the direction that this side writes to.
  void set_capacity(std::size_t bytes);
  // Bytes that this side could read now.
  std::size_t readable() const;
  // The other side has shut down its writing direction or closed.
  bool finished() const;

 private:
  struct Pipe;
  MemoryStream(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, Peer peer);

  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  bool closed_ = false;
  bool read_cancelled_ = false;
  Peer peer_;
};

}  // namespace tidegate::net
