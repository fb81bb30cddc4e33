// The TLS client against OpenSSL's own server side.
#include "server/net/tls_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "server/net/memory_stream.h"
#include "server/net/tls_alert.h"
#include "server/net/tls_stream.h"
#include "tests/server/net/test_pki.h"
#include "tests/server/net/tls_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::net {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;  // NOLINT

class TlsClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = IssueAuthority("Root");
    middle_ = IssueAuthority("Middle", &root_);
    IssueOptions options;
    options.name = "broker";
    options.alternative_names = "DNS:broker.test,DNS:*.wild.test,IP:192.0.2.7,IP:2001:db8::1";
    options.issuer = &root_;
    Serve(Issue(options));
  }

  void Serve(const Issued& shown) {
    server_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(server_.get(), shown.certificate.get());
    SSL_CTX_use_PrivateKey(server_.get(), shown.key.get());
  }
  Issued Of(const std::string& name, long from, long until) {
    IssueOptions options;
    options.name = name;
    options.alternative_names = "DNS:broker.test";
    options.issuer = &root_;
    options.from_seconds = from;
    options.until_seconds = until;
    return Issue(options);
  }
  // The server asks for a certificate that the root vouches for.
  void AskClients() {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(server_.get()), root_.certificate.get());
    SSL_CTX_set_verify(server_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  TlsClientOptions TrustRoot() {
    TlsClientOptions options;
    options.trust_pem = root_.certificate_pem;
    return options;
  }

  static Task<void> RunServer(TlsStream& stream, Status& status) {
    status = co_await stream.Handshake();
  }
  static Task<void> RunClient(TlsClient& client, Worker& worker, ByteStreamPtr stream,
                              std::string host, TimePoint deadline,
                              std::optional<StatusOr<ByteStreamPtr>>& result) {
    auto connected =
        co_await client.Connect(worker, std::move(stream), std::move(host), deadline);
    result.emplace(std::move(connected));
  }
  static Task<void> Read(ByteStream& stream, std::string& into, ErrorCode& ec) {
    std::string buffer(4096, '\0');
    const std::span<char> space(buffer);
    const IoResult io = co_await stream.ReadSome(space);
    ec = io.ec;
    into += buffer.substr(0, io.bytes);
  }
  void Pump() {
    worker_.context().restart();
    while (worker_.context().poll() > 0) {
    }
  }
  static void Write(ByteStream& stream, std::string_view text) {
    const asio::const_buffer buffer(text.data(), text.size());
    ErrorCode ec;
    stream.TryWrite(std::span<const asio::const_buffer>(&buffer, 1), ec);
  }

  // Both handshakes. The result is the client's.
  const StatusOr<ByteStreamPtr>& Connect(const TlsClientOptions& options,
                                         const std::string& host = "broker.test") {
    auto client = TlsClient::Create(options);
    EXPECT_TRUE(client.ok()) << MessageOf(client.status());
    client_ = std::move(*client);
    auto pair = MemoryStream::MakePair(worker_.executor());
    ssl_ = SSL_new(server_.get());
    SSL_set_accept_state(ssl_);
    peer_ = std::make_unique<TlsStream>(std::move(pair.first), ssl_);
    result_.reset();
    worker_.Spawn("server", RunServer(*peer_, peer_status_));
    worker_.Spawn("client", RunClient(*client_, worker_, std::move(pair.second), host,
                                      Clock::now() + 5s, result_));
    Pump();
    EXPECT_TRUE(result_.has_value());
    return *result_;
  }
  std::string ErrorOf(const TlsClientOptions& options, const std::string& host = "broker.test",
                      ErrorClass expected = ErrorClass::kTlsFailed) {
    const auto& result = Connect(options, host);
    EXPECT_FALSE(result.ok());
    EXPECT_EQ(ClassOf(result.status()), expected);
    return MessageOf(result.status());
  }
  std::string PeerSaw() const { return peer_->peer().server_name; }

  Worker worker_{0, 0};
  Issued root_;
  Issued middle_;
  SslContextPtr server_;
  std::shared_ptr<TlsClient> client_;
  SSL* ssl_ = nullptr;
  std::unique_ptr<TlsStream> peer_;
  Status peer_status_;
  std::optional<StatusOr<ByteStreamPtr>> result_;
};

