// A gateway's admin services, made up: answers by method name, and remembers what it was asked.
//
// Thread: gRPC's own; everything shared is locked. Owner: the test. A method that was not given an
// answer is UNIMPLEMENTED; one that no service of the protos has fails the test.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace google::protobuf {
class Message;
}

namespace tidegate::ctl {

struct FakeError {
  int code = 0;
  std::string message;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<std::pair<std::string, std::string>> violations;  // field, text
};

class FakeServer {
 public:
  // Takes the request; fills the response or the error.
  using Handler = std::function<FakeError(const google::protobuf::Message& request,
                                          google::protobuf::Message& response)>;

  FakeServer();  // at a unix socket in a directory of its own
  ~FakeServer();

  // "ApiService/GetApi".
  void On(const std::string& method, Handler handler);
  // Answers with a message; it must be of the method's type.
  void Answer(const std::string& method, const google::protobuf::Message& message);
  void Fail(const std::string& method, FakeError error);
  // Never answers.
  void Hang(const std::string& method);

  struct Call {
    std::string method;
    std::shared_ptr<google::protobuf::Message> request;
    std::string authorization;
  };
  std::vector<Call> calls() const;
  // The last request of a method, which must have been made.
  template <typename Request>
  Request Last(const std::string& method) const {
    for (const auto list = calls(); const Call& call : Reversed(list)) {
      if (call.method == method) return static_cast<const Request&>(*call.request);
    }
    return Missing<Request>(method);
  }

  std::string address() const;    // unix:/…
  std::string directory() const;  // a place for files

 private:
  static std::vector<Call> Reversed(const std::vector<Call>& calls) {
    return {calls.rbegin(), calls.rend()};
  }
  template <typename Request>
  static Request Missing(const std::string& method) {
    ReportMissing(method);
    return {};
  }
  static void ReportMissing(const std::string& method);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidegate::ctl
