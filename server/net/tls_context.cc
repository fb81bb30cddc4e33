#include "server/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <atomic>
#include <ctime>
#include <mutex>

#include "server/base/log.h"
#include "server/net/close_timer.h"
#include "server/net/tls_stream.h"

namespace tidegate::net {

namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::shared_ptr<SSL_CTX>;

std::string LastError() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason != nullptr ? reason : "not readable";
}

int ChooseAlpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
               unsigned in_size, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int result =
      SSL_select_next_proto(&chosen, out_size, kOurs, sizeof(kOurs) - 1, in, in_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int AcceptServerName(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

int VerifyModeOf(ClientCertificates mode) {
  switch (mode) {
    case ClientCertificates::kNone: return SSL_VERIFY_NONE;
    case ClientCertificates::kOptional: return SSL_VERIFY_PEER;
    case ClientCertificates::kRequired: return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_NONE;
}

StatusOr<ContextPtr> MakeContext(const TlsOptions& options) {
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(TLS_server_method()), FreeContext());
  if (!context) return Internal("make a TLS context: " + LastError());
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(raw, ChooseAlpn, nullptr);
  SSL_CTX_set_tlsext_servername_callback(raw, AcceptServerName);
  static constexpr unsigned char kSession[] = "tidegate";
  SSL_CTX_set_session_id_context(raw, kSession, sizeof(kSession) - 1);
  if (SSL_CTX_use_certificate_chain_file(raw, options.certificate_file.c_str()) != 1) {
    return InvalidArgument("read the certificate " + options.certificate_file + ": " +
                           LastError());
  }
  if (SSL_CTX_use_PrivateKey_file(raw, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return InvalidArgument("read the private key " + options.key_file + ": " + LastError());
  }
  if (SSL_CTX_check_private_key(raw) != 1) {
    return InvalidArgument("use the certificate " + options.certificate_file +
                           ": the private key is not its own");
  }
  if (options.client_certificates != ClientCertificates::kNone) {
    const char* file = options.client_ca_file.c_str();
    if (SSL_CTX_load_verify_locations(raw, file, nullptr) != 1) {
      return InvalidArgument("read the client CA " + options.client_ca_file + ": " + LastError());
    }
    SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(file));
    SSL_CTX_set_verify(raw, VerifyModeOf(options.client_certificates), nullptr);
  }
  return context;
}

std::int64_t NotAfter(SSL_CTX* context) {
  const X509* leaf = SSL_CTX_get0_certificate(context);
  std::tm parts{};
  if (leaf == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &parts) != 1) return 0;
  return static_cast<std::int64_t>(timegm(&parts));
}

// What tells that a file was replaced: time of change, size, inode.
std::string StampOf(const std::string& path) {
  struct stat info {};
  if (path.empty() || ::stat(path.c_str(), &info) != 0) return "-";
  return std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + "/" +
         std::to_string(info.st_size) + "/" + std::to_string(info.st_ino);
}

std::string StampOf(const TlsOptions& options) {
  return StampOf(options.certificate_file) + " " + StampOf(options.key_file) + " " +
         StampOf(options.client_ca_file);
}

}  // namespace

struct TlsContext::Impl {
  TlsOptions options;
  std::mutex mutex;     // taken once per handshake, for the pointer alone
  ContextPtr current;
  std::string stamp;    // of the files in use, or of those that were refused last
  std::atomic<std::int64_t> expires_at{0};
  std::atomic<std::uint64_t> failures{0};

  ContextPtr Current() {
    const std::lock_guard<std::mutex> lock(mutex);
    return current;
  }
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

StatusOr<std::shared_ptr<TlsContext>> TlsContext::Create(TlsOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->stamp = StampOf(options);
  auto context = MakeContext(options);
  if (!context.ok()) return context.status();
  impl->options = std::move(options);
  impl->current = std::move(*context);
  impl->expires_at = NotAfter(impl->current.get());
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

Status TlsContext::Refresh() {
  std::string stamp = StampOf(impl_->options);
  if (stamp == impl_->stamp) return OkStatus();
  auto context = MakeContext(impl_->options);
  impl_->stamp = std::move(stamp);  // a bad file is tried again only when it changes again
  if (!context.ok()) {
    Log(LogLevel::kError, "tls.reload_refused", {{"cause", MessageOf(context.status())}});
    return context.status();
  }
  impl_->expires_at = NotAfter(context->get());
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    impl_->current = std::move(*context);
  }
  Log(LogLevel::kInfo, "tls.reloaded", {{"certificate", impl_->options.certificate_file}});
  return OkStatus();
}

std::int64_t TlsContext::expires_at() const { return impl_->expires_at; }
std::uint64_t TlsContext::handshake_failures() const { return impl_->failures; }

Task<StatusOr<ByteStreamPtr>> TlsContext::Accept(Worker& worker, ByteStreamPtr stream,
                                                 std::chrono::milliseconds limit) {
  const ContextPtr context = impl_->Current();
  SSL* ssl = SSL_new(context.get());  // holds a reference to its context
  if (ssl == nullptr) co_return Internal("make a TLS session: out of memory");
  SSL_set_accept_state(ssl);
  auto secured = std::make_unique<TlsStream>(std::move(stream), ssl);
  CloseTimer timer(*secured);
  worker.wheel().Arm(timer, limit);
  Status status = co_await secured->Handshake();
  timer.Cancel();
  if (!status.ok()) {
    impl_->failures.fetch_add(1, std::memory_order_relaxed);
    secured->Close();
    co_return status;
  }
  ByteStreamPtr result = std::move(secured);
  co_return result;
}

}  // namespace tidegate::net