TEST_F(TlsClientTest, NamesAndAddressesOfTheCertificateAreAccepted) {
  for (const char* host : {"broker.test", "BROKER.test", "broker.test.", "a.wild.test",
                           "192.0.2.7", "2001:db8::1", "[2001:db8::1]"}) {
    EXPECT_TRUE(Connect(TrustRoot(), host).ok()) << host << MessageOf(result_->status());
  }
  Connect(TrustRoot(), "broker.test.");
  EXPECT_EQ(PeerSaw(), "broker.test");
  Connect(TrustRoot(), "192.0.2.7");
  EXPECT_EQ(PeerSaw(), "");  // no SNI for an address
  Write(*peer_, "hello");
  std::string text;
  ErrorCode ec;
  worker_.Spawn("read", Read(*result_->value(), text, ec));
  Pump();
  EXPECT_EQ(text, "hello");
}

TEST_F(TlsClientTest, AWrongNameIsToldWithThoseOfTheCertificate) {
  EXPECT_EQ(ErrorOf(TrustRoot(), "other.test"),
            "TLS to other.test: wrong name: the certificate is for broker.test, *.wild.test, "
            "192.0.2.7, 2001:db8::1");
  EXPECT_THAT(ErrorOf(TrustRoot(), "192.0.2.8"), HasSubstr("wrong name"));
  EXPECT_THAT(ErrorOf(TrustRoot(), "a.b.wild.test"), HasSubstr("wrong name"));
  TlsClientOptions any_name = TrustRoot();
  any_name.verify_hostname = false;
  EXPECT_TRUE(IsOk(Connect(any_name, "other.test")));
}

TEST_F(TlsClientTest, WhoIsNotTrustedIsTold) {
  const Issued other = IssueAuthority("Other");
  TlsClientOptions options;
  options.trust_pem = other.certificate_pem;
  EXPECT_THAT(ErrorOf(options), AllOf(StartsWith("TLS to broker.test: not trusted: no trusted "
                                                 "authority vouches for the certificate"),
                                      HasSubstr("CN=broker")));
  options.verify_hostname = false;
  EXPECT_THAT(ErrorOf(options), HasSubstr("not trusted"));
  TlsClientOptions system;  // of the system's authorities none has signed it
  EXPECT_THAT(ErrorOf(system), HasSubstr("not trusted"));
  options.trust_all = true;
  EXPECT_TRUE(IsOk(Connect(options, "any.name")));
}

TEST_F(TlsClientTest, TimesOfACertificateAreTold) {
  Serve(Of("old", -7200, -3600));
  EXPECT_THAT(ErrorOf(TrustRoot()),
              AllOf(StartsWith("TLS to broker.test: expired: the certificate CN=old ended at "),
                    HasSubstr("GMT")));
  Serve(Of("young", 3600, 7200));
  EXPECT_THAT(ErrorOf(TrustRoot()),
              StartsWith("TLS to broker.test: not yet valid: the certificate CN=young begins at "));
}

TEST_F(TlsClientTest, AnAnchorNeedNotSignItself) {
  IssueOptions options;
  options.name = "leaf";
  options.alternative_names = "DNS:broker.test";
  options.issuer = &middle_;
  const Issued leaf = Issue(options);
  Serve(leaf);
  EXPECT_THAT(ErrorOf(TrustRoot()), HasSubstr("not trusted"));  // the chain is not sent
  TlsClientOptions trust;
  trust.trust_pem = middle_.certificate_pem;
  EXPECT_TRUE(IsOk(Connect(trust)));
  trust.trust_pem = leaf.certificate_pem;
  EXPECT_TRUE(IsOk(Connect(trust)));
}

TEST_F(TlsClientTest, TheWholeClientChainIsSent) {
  IssueOptions of;
  of.name = "gateway";
  of.issuer = &middle_;
  const Issued own = Issue(of);
  AskClients();
  TlsClientOptions options = TrustRoot();
  options.chain_pem = own.certificate_pem + middle_.certificate_pem;
  options.key_pem = own.key_pem;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX_set_max_proto_version(server_.get(), version);
    EXPECT_TRUE(Connect(options).ok()) << MessageOf(result_->status());
    EXPECT_TRUE(peer_status_.ok()) << MessageOf(peer_status_);
    EXPECT_EQ(peer_->peer().certificate_sha256.size(), 64U);
  }
  options.chain_pem = own.certificate_pem;  // without what stands between: the judge says no
  Connect(options);
  EXPECT_FALSE(peer_status_.ok());
}

