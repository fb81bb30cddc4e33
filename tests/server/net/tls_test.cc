#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/error.hpp>
#include <optional>

#include "server/base/strings.h"
#include "tests/server/net/test_pki.h"
#include "tests/server/net/tls_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::net {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;  // NOLINT

TlsServerIdentity IdentityOf(const Issued& issued) {
  TlsServerIdentity identity;
  identity.chain_pem = issued.certificate_pem;
  identity.key_pem = issued.key_pem;
  return identity;
}

class TlsTest : public ::testing::Test {
 protected:
  void Pump() {
    worker_.context().restart();
    while (worker_.context().poll() > 0) {
    }
  }

  std::shared_ptr<TlsContext> Context(ClientCertificates mode, const std::string& ca = "") {
    TlsServerOptions options;
    options.identities.push_back(IdentityOf(server_));
    options.client_trust_pem = ca;
    options.client_certificates = mode;
    auto context = TlsContext::Create(options);
    EXPECT_TRUE(context.ok()) << MessageOf(context.status());
    return *context;
  }

  static Task<void> RunServer(TlsContext& context, Worker& worker, ByteStreamPtr stream,
                              std::optional<StatusOr<ByteStreamPtr>>& result) {
    auto accepted = co_await context.Accept(worker, std::move(stream), 5s);
    result.emplace(std::move(accepted));
  }
  static Task<void> RunClient(TlsStream& stream, Status& status) {
    status = co_await stream.Handshake();
  }
  static Task<void> Read(ByteStream& stream, std::string& into, ErrorCode& ec) {
    std::string buffer(4096, '\0');
    const std::span<char> space(buffer);
    const IoResult io = co_await stream.ReadSome(space);
    ec = io.ec;
    into += buffer.substr(0, io.bytes);
  }
  static Task<void> WriteAll(ByteStream& stream, std::string text, bool& done) {
    const asio::const_buffer buffer(text.data(), text.size());
    const std::span<const asio::const_buffer> one(&buffer, 1);
    const ErrorCode ec = co_await stream.WriteAll(one);
    done = !ec;
  }

  // Both handshakes; true when the server was content.
  bool Handshake(TlsContext& context, const TestCertificate* own = nullptr,
                 std::size_t capacity = 64 * 1024) {
    auto pair = MemoryStream::MakePair(worker_.executor(), capacity);
    server_raw_ = pair.first.get();
    client_raw_ = pair.second.get();
    client_context_ = MakeClientContext(own);
    SSL* ssl = SSL_new(client_context_.get());
    SSL_set_connect_state(ssl);
    if (!server_name_.empty()) SSL_set_tlsext_host_name(ssl, server_name_.c_str());
    if (client_version_max_ != 0) SSL_set_max_proto_version(ssl, client_version_max_);
    SSL_set_tlsext_max_fragment_length(ssl, client_fragment_);
    client_ssl_ = ssl;
    client_ = std::make_unique<TlsStream>(std::move(pair.second), ssl);
    accepted_.reset();
    worker_.Spawn("server", RunServer(context, worker_, std::move(pair.first), accepted_));
    worker_.Spawn("client", RunClient(*client_, client_status_));
    Pump();
    return accepted_ && accepted_->ok();
  }
  ByteStream& server() { return *accepted_->value(); }
  std::string ReadFrom(ByteStream& stream, ErrorCode* error = nullptr) {
    std::string text;
    ErrorCode ec;
    worker_.Spawn("read", Read(stream, text, ec));
    Pump();
    if (error != nullptr) *error = ec;
    return text;
  }
  static std::size_t TryWrite(ByteStream& stream, std::string_view text) {
    const asio::const_buffer buffer(text.data(), text.size());
    ErrorCode ec;
    const std::size_t sent =
        stream.TryWrite(std::span<const asio::const_buffer>(&buffer, 1), ec);
    EXPECT_FALSE(ec);
    return sent;
  }

  Issued server_ = IssueAuthority("server");
  std::string server_name_ = "API.test";
  int client_version_max_ = 0;
  std::uint8_t client_fragment_ = TLSEXT_max_fragment_length_DISABLED;
  Worker worker_{0, 0};
  SslContextPtr client_context_;
  SSL* client_ssl_ = nullptr;
  std::unique_ptr<TlsStream> client_;
  std::optional<StatusOr<ByteStreamPtr>> accepted_;
  Status client_status_;
  MemoryStream* server_raw_ = nullptr;
  MemoryStream* client_raw_ = nullptr;
};

