// The services over real gRPC: a server on a socket, raw calls, certificates.
#pragma once

#include <gtest/gtest.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <cstdlib>
#include <fstream>

#include "server/admin/server.h"
#include "tests/server/admin/admin_fixture.h"
#include "tests/support/patience.h"

namespace tidegate::admin {

class GrpcTest : public AdminTest {
 protected:
  StatusOr<std::unique_ptr<AdminServer>> Start(std::vector<AdminListener> listeners) {
    AdminServerOptions options;
    options.listeners = std::move(listeners);
    options.services.process.node = "node-1";
    options.services.local_secrets = &secrets_;
    return AdminServer::Start(*deployer_, std::move(options));
  }
  void StartOnSocket() {
    auto server = Start({AdminListener::Unix(Path())});
    ASSERT_TRUE(server.ok()) << MessageOf(server.status());
    server_ = std::move(*server);
    channel_ = grpc::CreateChannel(server_->addresses()[0], grpc::InsecureChannelCredentials());
  }
  std::string Path() const { return directory_.path() + "/run/admin.sock"; }

  // One unary call with bytes: for services of which there is no generated code.
  static grpc::Status Raw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                          const std::string& request, std::string& response) {
    grpc::GenericStub stub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    grpc::CompletionQueue queue;
    auto call = stub.PrepareCall(&context, method, &queue);
    void* tag = nullptr;
    bool ok = false;
    const auto step = [&] { return queue.Next(&tag, &ok) && ok; };
    call->StartCall(nullptr);
    step();
    grpc::Slice slice(request);
    call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    step();
    grpc::ByteBuffer bytes;
    call->Read(&bytes, nullptr);
    if (step()) {
      std::vector<grpc::Slice> slices;
      (void)bytes.Dump(&slices);
      for (const grpc::Slice& one : slices) {
        response.append(reinterpret_cast<const char*>(one.begin()), one.size());
      }
    }
    grpc::Status status;
    call->Finish(&status, nullptr);
    step();
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    return status;
  }

  state::TempDirectory directory_;
  std::unique_ptr<AdminServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

// Certificates made by the openssl tool: an authority, a server and a client.
class Certificates {
 public:
  explicit Certificates(const std::string& directory) : directory_(directory) {
    Run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca "
        "-keyout ca.key -out ca.crt");
    Make("server", "IP:127.0.0.1");
    Make("client", "DNS:control-plane.example.com");
  }
  std::string Text(const std::string& name) const {
    std::ifstream file(directory_ + "/" + name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

 private:
  void Run(const std::string& arguments) {
    const std::string command =
        "cd '" + directory_ + "' && openssl " + arguments + " >openssl.log 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << Text("openssl.log");
  }
  void Make(const std::string& name, const std::string& alternative) {
    std::ofstream(directory_ + "/" + name + ".ext") << "subjectAltName=" << alternative << "\n";
    Run("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=" + name +
        " -keyout " + name + ".key -out " + name + ".csr");
    Run("x509 -req -days 2 -in " + name + ".csr -CA ca.crt -CAkey ca.key -CAcreateserial " +
        "-extfile " + name + ".ext -out " + name + ".crt");
  }

  std::string directory_;
};

}  // namespace tidegate::admin
