#include "server/net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>

#include "server/base/codec.h"
#include "server/base/strings.h"
#include "server/net/tls_alert.h"

namespace tidegate::net {

namespace {

constexpr std::size_t kRecordBytes = 16 * 1024;  // the largest plain text of one record
constexpr std::size_t kReadBytes = 17 * 1024;    // one record with its overhead
// Ciphertext waiting for the kernel; beyond it TryWrite takes nothing.
constexpr std::size_t kPendingMax = 64 * 1024;

std::string OpensslError(unsigned long code, const char* fallback) {
  if (code == 0) return fallback;
  if (const ErrorCode alert = PeerAlertOf(code)) return alert.message();
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : fallback;
}

// What a failed read or write on the SSL object means to the layers above.
ErrorCode ProtocolError() {
  const ErrorCode alert = PeerAlertOf(ERR_peek_last_error());
  ERR_clear_error();
  return alert ? alert : ErrorCode(asio::error::connection_reset);
}

}  // namespace

void TlsStream::FreeSsl::operator()(ssl_st* ssl) const { SSL_free(ssl); }

TlsStream::TlsStream(ByteStreamPtr inner, ssl_st* ssl) : inner_(std::move(inner)), ssl_(ssl) {
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), -1);
  peer_ = inner_->peer();
  peer_.tls = true;
}

TlsStream::~TlsStream() = default;

Task<Status> TlsStream::Handshake() {
  for (;;) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    const int error = SSL_get_error(ssl_.get(), result);
    std::string cause;
    if (result != 1 && error != SSL_ERROR_WANT_READ) {
      handshake_error_ = ERR_peek_last_error();
      ERR_clear_error();
      cause = OpensslError(handshake_error_, "handshake failed");
    }
    const ErrorCode flushed = co_await FlushAll();  // alerts go out even when it failed
    if (result == 1) break;
    if (error != SSL_ERROR_WANT_READ) co_return Unavailable("TLS handshake: " + cause);
    if (flushed) co_return Unavailable("TLS handshake: " + flushed.message());
    const ErrorCode fed = co_await FeedOnce();
    if (fed) co_return Unavailable("TLS handshake: " + fed.message());
  }
  DescribePeer();
  co_return OkStatus();
}

void TlsStream::DescribePeer() {
  if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name)) {
    peer_.server_name = ToLower(name);
  }
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1) {
    peer_.certificate_sha256 = Hex(digest.data(), size);
  }
}

Task<ErrorCode> TlsStream::FeedOnce() {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kReadBytes);
  const std::span<char> space(buffer.get(), kReadBytes);
  const IoResult io = co_await inner_->ReadSome(space);
  if (io.ec) co_return io.ec;
  BIO_write(SSL_get_rbio(ssl_.get()), buffer.get(), static_cast<int>(io.bytes));
  co_return ErrorCode();
}

Task<IoResult> TlsStream::ReadSome(std::span<char> buffer) {
  for (;;) {
    ERR_clear_error();
    std::size_t size = 0;
    const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &size);
    if (result == 1) co_return IoResult(ErrorCode(), size);
    const int error = SSL_get_error(ssl_.get(), result);
    const bool broken = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_ZERO_RETURN;
    const ErrorCode cause = broken ? ProtocolError() : ErrorCode();
    ErrorCode ec;
    Flush(ec);  // key updates, session tickets, alerts
    if (error == SSL_ERROR_ZERO_RETURN) co_return IoResult(asio::error::eof, 0);
    if (broken) co_return IoResult(cause, 0);
    if (ec) co_return IoResult(ec, 0);
    // Without a buffer while nothing is there: an idle TLS connection keeps only its keys.
    ec = co_await inner_->WaitReadable();
    if (!ec) ec = co_await FeedOnce();
    // TCP's end without close_notify is a cut, not an end; HTTP bodies carry their own length.
    if (ec == asio::error::eof) ec = asio::error::connection_reset;
    if (ec) co_return IoResult(ec, 0);
  }
}

Task<ErrorCode> TlsStream::WaitReadable() {
  for (;;) {
    char byte;
    ERR_clear_error();
    std::size_t size = 0;
    const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &size);
    if (result == 1) co_return ErrorCode();
    if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) co_return ErrorCode();
    ErrorCode ec;
    Flush(ec);
    if (ec) co_return ec;
    ec = co_await inner_->WaitReadable();
    if (!ec) ec = co_await FeedOnce();
    if (ec == asio::error::operation_aborted) co_return ec;
    if (ec) co_return ErrorCode();  // ReadSome will report it
  }
}

