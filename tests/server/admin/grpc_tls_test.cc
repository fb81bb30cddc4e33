// TLS of the admin server: who is let in, and new certificates and authorities while it runs.
#include "server/base/log.h"
#include "tests/server/admin/grpc_fixture.h"
#include "tidegate/admin/v1/runtime_service.grpc.pb.h"

namespace tidegate::admin {
namespace {

AdminTls TlsOf(const Certificates& certificates) {
  AdminTls tls;
  tls.identities.push_back(
      AdminIdentity{certificates.Text("server.crt"), certificates.Text("server.key")});
  tls.client_authorities = certificates.Text("ca.crt");
  return tls;
}

// A client with a certificate of `own`, that believes the server's authority `other`.
std::shared_ptr<grpc::ChannelCredentials> ClientOf(const Certificates& own,
                                                   const Certificates& other) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = other.Text("ca.crt");
  options.pem_private_key = own.Text("client.key");
  options.pem_cert_chain = own.Text("client.crt");
  return grpc::SslCredentials(options);
}

std::string* audit_lines = nullptr;

TEST_F(GrpcTest, MutualTls_letsOnlyKnownClientsInAndNamesThem) {
  const Certificates certificates(directory_.path());
  AdminListener listener = AdminListener::Tcp("127.0.0.1", 0);
  listener.tls = TlsOf(certificates);
  auto server = Start({listener});
  ASSERT_TRUE(server.ok()) << MessageOf(server.status());
  const std::string address = (*server)->addresses()[0];

  const auto known = ClientOf(certificates, certificates);
  grpc::SslCredentialsOptions unknown;
  unknown.pem_root_certs = certificates.Text("ca.crt");

  std::string lines;
  audit_lines = &lines;
  SetLogWriter([](std::string_view line) { audit_lines->append(line); });
  const auto drain = [&](const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    auto runtime = v1::RuntimeService::NewStub(grpc::CreateChannel(address, credentials));
    grpc::ClientContext context;
    v1::DrainStatus status;
    return runtime->StartDrain(&context, {}, &status).error_code();
  };
  EXPECT_EQ(drain(grpc::SslCredentials(unknown)), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(drain(grpc::InsecureChannelCredentials()), grpc::StatusCode::UNAVAILABLE);
  EXPECT_FALSE(plane_.draining());
  EXPECT_EQ(drain(known), grpc::StatusCode::OK);
  EXPECT_TRUE(plane_.draining());
  SetLogWriter(nullptr);
  EXPECT_NE(lines.find("control-plane.example.com"), std::string::npos) << lines;
}

// A call over a connection of its own: the handshake counts.
grpc::StatusCode Ask(const std::string& address,
                     const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  auto runtime =
      v1::RuntimeService::NewStub(grpc::CreateCustomChannel(address, credentials, arguments));
  grpc::ClientContext context;
  v1::ServerInfo info;
  return runtime->GetServerInfo(&context, {}, &info).error_code();
}

TEST_F(GrpcTest, ChangedFiles_actOnNewConnectionsAndBadOnesDoNot) {
  const Certificates first(directory_.path());
  const state::TempDirectory elsewhere;
  const Certificates second(elsewhere.path());
  StatusOr<AdminTls> content = TlsOf(first);
  std::string stamp = "1";
  int reads = 0;
  AdminListener listener = AdminListener::Tcp("127.0.0.1", 0);
  listener.tls = TlsOf(first);
  listener.stamp = [&] { return stamp; };
  listener.seen = stamp;
  listener.read = [&] {
    ++reads;
    return content;
  };
  auto server = Start({listener});
  ASSERT_TRUE(server.ok()) << MessageOf(server.status());
  const std::string address = (*server)->addresses()[0];
  EXPECT_EQ(Ask(address, ClientOf(first, first)), grpc::StatusCode::OK);
  EXPECT_EQ(Ask(address, ClientOf(second, first)), grpc::StatusCode::UNAVAILABLE);
  (*server)->RefreshTls();
  EXPECT_EQ(reads, 0) << "nothing has changed";
  // A connection from before stays.
  auto before = v1::RuntimeService::NewStub(grpc::CreateChannel(address, ClientOf(first, first)));
  const auto ask_again = [&] {
    grpc::ClientContext context;
    v1::ServerInfo info;
    return before->GetServerInfo(&context, {}, &info).error_code();
  };
  EXPECT_EQ(ask_again(), grpc::StatusCode::OK);

  content = InvalidArgument("tls.certificates[0].key: is cut short");
  stamp = "2";
  (*server)->RefreshTls();
  EXPECT_EQ(reads, 1);
  EXPECT_EQ(Ask(address, ClientOf(first, first)), grpc::StatusCode::OK) << "what was there";

  content = TlsOf(second);
  stamp = "3";
  (*server)->RefreshTls();
  EXPECT_EQ(reads, 2);
  EXPECT_EQ(Ask(address, ClientOf(second, second)), grpc::StatusCode::OK);
  EXPECT_EQ(Ask(address, ClientOf(first, second)), grpc::StatusCode::UNAVAILABLE)
      << "an authority that is believed no more";
  EXPECT_EQ(Ask(address, ClientOf(second, first)), grpc::StatusCode::UNAVAILABLE)
      << "a certificate that is shown no more";
  EXPECT_EQ(ask_again(), grpc::StatusCode::OK);

  // What the library cannot use leaves what was there as well.
  AdminTls nonsense = TlsOf(first);
  nonsense.identities[0].key = second.Text("server.key");
  content = nonsense;
  stamp = "4";
  (*server)->RefreshTls();
  EXPECT_EQ(Ask(address, ClientOf(second, second)), grpc::StatusCode::OK);
}

}  // namespace
}  // namespace tidegate::admin
