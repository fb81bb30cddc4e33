// What every call goes through, whatever service it is of: size, deadline, unknown fields, the
// caller's request id, redaction of the answer, audit line, metrics.
//
// It knows no gRPC: services.cc gives it the call, tests may as well.
// Thread: any. Owner: the services. Fails: with what the operation failed, or by the catalogue.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "server/admin/call.h"
#include "server/base/codec.h"
#include "server/base/status.h"

namespace google::protobuf {
class Message;
}

namespace tidegate::admin {

inline constexpr std::size_t kRequestBytesMax = 4 * 1024 * 1024;   // configured default
inline constexpr std::size_t kMessageBytesMax = 16 * 1024 * 1024;  // what is read at all
inline constexpr std::size_t kRequestIdsKept = 1024;  // a retry comes soon, or not at all
inline constexpr std::size_t kRequestIdBytesKept = 8 * 1024 * 1024;

class ServiceCall {
 public:
  explicit ServiceCall(std::size_t request_bytes_max = kRequestBytesMax)
      : request_bytes_max_(request_bytes_max) {}
  ServiceCall(const ServiceCall&) = delete;
  ServiceCall& operator=(const ServiceCall&) = delete;

  Status Run(Call& call, const google::protobuf::Message& request,
             google::protobuf::Message& response, const std::function<Status()>& operation);

 private:
  struct Answer {
    std::string key;  // method and request id
    Sha256Digest request;
    std::string response;
  };

  Status Checked(Call& call, const google::protobuf::Message& request,
                 google::protobuf::Message& response, const std::function<Status()>& operation);
  // Waits while a call with this key is under way; false: until its deadline.
  bool Enter(const std::string& key, std::chrono::steady_clock::time_point deadline);
  void Leave(const std::string& key);
  // The answer that the call before has had, or what the operation says now.
  Status Once(const std::string& key, const Sha256Digest& request,
              google::protobuf::Message& response, const std::function<Status()>& operation);
  // The answer of the same call before; false: there was none.
  StatusOr<bool> Recall(const std::string& key, const Sha256Digest& request,
                        google::protobuf::Message& response);
  void Remember(const std::string& key, const Sha256Digest& request,
                const google::protobuf::Message& response);

  std::size_t request_bytes_max_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::set<std::string> running_;
  std::list<Answer> answers_;  // oldest first
  std::map<std::string, std::list<Answer>::iterator> by_key_;
  std::size_t answer_bytes_ = 0;
};

// INVALID_ARGUMENT, NOT_FOUND …: the words of gRPC.
std::string CodeWord(StatusCode code);
// Whether a method changes nothing: Get…, List…, Diff…, Dump…, Test….
bool IsRead(std::string_view method);

}  // namespace tidegate::admin
