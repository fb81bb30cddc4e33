#include "connectors/kafka/reach.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

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

TestStage AskMetadata(const SharedPtr& shared) {
  ConfSpec spec;
  spec.role = Role::kEach;
  auto client = Client::Make(shared, spec);
  if (!client.ok()) return Stage("metadata", false, MessageOf(client.status()));
  std::vector<std::string> topics = shared->config.producer.topics;
  if (topics.empty() && shared->config.consumer.topics.empty() &&
      shared->config.consumer.topics_pattern.empty()) {
    return Stage("metadata", false, "no topic is configured");
  }
  std::vector<TopicPartitions> found;
  for (const bool produced : {true, false}) {
    if (produced && topics.empty()) continue;
    if (!produced && !shared->config.consumer.enabled) continue;
    auto part = FindTopics((*client)->rk(), shared, produced ? topics : std::vector<std::string>());
    if (!part.ok()) return Stage("metadata", false, MessageOf(part.status()));
    found.insert(found.end(), part->begin(), part->end());
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

}  // namespace

std::vector<TestStage> Reach(const SharedPtr& shared) {
  std::vector<TestStage> stages;
  ReachOne(shared, stages);
  if (!stages.back().ok) return stages;
  stages.push_back(AskMetadata(shared));
  return stages;
}

}  // namespace tidegate::kafka
