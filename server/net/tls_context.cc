#include "server/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <mutex>

#include "server/base/log.h"
#include "server/net/close_timer.h"
#include "server/net/tls_names.h"
#include "server/net/tls_setup.h"
#include "server/net/tls_stream.h"

namespace tidegate::net {

namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, FreeContext>;

// One context per certificate, and who is meant by a name. Immutable: a reload makes a new one.
struct Contexts {
  std::vector<ContextPtr> all;
  TlsNames names;
  std::int64_t expires_at = 0;
};

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

// Runs within the handshake; `argument` is the Contexts, which Accept holds meanwhile.
int ChooseByServerName(SSL* ssl, int*, void* argument) {
  const auto& contexts = *static_cast<const Contexts*>(argument);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const auto index = name == nullptr ? std::nullopt : contexts.names.Find(name);
  if (index) SSL_set_SSL_CTX(ssl, contexts.all[*index].get());
  return SSL_TLSEXT_ERR_OK;
}

int VerifyModeOf(ClientCertificates mode) {
  switch (mode) {
    case ClientCertificates::kNone: return SSL_VERIFY_NONE;
    case ClientCertificates::kOptional: return SSL_VERIFY_PEER;
    case ClientCertificates::kRequired: return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_NONE;
}

std::int64_t NotAfter(const X509* leaf) {
  std::tm parts{};
  if (leaf == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &parts) != 1) return 0;
  return static_cast<std::int64_t>(timegm(&parts));
}

StatusOr<ContextPtr> MakeContext(const TlsServerOptions& options,
                                 const TlsServerIdentity& identity) {
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return Internal("make a TLS context: " + TakeOpensslError("out of memory"));
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, options.only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(raw, ChooseAlpn, nullptr);
  static constexpr unsigned char kSession[] = "tidegate";
  SSL_CTX_set_session_id_context(raw, kSession, sizeof(kSession) - 1);
  TG_RETURN_IF_ERROR(UseIdentity(raw, identity.chain_pem, identity.key_pem));
  if (options.client_certificates != ClientCertificates::kNone) {
    TG_RETURN_IF_ERROR(UseTrust(raw, options.client_trust_pem, true));
    SSL_CTX_set_verify(raw, VerifyModeOf(options.client_certificates), nullptr);
  }
  return context;
}

StatusOr<std::shared_ptr<const Contexts>> MakeContexts(const TlsServerOptions& options) {
  if (options.identities.empty()) return InvalidArgument("TLS needs at least one certificate");
  auto contexts = std::make_shared<Contexts>();
  for (std::size_t i = 0; i < options.identities.size(); ++i) {
    auto context = MakeContext(options, options.identities[i]);
    if (!context.ok()) {
      return MakeStatus(context.status().code(), "certificate " + std::to_string(i) + ": " +
                                                     MessageOf(context.status()));
    }
    X509* leaf = SSL_CTX_get0_certificate(context->get());
    contexts->names.Add(leaf, i);
    const std::int64_t ends = NotAfter(leaf);
    contexts->expires_at = i == 0 ? ends : std::min(contexts->expires_at, ends);
    contexts->all.push_back(std::move(*context));
  }
  // Every handshake starts with the first; where names cannot matter it also ends there.
  SSL_CTX* first = contexts->all.front().get();
  SSL_CTX_set_tlsext_servername_callback(first, ChooseByServerName);
  SSL_CTX_set_tlsext_servername_arg(first, contexts.get());
  return std::shared_ptr<const Contexts>(std::move(contexts));
}

}  // namespace

struct TlsContext::Impl {
  TlsServerSource source;
  std::mutex mutex;  // taken once per handshake, for the pointer alone
  std::shared_ptr<const Contexts> current;
  std::string stamp;  // of what is in use, or of what was refused last
  std::atomic<std::int64_t> expires_at{0};
  std::atomic<std::uint64_t> failures{0};

  std::shared_ptr<const Contexts> Current() {
    const std::lock_guard<std::mutex> lock(mutex);
    return current;
  }
  Status Load() {
    TG_ASSIGN_OR_RETURN(const TlsServerOptions options, source.read());
    TG_ASSIGN_OR_RETURN(std::shared_ptr<const Contexts> next, MakeContexts(options));
    expires_at = next->expires_at;
    const std::lock_guard<std::mutex> lock(mutex);
    current = std::move(next);
    return OkStatus();
  }
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

StatusOr<std::shared_ptr<TlsContext>> TlsContext::Create(TlsServerSource source) {
  auto impl = std::make_unique<Impl>();
  impl->source = std::move(source);
  impl->stamp = impl->source.stamp();
  TG_RETURN_IF_ERROR(impl->Load());
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

StatusOr<std::shared_ptr<TlsContext>> TlsContext::Create(TlsServerOptions options) {
  TlsServerSource source;
  source.read = [options = std::move(options)]() -> StatusOr<TlsServerOptions> { return options; };
  source.stamp = [] { return std::string(); };
  return Create(std::move(source));
}

StatusOr<bool> TlsContext::Refresh() {
  std::string stamp = impl_->source.stamp();
  if (stamp == impl_->stamp) return false;
  impl_->stamp = std::move(stamp);  // what is refused is tried again only when it changes again
  TG_RETURN_IF_ERROR(impl_->Load());
  Log(LogLevel::kInfo, "tls.reloaded",
      {{"certificates", std::to_string(impl_->Current()->all.size())},
       {"expiresAtUnix", std::to_string(impl_->expires_at.load())}});
  return true;
}

std::int64_t TlsContext::expires_at() const { return impl_->expires_at; }
std::uint64_t TlsContext::handshake_failures() const { return impl_->failures; }

Task<StatusOr<ByteStreamPtr>> TlsContext::Accept(Worker& worker, ByteStreamPtr stream,
                                                 std::chrono::milliseconds limit) {
  const std::shared_ptr<const Contexts> contexts = impl_->Current();
  SSL* ssl = SSL_new(contexts->all.front().get());  // holds a reference to its context
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
