// ByteStream over a TCP socket with a concrete executor.
//
// Thread: the worker of its socket. Owner: the connection. Fails: see byte_stream.h.
// Reads go through Asio, whose reactor reads without an extra system call once data is there;
// writes go straight to sendmsg(2): one call, no allocation, no coroutine.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "server/net/byte_stream.h"

namespace tidegate::net {

using TcpSocket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

class TcpStream final : public ByteStream {
 public:
  // Sets TCP_NODELAY; `peer` is what peer() returns.
  TcpStream(TcpSocket socket, Peer peer);
  ~TcpStream() override;

  Task<IoResult> ReadSome(std::span<char> buffer) override;
  Task<ErrorCode> WaitReadable() override;
  bool NotifyReadable(ReadableListener& listener) override;
  void CancelRead() override;
  Task<ErrorCode> WriteAll(std::span<const asio::const_buffer> buffers) override;
  std::size_t TryWrite(std::span<const asio::const_buffer> buffers, ErrorCode& ec) override;
  void NotifyWritable(WritableListener& listener) override;
  void ShutdownWrite() override;
  void Close() override;
  const Peer& peer() const override { return peer_; }

  TcpSocket& socket() { return socket_; }

 private:
  // Outlives the stream while a wait is in the reactor; made at the first Notify….
  struct Waits {
    WritableListener* writer = nullptr;
    ReadableListener* reader = nullptr;
    std::uint32_t reads = 0;  // a wait that was cancelled may be answered after the next began
  };
  Waits& EnsureWaits();

  TcpSocket socket_;
  std::shared_ptr<Waits> waits_;
  Peer peer_;
};

}  // namespace tidegate::net
