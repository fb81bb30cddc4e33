// A bidirectional stream of bytes: TCP, TLS, or memory (tests). Keeps templates out of everything
// above: TLS is instantiated once (DESIGN §4).
//
// Thread: the worker that owns it, for life. Owner: the connection (unique_ptr).
// Fails: by ErrorCode; end of stream is asio::error::eof. Close() makes pending operations complete
// with operation_aborted; it is idempotent and never fails.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "server/base/task.h"

namespace tidegate::net {

// Who is on the other side. `tls` facts are empty on plain connections.
struct Peer {
  asio::ip::address address;
  std::uint16_t port = 0;
  bool tls = false;
  std::string server_name;         // SNI, lower case
  std::string certificate_sha256;  // hex of the client certificate's DER, when one was verified
};

struct IoResult {
  IoResult() = default;
  IoResult(ErrorCode error, std::size_t size) : ec(error), bytes(size) {}
  ErrorCode ec;
  std::size_t bytes = 0;
};

// Called once when the stream can take bytes again, or has failed. Plain call, no coroutine: the
// fan-out path has one of these per slow subscriber.
class WritableListener {
 public:
  virtual void OnWritable(ErrorCode ec) = 0;

 protected:
  ~WritableListener() = default;
};

// The same for reading: a stream whose client has nothing to say has one of these and no coroutine.
class ReadableListener {
 public:
  virtual void OnReadable(ErrorCode ec) = 0;

 protected:
  ~ReadableListener() = default;
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;

  // At least one byte, or an error. At most one read (or WaitReadable) at a time.
  virtual Task<IoResult> ReadSome(std::span<char> buffer) = 0;
  // Completes when ReadSome would not wait: an idle connection holds no buffer meanwhile.
  virtual Task<ErrorCode> WaitReadable() = 0;
  // One call of `listener` when ReadSome would not wait, or has failed; none after CancelRead.
  // False: not this kind of stream, WaitReadable must do. Not beside another read.
  virtual bool NotifyReadable(ReadableListener& listener) {
    (void)listener;
    return false;
  }
  // A pending ReadSome or WaitReadable completes with operation_aborted; the stream stays usable.
  // Not while NotifyWritable is pending.
  virtual void CancelRead() = 0;

  // Writes everything. At most one writer (WriteAll or TryWrite user) at a time.
  virtual Task<ErrorCode> WriteAll(std::span<const asio::const_buffer> buffers) = 0;
  // Sends what the kernel takes now and returns how many bytes that was; `ec` is set on failure,
  // not when nothing fits (would_block returns 0 and no error). At most 64 buffers are looked at.
  virtual std::size_t TryWrite(std::span<const asio::const_buffer> buffers, ErrorCode& ec) = 0;
  // One call of `listener` when TryWrite is worth trying again. At most one pending.
  virtual void NotifyWritable(WritableListener& listener) = 0;

  // Sends FIN (TLS: close_notify first) after what was written; reading goes on.
  virtual void ShutdownWrite() = 0;
  virtual void Close() = 0;

  virtual const Peer& peer() const = 0;
};

using ByteStreamPtr = std::unique_ptr<ByteStream>;

}  // namespace tidegate::net
