// Calls to the admin services, by name, without their generated stubs (which are dear to compile).
//
// Thread: the caller's; calls block. Owner: Context. Fails: by CallResult, never otherwise.
// Every call has a deadline; a server that does not take the connection is told apart from one
// that does not answer in time.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/ctl/server_address.h"

namespace google::protobuf {
class MessageLite;
}

namespace tidegate::ctl {

// What a refused field is, from google.rpc.BadRequest or PreconditionFailure.
struct CallViolation {
  std::string field;
  std::string text;
};

struct CallResult {
  int code = 0;  // as in grpc::StatusCode
  std::string message;
  bool unreachable = false;  // no connection: the call was never sent
  std::string reason;        // of ErrorInfo
  std::map<std::string, std::string> metadata;  // of ErrorInfo
  std::vector<CallViolation> violations;
  std::string resource;  // of ResourceInfo

  bool ok() const { return code == 0; }
};

struct Credentials {
  std::string ca;     // PEM; empty: the system's
  std::string cert;   // PEM
  std::string key;    // PEM
  std::string token;  // bearer
  bool tls = false;
};

class Client {
 public:
  Client(ServerAddress address, Credentials credentials);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `method` as in "ApiService/GetApi".
  CallResult Call(std::string_view method, const google::protobuf::MessageLite& request,
                  google::protobuf::MessageLite& response, std::chrono::milliseconds timeout);

  const ServerAddress& address() const { return address_; }

 private:
  struct Channel;
  ServerAddress address_;
  Credentials credentials_;
  std::unique_ptr<Channel> channel_;
};

}  // namespace tidegate::ctl
