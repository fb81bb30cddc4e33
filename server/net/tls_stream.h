// The TLS layer over another ByteStream. OpenSSL types stay in the .cc files: this header is for
// tls_context.cc, tls_client.cc and tests.
//
// Thread: the worker of the inner stream. Owner: the connection. Fails: as the inner stream; a
// broken record or a missing close_notify is an error, not an end of stream; an alert that the peer
// sent is told as such (tls_alert.h).
#pragma once

#include <memory>

#include "server/base/status.h"
#include "server/net/byte_stream.h"

struct ssl_st;

namespace tidegate::net {

class TlsStream final : public ByteStream, private WritableListener {
 public:
  // Takes the SSL object (state set, no BIOs).
  TlsStream(ByteStreamPtr inner, ssl_st* ssl);
  ~TlsStream() override;

  // Runs the handshake; afterwards peer() tells what was agreed.
  Task<Status> Handshake();
  // Why it failed, as OpenSSL's error code; 0 when the stream below failed.
  unsigned long handshake_error() const { return handshake_error_; }

  Task<IoResult> ReadSome(std::span<char> buffer) override;
  Task<ErrorCode> WaitReadable() override;
  void CancelRead() override { inner_->CancelRead(); }
  Task<ErrorCode> WriteAll(std::span<const asio::const_buffer> buffers) override;
  std::size_t TryWrite(std::span<const asio::const_buffer> buffers, ErrorCode& ec) override;
  void NotifyWritable(WritableListener& listener) override;
  void ShutdownWrite() override;
  void Close() override;
  const Peer& peer() const override { return peer_; }

 private:
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };

  // One read of ciphertext into the SSL object.
  Task<ErrorCode> FeedOnce();
  // Moves what the SSL object wants to send towards the inner stream, as far as that takes it.
  void Flush(ErrorCode& ec);
  Task<ErrorCode> FlushAll();
  void CollectOutput();
  void WatchInner();
  void OnWritable(ErrorCode ec) override;
  void DescribePeer();
  // Encrypts at most one record; returns how many plain bytes went in.
  std::size_t Encrypt(std::string_view plain, ErrorCode& ec);

  ByteStreamPtr inner_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  std::string pending_;             // ciphertext that the inner stream did not take yet
  std::size_t pending_sent_ = 0;
  WritableListener* listener_ = nullptr;
  bool watching_ = false;           // inner_->NotifyWritable is pending
  bool writing_all_ = false;        // FlushAll waits for the inner stream
  bool shut_ = false;
  bool fin_due_ = false;            // FIN once pending_ is empty
  unsigned long handshake_error_ = 0;
  Peer peer_;
};

}  // namespace tidegate::net