TEST_F(TlsTest, HandshakeTellsNameAndProtocol) {
  auto context = Context(ClientCertificates::kNone);
  ASSERT_TRUE(Handshake(*context));
  EXPECT_TRUE(server().peer().tls);
  EXPECT_EQ(server().peer().server_name, "api.test");
  EXPECT_EQ(server().peer().certificate_sha256, "");
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client_ssl_, &protocol, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(protocol), size), "http/1.1");
  EXPECT_GE(SSL_version(client_ssl_), TLS1_2_VERSION);
}

TEST_F(TlsTest, BytesGoBothWays) {
  auto context = Context(ClientCertificates::kNone);
  ASSERT_TRUE(Handshake(*context));
  EXPECT_EQ(TryWrite(*client_, "ping"), 4U);
  EXPECT_EQ(ReadFrom(server()), "ping");
  EXPECT_EQ(TryWrite(server(), "pong"), 4U);
  EXPECT_EQ(ReadFrom(*client_), "pong");
}

TEST_F(TlsTest, OldVersionsAreRefused) {
  auto context = Context(ClientCertificates::kNone);
  auto pair = MemoryStream::MakePair(worker_.executor());
  client_context_ = MakeClientContext(nullptr);
  SSL_CTX_set_security_level(client_context_.get(), 0);
  SSL_CTX_set_min_proto_version(client_context_.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(client_context_.get(), TLS1_1_VERSION);
  SSL* ssl = SSL_new(client_context_.get());
  SSL_set_connect_state(ssl);
  client_ = std::make_unique<TlsStream>(std::move(pair.second), ssl);
  worker_.Spawn("server", RunServer(*context, worker_, std::move(pair.first), accepted_));
  worker_.Spawn("client", RunClient(*client_, client_status_));
  Pump();
  ASSERT_TRUE(accepted_.has_value());
  EXPECT_FALSE(accepted_->ok());
  EXPECT_FALSE(client_status_.ok());
  EXPECT_EQ(context->handshake_failures(), 1U);
}

TEST_F(TlsTest, ClientCertificates) {
  const TestCertificate good = MakeCertificate("client");
  const TestCertificate stranger = MakeCertificate("stranger");
  auto required = Context(ClientCertificates::kRequired, good.certificate_pem);
  ASSERT_TRUE(Handshake(*required, &good));
  EXPECT_EQ(server().peer().certificate_sha256, good.sha256);
  EXPECT_FALSE(Handshake(*required));
  EXPECT_FALSE(Handshake(*required, &stranger));
  auto optional = Context(ClientCertificates::kOptional, good.certificate_pem);
  ASSERT_TRUE(Handshake(*optional));
  EXPECT_EQ(server().peer().certificate_sha256, "");
  ASSERT_TRUE(Handshake(*optional, &good));
  EXPECT_EQ(server().peer().certificate_sha256, good.sha256);
  EXPECT_FALSE(Handshake(*optional, &stranger));
}

TEST_F(TlsTest, GarbageAndSilenceEndTheHandshake) {
  auto context = Context(ClientCertificates::kNone);
  auto pair = MemoryStream::MakePair(worker_.executor());
  worker_.Spawn("server", RunServer(*context, worker_, std::move(pair.first), accepted_));
  TryWrite(*pair.second, "GET / HTTP/1.1\r\n\r\n");
  Pump();
  ASSERT_TRUE(accepted_.has_value());
  EXPECT_FALSE(accepted_->ok());
  accepted_.reset();
  pair = MemoryStream::MakePair(worker_.executor());
  worker_.Spawn("server", RunServer(*context, worker_, std::move(pair.first), accepted_));
  Pump();
  EXPECT_FALSE(accepted_.has_value());
  worker_.wheel().Advance(Clock::now() + 6s);
  Pump();
  ASSERT_TRUE(accepted_.has_value());
  EXPECT_FALSE(accepted_->ok());
}

struct Notified : WritableListener {
  void OnWritable(ErrorCode) override { ++count; }
  int count = 0;
};

TEST_F(TlsTest, TryWriteStopsWhenNothingIsTakenAndGoesOnLater) {
  auto context = Context(ClientCertificates::kNone);
  ASSERT_TRUE(Handshake(*context));
  server_raw_->set_capacity(0);
  const std::string block(16'000, 'x');
  std::size_t sent = 0;
  for (int i = 0; i < 100; ++i) sent += TryWrite(server(), block);
  EXPECT_LT(sent, 200'000U);  // bounded, though nothing left
  EXPECT_EQ(TryWrite(server(), block), 0U);
  Notified notified;
  server().NotifyWritable(notified);
  Pump();
  EXPECT_EQ(notified.count, 0);
  server_raw_->set_capacity(1 << 20);
  Pump();
  EXPECT_EQ(notified.count, 1);
  std::string all;
  while (all.size() < sent) {
    const std::string piece = ReadFrom(*client_);
    ASSERT_FALSE(piece.empty());
    all += piece;
  }
  EXPECT_EQ(all, std::string(sent, 'x'));
}

// Small devices ask for short records (RFC 6066 section 4): one write then makes several of them.
TEST_F(TlsTest, ShortRecordsLoseNothing) {
  client_fragment_ = TLSEXT_max_fragment_length_512;
  auto context = Context(ClientCertificates::kNone);
  ASSERT_TRUE(Handshake(*context));
  std::string text;
  for (int i = 0; i < 8'000; ++i) text += std::to_string(i) + ",";
  std::string all;
  for (std::size_t sent = 0; sent < text.size();) {
    const std::size_t now = TryWrite(server(), std::string_view(text).substr(sent));
    ASSERT_GT(now, 0U);
    sent += now;
    for (std::string piece; !(piece = ReadFrom(*client_)).empty();) {
      all += piece;
      if (all.size() >= sent) break;
    }
  }
  EXPECT_EQ(all, text);
}

TEST_F(TlsTest, WriteAllWaitsAndKeepsTheOrder) {
  auto context = Context(ClientCertificates::kNone);
  ASSERT_TRUE(Handshake(*context));
  server_raw_->set_capacity(1000);
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i) + ",";
  bool done = false;
  worker_.Spawn("write", WriteAll(server(), text, done));
  Pump();
  EXPECT_FALSE(done);
  std::string all;
  while (all.size() < text.size()) {
    const std::string piece = ReadFrom(*client_);
    ASSERT_FALSE(piece.empty());
    all += piece;
  }
  EXPECT_EQ(all, text);
  EXPECT_TRUE(done);
}

TEST_F(TlsTest, EndOfStreamNeedsCloseNotify) {
  auto context = Context(ClientCertificates::kNone);
  ASSERT_TRUE(Handshake(*context));
  client_->ShutdownWrite();
  ErrorCode ec;
  EXPECT_EQ(ReadFrom(server(), &ec), "");
  EXPECT_EQ(ec, asio::error::eof);
  ASSERT_TRUE(Handshake(*context));
  client_raw_->Close();  // as a cut line: no close_notify
  ReadFrom(server(), &ec);
  EXPECT_EQ(ec, asio::error::connection_reset);
}

std::string CommonName(SSL* ssl) {
  X509* seen = SSL_get1_peer_certificate(ssl);
  char name[64] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(seen), NID_commonName, name, sizeof(name));
  X509_free(seen);
  return name;
}

Issued Named(const std::string& name, const std::string& alternatives) {
  IssueOptions options;
  options.name = name;
  options.alternative_names = alternatives;
  return Issue(options);
}

TEST_F(TlsTest, CertificatesAreReloadedAndBadOnesAreNot) {
  TlsServerOptions now;
  now.identities.push_back(IdentityOf(server_));
  std::string stamp = "1";
  TlsServerSource source;
  source.read = [&now]() -> StatusOr<TlsServerOptions> { return now; };
  source.stamp = [&stamp] { return stamp; };
  auto made = TlsContext::Create(source);
  ASSERT_TRUE(IsOk(made));
  const std::shared_ptr<TlsContext> context = *made;
  ASSERT_TRUE(Handshake(*context));
  EXPECT_EQ(CommonName(client_ssl_), "server");
  now.identities[0].chain_pem = "not a certificate";
  EXPECT_FALSE(context->Refresh().value());  // the stamp is the same: not looked at
  stamp = "2";
  EXPECT_THAT(MessageOf(context->Refresh().status()),
              HasSubstr("certificate 0: read the certificate"));
  EXPECT_FALSE(context->Refresh().value());  // unchanged since: not tried, not told again
  ASSERT_TRUE(Handshake(*context));
  EXPECT_EQ(CommonName(client_ssl_), "server");
  now.identities[0] = IdentityOf(Named("renewed", ""));
  stamp = "3";
  EXPECT_TRUE(context->Refresh().value());
  ASSERT_TRUE(Handshake(*context));
  EXPECT_EQ(CommonName(client_ssl_), "renewed");
  EXPECT_GT(context->expires_at(), 0);
}

TEST_F(TlsTest, TheNameChoosesAmongCertificates) {
  TlsServerOptions options;
  for (const Issued& one :
       {Named("default", "DNS:default.test"), Named("wild", "DNS:*.example.test"),
        Named("exact", "DNS:one.example.test,DNS:two.example.test"), Named("cn.test", "")}) {
    options.identities.push_back(IdentityOf(one));
  }
  auto made = TlsContext::Create(options);
  ASSERT_TRUE(made.ok()) << MessageOf(made.status());
  const std::vector<std::pair<std::string, std::string>> cases{
      {"one.example.test", "exact"},     {"TWO.Example.Test", "exact"},
      {"three.example.test", "wild"},    {"example.test", "default"},
      {"a.three.example.test", "default"}, {"cn.test", "cn.test"},
      {"unknown.test", "default"},       {"", "default"}};
  for (const auto& [asked, shown] : cases) {
    server_name_ = asked;
    ASSERT_TRUE(Handshake(**made)) << asked;
    EXPECT_EQ(CommonName(client_ssl_), shown) << asked;
    EXPECT_EQ(server().peer().server_name, ToLower(asked));
    EXPECT_EQ(TryWrite(server(), "hello"), 5U);
    EXPECT_EQ(ReadFrom(*client_), "hello");
  }
}

TEST_F(TlsTest, ClientCertificatesAreAskedForUnderEveryName) {
  const TestCertificate good = MakeCertificate("client");
  TlsServerOptions options;
  options.identities.push_back(IdentityOf(server_));
  options.identities.push_back(IdentityOf(Named("other", "DNS:other.test")));
  options.client_certificates = ClientCertificates::kRequired;
  options.client_trust_pem = good.certificate_pem;
  auto made = TlsContext::Create(options);
  ASSERT_TRUE(IsOk(made));
  server_name_ = "other.test";
  EXPECT_FALSE(Handshake(**made));
  ASSERT_TRUE(Handshake(**made, &good));
  EXPECT_EQ(CommonName(client_ssl_), "other");
  EXPECT_EQ(server().peer().certificate_sha256, good.sha256);
}

TEST_F(TlsTest, OnlyTls13WhereThatIsAsked) {
  TlsServerOptions options;
  options.identities.push_back(IdentityOf(server_));
  options.only_tls13 = true;
  auto made = TlsContext::Create(options);
  ASSERT_TRUE(IsOk(made));
  ASSERT_TRUE(Handshake(**made));
  EXPECT_EQ(SSL_version(client_ssl_), TLS1_3_VERSION);
  client_version_max_ = TLS1_2_VERSION;
  EXPECT_FALSE(Handshake(**made));
  options.only_tls13 = false;
  made = TlsContext::Create(options);
  EXPECT_TRUE(Handshake(**made));
  EXPECT_EQ(SSL_version(client_ssl_), TLS1_2_VERSION);
}

TEST(TlsContextErrors, NameTheCertificateAndTheCause) {
  TlsServerOptions options;
  EXPECT_THAT(MessageOf(TlsContext::Create(options).status()), HasSubstr("at least one"));
  const Issued one = IssueAuthority("one");
  const Issued two = IssueAuthority("two");
  options.identities.push_back(IdentityOf(one));
  options.identities.push_back(IdentityOf(two));
  options.identities[1].key_pem = one.key_pem;
  EXPECT_EQ(MessageOf(TlsContext::Create(options).status()),
            "certificate 1: use the certificate: the private key is not its own");
}

}  // namespace
}  // namespace tidegate::net
