// The only file that includes gRPC.
#include "sidecar/ctl/client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace tidegate::ctl {
namespace {

using Clock = std::chrono::system_clock;

// A whole configuration comes in one message: DumpConfig and a page of 500 APIs.
constexpr int kAnswerBytesMax = 64 * 1024 * 1024;
// A server that drops packets is told apart from a slow one after this time.
constexpr auto kConnectTimeout = std::chrono::seconds(5);

std::shared_ptr<grpc::ChannelCredentials> MakeCredentials(const Credentials& credentials) {
  if (!credentials.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = credentials.ca;
  options.pem_cert_chain = credentials.cert;
  options.pem_private_key = credentials.key;
  return grpc::SslCredentials(options);
}

void DecodeDetail(const google::protobuf::Any& detail, CallResult& result) {
  if (google::rpc::ErrorInfo info; detail.UnpackTo(&info)) {
    result.reason = info.reason();
    result.metadata = {info.metadata().begin(), info.metadata().end()};
  } else if (google::rpc::BadRequest bad; detail.UnpackTo(&bad)) {
    for (const auto& violation : bad.field_violations()) {
      result.violations.push_back({violation.field(), violation.description()});
    }
  } else if (google::rpc::PreconditionFailure failed; detail.UnpackTo(&failed)) {
    for (const auto& violation : failed.violations()) {
      result.violations.push_back({violation.subject(), violation.description()});
    }
  } else if (google::rpc::ResourceInfo resource; detail.UnpackTo(&resource)) {
    result.resource = resource.resource_name();
  }
}

CallResult ResultOf(const grpc::Status& status) {
  CallResult result;
  result.code = status.error_code();
  result.message = status.error_message();
  google::rpc::Status details;
  if (status.error_details().empty() || !details.ParseFromString(status.error_details())) {
    return result;
  }
  for (const auto& detail : details.details()) DecodeDetail(detail, result);
  return result;
}

CallResult Failure(grpc::StatusCode code, std::string message) {
  CallResult result;
  result.code = code;
  result.message = std::move(message);
  return result;
}

grpc::ByteBuffer BufferOf(const google::protobuf::MessageLite& message) {
  const std::string bytes = message.SerializeAsString();
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

bool ParseBuffer(const grpc::ByteBuffer& buffer, google::protobuf::MessageLite& message) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return false;
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return message.ParseFromString(bytes);
}

// gRPC: "failed to connect to all addresses; last error: UNKNOWN: ipv4:… : Connection refused".
std::string ConnectCause(const std::string& message) {
  const std::size_t colon = message.rfind(": ");
  return colon == std::string::npos ? message : message.substr(colon + 2);
}

}  // namespace

struct Client::Channel {
  explicit Channel(std::shared_ptr<grpc::Channel> made) : channel(made), stub(std::move(made)) {}

  // Whether the connection came about, failed, or did neither in time.
  grpc_connectivity_state Connect(Clock::time_point deadline) {
    grpc_connectivity_state state = channel->GetState(true);
    while (state != GRPC_CHANNEL_READY && state != GRPC_CHANNEL_TRANSIENT_FAILURE) {
      if (!channel->WaitForStateChange(state, deadline)) break;
      state = channel->GetState(true);
    }
    return state;
  }

  grpc::Status Run(const std::string& method, const grpc::ByteBuffer& request,
                   grpc::ByteBuffer& response, grpc::ClientContext& context) {
    grpc::CompletionQueue queue;
    const auto call = stub.PrepareUnaryCall(&context, method, request, &queue);
    call->StartCall();
    grpc::Status status;
    call->Finish(&response, &status, this);
    void* tag = nullptr;
    bool done = false;
    queue.Next(&tag, &done);
    queue.Shutdown();
    while (queue.Next(&tag, &done)) {
    }
    return status;
  }

  std::shared_ptr<grpc::Channel> channel;
  grpc::GenericStub stub;
};

Client::Client(ServerAddress address, Credentials credentials)
    : address_(std::move(address)), credentials_(std::move(credentials)) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kAnswerBytesMax);
  // http_proxy is for the web, not for a sidecar next door.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A unix socket has no host: gRPC would send its path, escaped, as the authority.
  if (address_.is_unix) arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
  channel_ = std::make_unique<Channel>(
      grpc::CreateCustomChannel(address_.target, MakeCredentials(credentials_), arguments));
}

Client::~Client() = default;

CallResult Client::Call(std::string_view method, const google::protobuf::MessageLite& request,
                        google::protobuf::MessageLite& response,
                        std::chrono::milliseconds timeout) {
  if (address_.is_unix) {
    const std::string obstacle = ProbeSocket(address_.target.substr(5));
    if (!obstacle.empty()) {
      CallResult result = Failure(grpc::StatusCode::UNAVAILABLE, obstacle);
      result.unreachable = true;
      return result;
    }
  }
  const Clock::time_point start = Clock::now();
  const auto connect_time = std::min<std::chrono::milliseconds>(timeout, kConnectTimeout);
  const grpc_connectivity_state state = channel_->Connect(start + connect_time);
  if (state != GRPC_CHANNEL_READY && state != GRPC_CHANNEL_TRANSIENT_FAILURE) {
    CallResult result = Failure(grpc::StatusCode::UNAVAILABLE, "it does not take a connection");
    result.unreachable = true;
    return result;
  }
  grpc::ClientContext context;
  context.set_deadline(start + timeout);
  if (!credentials_.token.empty()) {
    context.AddMetadata("authorization", "Bearer " + credentials_.token);
  }
  grpc::ByteBuffer answer;
  const grpc::Status status = channel_->Run("/tidegate.admin.v1." + std::string(method),
                                            BufferOf(request), answer, context);
  if (!status.ok()) {
    CallResult result = ResultOf(status);
    result.unreachable = state != GRPC_CHANNEL_READY && result.reason.empty();
    if (result.unreachable) result.message = ConnectCause(result.message);
    return result;
  }
  if (!ParseBuffer(answer, response)) {
    return Failure(grpc::StatusCode::INTERNAL, "the answer cannot be read; is this a tidegate?");
  }
  return {};
}

}  // namespace tidegate::ctl
