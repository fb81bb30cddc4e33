#include "server/net/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "server/net/close_timer.h"
#include "server/net/tls_alert.h"
#include "server/net/tls_setup.h"
#include "server/net/tls_stream.h"

namespace tidegate::net {
namespace {

constexpr std::size_t kNamesShown = 8;       // of a certificate, in an error text
constexpr std::size_t kSubjectBytesMax = 200;  // the same
constexpr std::size_t kAlpnBytesMax = 255;

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, FreeContext>;
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  if (data == nullptr || size <= 0) return "";
  return std::string(data, std::min(static_cast<std::size_t>(size), kSubjectBytesMax));
}

std::string SubjectOf(X509* certificate) {
  if (certificate == nullptr) return "of the peer";
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  const std::string name = TextOf(bio.get());
  return name.empty() ? "without a subject" : name;
}

std::string TimeText(const ASN1_TIME* time) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(bio.get(), time);
  return TextOf(bio.get());
}

// What another wrote, fit for a log line.
std::string Printable(const unsigned char* data, int size) {
  std::string text;
  for (int i = 0; i < size && text.size() < kSubjectBytesMax; ++i) {
    text += data[i] >= 0x21 && data[i] <= 0x7e ? static_cast<char>(data[i]) : '?';
  }
  return text;
}

std::string AddressText(const ASN1_OCTET_STRING* bytes) {
  const unsigned char* data = ASN1_STRING_get0_data(bytes);
  if (ASN1_STRING_length(bytes) == 4) {
    asio::ip::address_v4::bytes_type raw;
    std::copy(data, data + raw.size(), raw.begin());
    return asio::ip::address_v4(raw).to_string();
  }
  if (ASN1_STRING_length(bytes) == 16) {
    asio::ip::address_v6::bytes_type raw;
    std::copy(data, data + raw.size(), raw.begin());
    return asio::ip::address_v6(raw).to_string();
  }
  return "?";
}

// The names that a certificate is for: "a.example, 192.0.2.7", or its subject.
std::string NamesOf(X509* certificate) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::string text;
  std::size_t shown = 0;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    if (++shown > kNamesShown) {
      text += ", …";
      break;
    }
    if (!text.empty()) text += ", ";
    text += name->type == GEN_DNS ? Printable(ASN1_STRING_get0_data(name->d.dNSName),
                                              ASN1_STRING_length(name->d.dNSName))
                                  : AddressText(name->d.iPAddress);
  }
  GENERAL_NAMES_free(names);
  return text.empty() ? SubjectOf(certificate) : text;
}

// Why X509_verify_cert said no, in words that tell the operator what to change.
std::string DescribeRefusal(X509_STORE_CTX* store) {
  const int error = X509_STORE_CTX_get_error(store);
  X509* certificate = X509_STORE_CTX_get_current_cert(store);
  if (certificate == nullptr) certificate = X509_STORE_CTX_get0_cert(store);
  const std::string subject = SubjectOf(certificate);
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "wrong name: the certificate is for " + NamesOf(X509_STORE_CTX_get0_cert(store));
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "expired: the certificate " + subject + " ended at " +
             TimeText(X509_get0_notAfter(certificate));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "not yet valid: the certificate " + subject + " begins at " +
             TimeText(X509_get0_notBefore(certificate));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return "not trusted: no trusted authority vouches for the certificate " + subject + " (" +
             X509_verify_cert_error_string(error) + ")";
    default:
      return "not trusted: the certificate " + subject + ": " +
             X509_verify_cert_error_string(error);
  }
}

int VerifyPeer(X509_STORE_CTX* store, void*) {
  const int good = X509_verify_cert(store);
  if (good == 1) return 1;
  auto* ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (auto* refusal = static_cast<std::string*>(SSL_get_app_data(ssl))) {
    *refusal = DescribeRefusal(store);
  }
  return good;
}

std::string_view Unbracketed(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return host.substr(1, host.size() - 2);
  }
  return host;
}

// Demands the name of `ssl`'s certificate, and tells it by SNI where it is a name.
bool SetHost(SSL* ssl, const std::string& host, bool verify) {
  ErrorCode no_address;
  asio::ip::make_address(host, no_address);
  if (!no_address) {
    return !verify || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  }
  // A trailing dot belongs to the name server, not to the certificate (RFC 6066 §3).
  const std::string name = host.back() == '.' ? host.substr(0, host.size() - 1) : host;
  if (SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) return false;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return !verify || SSL_set1_host(ssl, name.c_str()) == 1;
}

