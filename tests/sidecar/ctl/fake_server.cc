#include "tests/sidecar/ctl/fake_server.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <set>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace tidegate::ctl {
namespace {

namespace pb = google::protobuf;

const pb::MethodDescriptor* FindMethod(const std::string& method) {
  std::string name = "tidegate.admin.v1." + method;
  name[name.find('/')] = '.';
  return pb::DescriptorPool::generated_pool()->FindMethodByName(name);
}

std::unique_ptr<pb::Message> New(const pb::Descriptor* type) {
  return std::unique_ptr<pb::Message>(
      pb::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

grpc::Status ToStatus(const FakeError& error) {
  google::rpc::Status details;
  if (!error.reason.empty()) {
    google::rpc::ErrorInfo info;
    info.set_reason(error.reason);
    info.set_domain("tidegate.admin");
    for (const auto& [key, value] : error.metadata) (*info.mutable_metadata())[key] = value;
    details.add_details()->PackFrom(info);
  }
  if (!error.violations.empty()) {
    google::rpc::BadRequest bad;
    for (const auto& [field, text] : error.violations) {
      auto* violation = bad.add_field_violations();
      violation->set_field(field);
      violation->set_description(text);
    }
    details.add_details()->PackFrom(bad);
  }
  return {static_cast<grpc::StatusCode>(error.code), error.message, details.SerializeAsString()};
}

std::string Bytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

}  // namespace

struct FakeServer::Impl : grpc::CallbackGenericService {
  // One call: read the request, answer once.
  class Reactor : public grpc::ServerGenericBidiReactor {
   public:
    Reactor(Impl& impl, std::string method, std::string authorization)
        : impl_(impl), method_(std::move(method)), authorization_(std::move(authorization)) {
      StartRead(&request_);
    }
    void OnReadDone(bool ok) override {
      if (!ok) return Finish(grpc::Status(grpc::StatusCode::INTERNAL, "no request"));
      grpc::Status status;
      std::string response;
      if (!impl_.Handle(method_, authorization_, Bytes(request_), status, response)) return;
      if (!status.ok()) return Finish(status);
      const grpc::Slice slice(response);
      response_ = grpc::ByteBuffer(&slice, 1);
      StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    }
    void OnCancel() override {
      if (impl_.Hangs(method_)) Finish(grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }

   private:
    Impl& impl_;
    std::string method_;
    std::string authorization_;
    grpc::ByteBuffer request_;
    grpc::ByteBuffer response_;
  };

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    const std::string prefix = "/tidegate.admin.v1.";
    std::string method = context->method();
    if (method.rfind(prefix, 0) == 0) method.erase(0, prefix.size());
    const auto found = context->client_metadata().find("authorization");
    std::string authorization;
    if (found != context->client_metadata().end()) {
      authorization.assign(found->second.data(), found->second.size());
    }
    return new Reactor(*this, std::move(method), std::move(authorization));
  }

  // False: never answer.
  bool Handle(const std::string& method, const std::string& authorization,
              const std::string& bytes, grpc::Status& status, std::string& response) {
    const pb::MethodDescriptor* descriptor = FindMethod(method);
    if (descriptor == nullptr) {
      ADD_FAILURE() << "no service has " << method;
      status = {grpc::StatusCode::UNIMPLEMENTED, "no such method"};
      return true;
    }
    std::shared_ptr<pb::Message> request = New(descriptor->input_type());
    EXPECT_TRUE(request->ParseFromString(bytes));
    FakeServer::Handler handler;
    {
      const std::lock_guard lock(mutex);
      calls.push_back({method, request, authorization});
      if (hanging.count(method) > 0) return false;
      const auto found = handlers.find(method);
      if (found != handlers.end()) handler = found->second;
    }
    if (!handler) {
      status = {grpc::StatusCode::UNIMPLEMENTED, "not given an answer"};
      return true;
    }
    const auto answer = New(descriptor->output_type());
    const FakeError error = handler(*request, *answer);
    status = error.code == 0 ? grpc::Status::OK : ToStatus(error);
    response = answer->SerializeAsString();
    return true;
  }

  bool Hangs(const std::string& method) {
    const std::lock_guard lock(mutex);
    return hanging.count(method) > 0;
  }

  std::string directory;
  std::mutex mutex;
  std::map<std::string, FakeServer::Handler> handlers;
  std::set<std::string> hanging;
  std::vector<Call> calls;
  std::unique_ptr<grpc::Server> server;
};

FakeServer::FakeServer() : impl_(std::make_unique<Impl>()) {
  std::string pattern = (std::filesystem::temp_directory_path() / "ctl-XXXXXX").string();
  impl_->directory = ::mkdtemp(pattern.data());
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address(), grpc::InsecureServerCredentials());
  builder.RegisterCallbackGenericService(impl_.get());
  impl_->server = builder.BuildAndStart();
}

FakeServer::~FakeServer() {
  impl_->server->Shutdown(std::chrono::system_clock::now());
  std::filesystem::remove_all(impl_->directory);
}

void FakeServer::On(const std::string& method, Handler handler) {
  ASSERT_NE(FindMethod(method), nullptr) << method;
  const std::lock_guard lock(impl_->mutex);
  impl_->handlers[method] = std::move(handler);
}

void FakeServer::Answer(const std::string& method, const pb::Message& message) {
  std::shared_ptr<pb::Message> copy(message.New());
  copy->CopyFrom(message);
  On(method, [copy](const pb::Message&, pb::Message& response) {
    response.CopyFrom(*copy);
    return FakeError();
  });
}

void FakeServer::Fail(const std::string& method, FakeError error) {
  On(method, [error](const pb::Message&, pb::Message&) { return error; });
}

void FakeServer::Hang(const std::string& method) {
  const std::lock_guard lock(impl_->mutex);
  impl_->hanging.insert(method);
}

std::vector<FakeServer::Call> FakeServer::calls() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->calls;
}

std::string FakeServer::address() const { return "unix:" + impl_->directory + "/admin.sock"; }
std::string FakeServer::directory() const { return impl_->directory; }

void FakeServer::ReportMissing(const std::string& method) {
  ADD_FAILURE() << method << " was not called";
}

}  // namespace tidegate::ctl