void TlsStream::CollectOutput() {
  BIO* out = SSL_get_wbio(ssl_.get());
  const std::size_t size = BIO_ctrl_pending(out);
  if (size == 0) return;
  if (pending_sent_ == pending_.size()) {
    pending_.clear();
    pending_sent_ = 0;
  }
  const std::size_t before = pending_.size();
  pending_.resize(before + size);
  const int got = BIO_read(out, pending_.data() + before, static_cast<int>(size));
  pending_.resize(before + static_cast<std::size_t>(std::max(got, 0)));
}

void TlsStream::Flush(ErrorCode& ec) {
  CollectOutput();
  if (writing_all_) return;  // FlushAll is in the middle of earlier bytes and takes these next
  while (pending_sent_ < pending_.size()) {
    const asio::const_buffer rest(pending_.data() + pending_sent_,
                                  pending_.size() - pending_sent_);
    const std::size_t sent =
        inner_->TryWrite(std::span<const asio::const_buffer>(&rest, 1), ec);
    if (ec) return;
    pending_sent_ += sent;
    if (sent == 0) {
      WatchInner();
      return;
    }
  }
  std::string().swap(pending_);
  pending_sent_ = 0;
  if (std::exchange(fin_due_, false)) inner_->ShutdownWrite();
}

Task<ErrorCode> TlsStream::FlushAll() {
  CollectOutput();
  ErrorCode ec;
  while (!ec && pending_sent_ < pending_.size()) {
    const std::string out = std::exchange(pending_, std::string());
    const std::size_t from = std::exchange(pending_sent_, 0);
    const asio::const_buffer rest(out.data() + from, out.size() - from);
    const std::span<const asio::const_buffer> one(&rest, 1);
    writing_all_ = true;
    ec = co_await inner_->WriteAll(one);
    writing_all_ = false;
  }
  co_return ec;
}

std::size_t TlsStream::Encrypt(std::string_view plain, ErrorCode& ec) {
  ERR_clear_error();
  std::size_t written = 0;
  if (SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written) == 1) return written;
  ec = ProtocolError();
  return 0;
}

std::size_t TlsStream::TryWrite(std::span<const asio::const_buffer> buffers, ErrorCode& ec) {
  if (shut_) {
    ec = asio::error::broken_pipe;
    return 0;
  }
  Flush(ec);
  std::size_t total = 0;
  std::string record;  // small buffers share a record
  std::size_t index = 0;
  std::size_t offset = 0;
  const std::size_t count = std::min<std::size_t>(buffers.size(), 64);
  while (!ec && index < count && pending_.size() - pending_sent_ < kPendingMax) {
    record.clear();
    while (index < count && record.size() < kRecordBytes) {
      const auto* data = static_cast<const char*>(buffers[index].data()) + offset;
      const std::size_t left = buffers[index].size() - offset;
      const std::size_t take = std::min(left, kRecordBytes - record.size());
      record.append(data, take);
      offset += take;
      if (offset < buffers[index].size()) break;
      ++index;
      offset = 0;
    }
    if (record.empty()) break;
    // A peer that asked for short records (RFC 6066) gets several of them.
    for (std::string_view rest = record; !ec && !rest.empty();) {
      const std::size_t written = Encrypt(rest, ec);
      total += written;
      rest.remove_prefix(written);
    }
    CollectOutput();
  }
  ErrorCode flush_error;
  Flush(flush_error);
  if (!ec) ec = flush_error;
  return total;
}

Task<ErrorCode> TlsStream::WriteAll(std::span<const asio::const_buffer> buffers) {
  for (asio::const_buffer buffer : buffers) {
    while (buffer.size() > 0) {
      // What an earlier TryWrite left goes first: FlushAll takes it along.
      ErrorCode ec;
      const std::string_view plain(static_cast<const char*>(buffer.data()),
                                   std::min(buffer.size(), kRecordBytes));
      const std::size_t written = Encrypt(plain, ec);
      if (ec) co_return ec;
      buffer += written;
      ec = co_await FlushAll();
      if (ec) co_return ec;
    }
  }
  co_return ErrorCode();
}

void TlsStream::WatchInner() {
  if (std::exchange(watching_, true)) return;
  inner_->NotifyWritable(*this);
}

void TlsStream::NotifyWritable(WritableListener& listener) {
  listener_ = &listener;
  WatchInner();
}

void TlsStream::OnWritable(ErrorCode ec) {
  watching_ = false;
  if (!ec) Flush(ec);
  if (watching_) return;  // ciphertext is still waiting
  if (WritableListener* target = std::exchange(listener_, nullptr)) target->OnWritable(ec);
}

void TlsStream::ShutdownWrite() {
  if (std::exchange(shut_, true)) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  fin_due_ = true;
  ErrorCode ignored;
  Flush(ignored);
}

void TlsStream::Close() {
  if (!std::exchange(shut_, true)) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    ErrorCode ignored;
    Flush(ignored);
  }
  inner_->Close();
}

}  // namespace tidegate::net
