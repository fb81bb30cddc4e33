#include "connectors/kafka/reach.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "connectors/kafka/topics.h"
#include "server/base/strings.h"

namespace tidegate::kafka {
namespace {

using connectors::TestStage;

constexpr int kConnectTimeoutMs = 2000;

struct AddressDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressPtr = std::unique_ptr<addrinfo, AddressDeleter>;

TestStage Stage(std::string name, bool ok, std::string detail) {
  TestStage stage;
  stage.stage = std::move(name);
  stage.ok = ok;
  stage.detail = std::move(detail);
  return stage;
}

AddressPtr Resolve(std::string_view server, std::string& cause) {
  const std::size_t colon = server.rfind(':');
  std::string host(server.substr(0, colon));
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  const std::string port(server.substr(colon + 1));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  if (code != 0) cause = gai_strerror(code);
  return AddressPtr(code == 0 ? list : nullptr);
}

bool Connect(const addrinfo& address, std::string& cause) {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    cause = "no socket";
    return false;
  }
  int code = 0;
  if (::connect(fd, address.ai_addr, address.ai_addrlen) != 0) {
    code = errno;
    if (code == EINPROGRESS) {
      pollfd wait{};
      wait.fd = fd;
      wait.events = POLLOUT;
      code = ETIMEDOUT;
      if (::poll(&wait, 1, kConnectTimeoutMs) > 0) {
        socklen_t size = sizeof code;
        ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
      }
    }
  }
  ::close(fd);
  if (code != 0) cause = std::strerror(code);
  return code == 0;
}

// The first bootstrap server that resolves and takes a connection.
void ReachOne(const SharedPtr& shared, std::vector<TestStage>& stages) {
  std::string dns_cause;
  std::string tcp_cause;
  bool resolved = false;
  std::string reached;
  for (std::string_view server : Split(shared->config.bootstrap, ',')) {
    const AddressPtr addresses = Resolve(server, dns_cause);
    resolved = resolved || addresses != nullptr;
    for (const addrinfo* entry = addresses.get(); entry != nullptr; entry = entry->ai_next) {
      if (!Connect(*entry, tcp_cause)) continue;
      reached = std::string(server);
      break;
    }
    if (!reached.empty()) break;
  }
  stages.push_back(Stage("dns", resolved, resolved ? "resolved" : dns_cause));
  if (!resolved) return;
  stages.push_back(Stage("tcp", !reached.empty(),
                         reached.empty() ? tcp_cause : "connected to " + reached));
}

// What is found of the topics; `refused` is set instead when the cluster was not spoken to.
TestStage AskMetadata(const SharedPtr& shared, Status& refused) {
  ConfSpec spec;
  spec.role = Role::kEach;
  auto client = Client::Make(shared, spec);
  refused = client.status();
  if (!client.ok()) return TestStage();
  const std::vector<std::string>& topics = shared->config.producer.topics;
  if (topics.empty() && !shared->config.consumer.enabled) {
    return Stage("metadata", false, "no topic is configured");
  }
  std::vector<TopicPartitions> found;
  for (const bool produced : {true, false}) {
    if (produced && topics.empty()) continue;
    if (!produced && !shared->config.consumer.enabled) continue;
    auto part = FindTopics((*client)->rk(), shared, produced ? topics : std::vector<std::string>());
    refused = part.status();
    if (!part.ok()) return TestStage();
    for (TopicPartitions& entry : *part) {
      const bool known = std::any_of(found.begin(), found.end(), [&](const TopicPartitions& other) {
        return other.topic == entry.topic;
      });
      if (!known) found.push_back(std::move(entry));
    }
  }
  std::string detail;
  bool ok = true;
  for (const TopicPartitions& entry : found) {
    if (!detail.empty()) detail += ", ";
    detail += entry.topic;
    detail += entry.partitions == 0 ? " does not exist"
                                    : " has " + std::to_string(entry.partitions) + " partitions";
    ok = ok && entry.partitions > 0;
  }
  return Stage("metadata", ok, detail.empty() ? "no topic matches the pattern" : detail);
}

// tls, auth and metadata: which of them an error belongs to is told by its class.
void AskCluster(const SharedPtr& shared, std::vector<TestStage>& stages) {
  const SecuritySettings& security = shared->config.security;
  Status refused;
  TestStage metadata = AskMetadata(shared, refused);
  const ErrorClass error_class = refused.ok() ? ErrorClass::kNone : ClassOf(refused);
  const std::string cause = MessageOf(refused);
  const bool auth = error_class == ErrorClass::kAuthFailed;
  const bool authorized = error_class == ErrorClass::kNotAuthorized ||
                          error_class == ErrorClass::kDestinationMissing;
  const bool spoken = refused.ok() || authorized;
  // A token or ticket is got before the cluster is dialled: then nothing is known of its TLS.
  const bool dialled = !auth || shared->monitor->dialled();
  if (security.tls && dialled && (spoken || auth || error_class == ErrorClass::kTlsFailed)) {
    const bool ok = spoken || auth;
    stages.push_back(Stage("tls", ok, ok ? "the broker's certificate is trusted" : cause));
    if (!ok) return;
  }
  if (security.sasl && (spoken || auth)) {
    stages.push_back(Stage("auth", spoken, spoken ? "logged in by " + std::string(NameOf(
                                                                          security.mechanism))
                                                  : cause));
    if (auth) return;
  }
  stages.push_back(refused.ok() ? std::move(metadata) : Stage("metadata", false, cause));
}

}  // namespace

std::vector<TestStage> Reach(const SharedPtr& shared) {
  std::vector<TestStage> stages;
  ReachOne(shared, stages);
  if (!stages.back().ok) return stages;
  AskCluster(shared, stages);
  return stages;
}

}  // namespace tidegate::kafka