Status SetAlpn(SSL_CTX* context, const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& name : protocols) {
    if (name.empty() || name.size() > kAlpnBytesMax) {
      return MakeError(ErrorClass::kConfigInvalid, "ALPN names have 1 to 255 bytes");
    }
    wire += static_cast<char>(name.size());
    wire += name;
  }
  if (wire.empty()) return OkStatus();
  const auto* bytes = reinterpret_cast<const unsigned char*>(wire.data());
  if (SSL_CTX_set_alpn_protos(context, bytes, static_cast<unsigned>(wire.size())) == 0) {
    return OkStatus();
  }
  return MakeError(ErrorClass::kConfigInvalid, "the ALPN names are refused");
}

}  // namespace

struct TlsClient::Impl {
  explicit Impl(ContextPtr ssl_context) : context(std::move(ssl_context)) {}

  ContextPtr context;
  bool verify_hostname = true;
};

TlsClient::TlsClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClient::~TlsClient() = default;

StatusOr<std::shared_ptr<TlsClient>> TlsClient::Create(TlsClientOptions options) {
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) return Internal("make a TLS context: " + TakeOpensslError("out of memory"));
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, options.only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  Status status = OkStatus();
  if (options.trust_all) {
    SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nullptr);
  } else {
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(raw, VerifyPeer, nullptr);
    if (!options.trust_pem.empty()) {
      status = UseTrust(raw, options.trust_pem, false);
    } else if (SSL_CTX_set_default_verify_paths(raw) != 1) {
      status = Internal("read the system's certificates: " + TakeOpensslError("not readable"));
    }
  }
  if (status.ok() && !options.chain_pem.empty()) {
    status = UseIdentity(raw, options.chain_pem, options.key_pem);
  }
  if (status.ok()) status = SetAlpn(raw, options.alpn);
  if (!status.ok()) return MakeError(ErrorClass::kConfigInvalid, MessageOf(status));
  auto impl = std::make_unique<Impl>(std::move(context));
  impl->verify_hostname = options.verify_hostname && !options.trust_all;
  return std::shared_ptr<TlsClient>(new TlsClient(std::move(impl)));
}

namespace {

Status Explain(const std::string& host, const TlsStream& stream, const Status& status,
               const std::string& refusal, bool late) {
  const std::string what = "TLS to " + host + ": ";
  if (late) return MakeError(ErrorClass::kConnectFailed, what + "no answer in time");
  if (!refusal.empty()) return MakeError(ErrorClass::kTlsFailed, what + refusal);
  const unsigned long error = stream.handshake_error();
  if (error == 0) {
    return MakeError(ErrorClass::kConnectionClosed,
                     what + "the peer ended the connection during the handshake (" +
                         MessageOf(status) + ")");
  }
  if (const ErrorCode alert = PeerAlertOf(error)) {
    return MakeError(ErrorClass::kTlsFailed, what + "refused by the peer: " + alert.message());
  }
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER) {
    return MakeError(ErrorClass::kTlsFailed, what + "what answers there does not speak TLS");
  }
  return MakeError(ErrorClass::kTlsFailed, what + MessageOf(status));
}

}  // namespace

Task<StatusOr<ByteStreamPtr>> TlsClient::Connect(Worker& worker, ByteStreamPtr tcp,
                                                 std::string host, TimePoint deadline) {
  const std::string name(Unbracketed(host));
  ERR_clear_error();
  SSL* ssl = name.empty() ? nullptr : SSL_new(impl_->context.get());
  if (ssl == nullptr) {
    tcp->Close();
    co_return MakeError(ErrorClass::kConfigInvalid, "TLS: no host is named");
  }
  SSL_set_connect_state(ssl);
  auto secured = std::make_unique<TlsStream>(std::move(tcp), ssl);
  if (!SetHost(ssl, name, impl_->verify_hostname)) {
    ERR_clear_error();
    secured->Close();
    co_return MakeError(ErrorClass::kConfigInvalid, "TLS: " + name + " is no host name");
  }
  std::string refusal;
  SSL_set_app_data(ssl, &refusal);
  CloseTimer timer(*secured);
  worker.wheel().ArmAt(timer, deadline);
  const Status status = co_await secured->Handshake();
  timer.Cancel();
  SSL_set_app_data(ssl, nullptr);
  if (!status.ok()) {
    Status failure = Explain(host, *secured, status, refusal, timer.fired());
    secured->Close();
    co_return failure;
  }
  ByteStreamPtr result = std::move(secured);
  co_return result;
}

}  // namespace tidegate::net
