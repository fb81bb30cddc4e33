#include "connectors/kafka/reach.h"

#include <algorithm>
#include <functional>

#include "connectors/kafka/topics.h"
#include "server/base/strings.h"
#include "server/net/dial.h"

namespace tidegate::kafka {
namespace {

using connectors::TestStage;

constexpr auto kServerTimeout = std::chrono::seconds(3);  // name and connection of one server

TestStage Stage(std::string name, bool ok, std::string detail) {
  TestStage stage;
  stage.stage = std::move(name);
  stage.ok = ok;
  stage.detail = std::move(detail);
  return stage;
}

// `host:port` of the bootstrap list; an address of IPv6 stands in brackets.
struct Server {
  std::string host;
  std::uint16_t port = 0;
};

Server Parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  Server server;
  server.host = std::string(text.substr(0, colon));
  const auto port = ParseUint(text.substr(colon + 1));
  server.port = port && *port <= 65535 ? static_cast<std::uint16_t>(*port) : 0;
  return server;
}

// The first bootstrap server that resolves and takes a connection.
Task<bool> ReachOne(std::string bootstrap, net::Worker& worker, TimePoint deadline,
                    std::vector<TestStage>& stages) {
  Status dns = OkStatus();
  Status tcp = OkStatus();
  bool resolved = false;
  std::string reached;
  for (const std::string_view text : Split(bootstrap, ',')) {
    const Server server = Parse(text);
    const TimePoint until = std::min<TimePoint>(deadline, Clock::now() + kServerTimeout);
    auto found = co_await net::ResolveHost(worker, server.host, server.port, until);
    if (!found.ok()) {
      dns = found.status();
      continue;
    }
    resolved = true;
    auto endpoints = std::move(*found);
    const auto stream = co_await net::DialTcp(worker, std::move(endpoints), until);
    tcp = stream.status();
    if (!stream.ok()) continue;
    (*stream)->Close();
    reached = std::string(text);
    break;
  }
  stages.push_back(Stage("dns", resolved, resolved ? "resolved" : MessageOf(dns)));
  if (!resolved) co_return false;
  stages.push_back(Stage("tcp", !reached.empty(),
                         reached.empty() ? MessageOf(tcp) : "connected to " + reached));
  co_return !reached.empty();
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
std::vector<TestStage> AskCluster(const SharedPtr& shared) {
  std::vector<TestStage> stages;
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
  // Who does not speak TLS may hang up; to the library that is a connection lost like others.
  const bool shaking = error_class == ErrorClass::kTlsFailed ||
                       cause.find("in state SSL_HANDSHAKE") != std::string::npos;
  if (security.tls && dialled && (spoken || auth || shaking)) {
    const bool ok = spoken || auth;
    stages.push_back(Stage("tls", ok, ok ? "the broker's certificate is trusted" : cause));
    if (!ok) return stages;
  }
  if (security.sasl && (spoken || auth)) {
    stages.push_back(Stage("auth", spoken, spoken ? "logged in by " + std::string(NameOf(
                                                                          security.mechanism))
                                                  : cause));
    if (auth) return stages;
  }
  stages.push_back(refused.ok() ? std::move(metadata) : Stage("metadata", false, cause));
  return stages;
}

}  // namespace

Task<std::vector<TestStage>> Reach(SharedPtr shared, net::Worker& worker) {
  using Stages = std::vector<TestStage>;
  const TimePoint deadline = Clock::now() + kOpenDeadline;
  Stages stages;
  std::string bootstrap = shared->config.bootstrap;
  const bool reached = co_await ReachOne(std::move(bootstrap), worker, deadline, stages);
  if (!reached) co_return stages;
  std::function<Stages()> job = [shared] { return AskCluster(shared); };
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  auto asked = co_await shared->threads.Run<Stages>(worker, std::move(job), left);
  if (!asked) {
    stages.push_back(Stage("metadata", false, "no answer within 10 s"));
    co_return stages;
  }
  stages.insert(stages.end(), asked->begin(), asked->end());
  co_return stages;
}

}  // namespace tidegate::kafka