TEST_F(TlsClientTest, AnAlertOfThePeerIsTold) {
  AskClients();
  SSL_CTX_set_max_proto_version(server_.get(), TLS1_2_VERSION);
  EXPECT_EQ(ErrorOf(TrustRoot()),
            "TLS to broker.test: refused by the peer: TLS alert from the peer: handshake failure");
  // TLS 1.3: the client is done before the server has judged; the alert comes with the first read.
  SSL_CTX_set_max_proto_version(server_.get(), TLS1_3_VERSION);
  ASSERT_TRUE(IsOk(Connect(TrustRoot())));
  std::string text;
  ErrorCode ec;
  worker_.Spawn("read", Read(*result_->value(), text, ec));
  Pump();
  EXPECT_TRUE(IsPeerAlert(ec)) << ec.message();
  EXPECT_EQ(ec.message(), "TLS alert from the peer: certificate required");
  EXPECT_TRUE(ec == boost::system::errc::connection_reset);
  EXPECT_FALSE(IsPeerAlert(ErrorCode(asio::error::connection_reset)));
}

TEST_F(TlsClientTest, VersionsAreKept) {
  TlsClientOptions options = TrustRoot();
  options.only_tls13 = true;
  EXPECT_TRUE(IsOk(Connect(options)));
  EXPECT_EQ(SSL_version(ssl_), TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(server_.get(), TLS1_2_VERSION);
  EXPECT_THAT(ErrorOf(options), HasSubstr("refused by the peer: TLS alert from the peer: protocol "
                                          "version"));
  EXPECT_TRUE(IsOk(Connect(TrustRoot())));
}

TEST_F(TlsClientTest, ProtocolsAreOffered) {
  TlsClientOptions options = TrustRoot();
  options.alpn = {"h2", "http/1.1"};
  SSL_CTX_set_alpn_select_cb(
      server_.get(),
      [](SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
         unsigned in_size, void*) {
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(in), in_size),
                  std::string("\x02h2\x08http/1.1"));
        *out = in + 1;
        *out_size = 2;
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
  EXPECT_TRUE(IsOk(Connect(options)));
}

class RawPeer : public TlsClientTest {
 protected:
  // A client whose peer is the raw end of the line.
  std::unique_ptr<MemoryStream> Start() {
    client_ = *TlsClient::Create(TrustRoot());
    auto pair = MemoryStream::MakePair(worker_.executor());
    worker_.Spawn("client", RunClient(*client_, worker_, std::move(pair.second), "broker.test",
                                      Clock::now() + 5s, result_));
    Pump();
    EXPECT_FALSE(result_.has_value());
    return std::move(pair.first);
  }
};

TEST_F(RawPeer, WhatSpeaksNoTlsIsTold) {
  const auto raw = Start();
  Write(*raw, "HTTP/1.1 400 Bad Request\r\n\r\n");
  Pump();
  ASSERT_TRUE(result_ && !result_->ok());
  EXPECT_EQ(ClassOf(result_->status()), ErrorClass::kTlsFailed);
  EXPECT_EQ(MessageOf(result_->status()),
            "TLS to broker.test: what answers there does not speak TLS");
}

TEST_F(RawPeer, AHangUpIsTold) {
  const auto raw = Start();
  raw->Close();
  Pump();
  ASSERT_TRUE(result_ && !result_->ok());
  EXPECT_EQ(ClassOf(result_->status()), ErrorClass::kConnectionClosed);
  EXPECT_THAT(MessageOf(result_->status()), HasSubstr("ended the connection"));
}

TEST_F(RawPeer, SilenceEndsAtTheDeadline) {
  const auto raw = Start();
  worker_.wheel().Advance(Clock::now() + 6s);
  Pump();
  ASSERT_TRUE(result_ && !result_->ok());
  EXPECT_EQ(ClassOf(result_->status()), ErrorClass::kConnectFailed);
  EXPECT_EQ(MessageOf(result_->status()), "TLS to broker.test: no answer in time");
}

TEST_F(TlsClientTest, BadMaterialIsRefusedWithoutBeingShown) {
  const auto error = [](const TlsClientOptions& options) {
    const auto client = TlsClient::Create(options);
    EXPECT_EQ(ClassOf(client.status()), ErrorClass::kConfigInvalid);
    return MessageOf(client.status());
  };
  TlsClientOptions options;
  options.trust_pem = "no certificate";
  EXPECT_EQ(error(options), "read the trusted certificates: there is none");
  options = TrustRoot();
  options.chain_pem = middle_.certificate_pem;
  options.key_pem = root_.key_pem;
  EXPECT_EQ(error(options), "use the certificate: the private key is not its own");
  options.key_pem = "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----\n";
  EXPECT_THAT(error(options), AllOf(StartsWith("read the private key"), Not(HasSubstr("CANARY"))));
  options = TrustRoot();
  options.alpn = {""};
  EXPECT_THAT(error(options), HasSubstr("ALPN"));
}

}  // namespace
}  // namespace tidegate::net
