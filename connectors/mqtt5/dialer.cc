#include "connectors/mqtt5/dialer.h"

#include "connectors/mqtt5/limits.h"
#include "server/base/log.h"
#include "server/net/dial.h"
#include "server/net/tls_client.h"

namespace tidegate::mqtt5 {
namespace {

using connectors::TestStage;

std::string NameOf(const ServerAddress& address) {
  return address.host + ":" + std::to_string(address.port);
}

// A look at a server hears everything and keeps nothing.
class Deaf final : public ConnectionEvents {
 public:
  void OnConnected(Connection& /*connection*/) override {}
  void OnPublish(const Publish& /*packet*/) override {}
  void OnPuback(const Puback& /*packet*/) override {}
  void OnTurn() override {}
  bool HasRoom() override { return true; }
  void OnClosed(const Status& /*why*/) override {}
};

TestStage Stage(const char* name, const Status& status, std::string detail) {
  TestStage stage;
  stage.stage = name;
  stage.ok = status.ok();
  stage.detail = status.ok() ? std::move(detail) : MessageOf(status);
  return stage;
}

std::string Facts(const Connack& connack) {
  std::string text = "QoS up to " + std::to_string(connack.maximum_qos);
  text += connack.retain_available ? ", retained" : ", nothing retained";
  text += connack.shared_available ? ", shared subscriptions" : ", no shared subscriptions";
  text += ", receive maximum " + std::to_string(connack.receive_maximum);
  if (connack.packet_bytes_max != 0) {
    text += ", packets up to " + std::to_string(connack.packet_bytes_max) + " bytes";
  }
  return text;
}

}  // namespace

Connect MakeConnect(const Mqtt5Config& config, std::string client_id) {
  Connect connect;
  connect.client_id = std::move(client_id);
  connect.keep_alive = kKeepAliveSeconds;
  connect.receive_maximum = kReceiveMaximum;
  connect.packet_bytes_max = kPacketBytesMax;
  connect.topic_alias_maximum = kTopicAliasMax;
  connect.username = config.username;
  connect.password = config.password;
  return connect;
}

void Dialer::Moved(const std::string& reference) {
  ServerAddress to = FirstReference(reference);
  if (to.host.empty()) return;
  const std::lock_guard lock(mutex_);
  moved_ = std::move(to);
}

ServerAddress Dialer::Start(const std::string& hint, bool& moved) {
  ServerAddress address = FirstReference(hint);
  if (address.host.empty()) {
    const std::lock_guard lock(mutex_);
    address = moved_;
    moved = !moved_.host.empty();
  }
  if (address.host.empty()) {
    address.host = config_.host;
    address.port = config_.port;
  }
  if (address.port == 0) address.port = config_.port;
  return address;
}

Task<StatusOr<net::ByteStreamPtr>> Dialer::Reach(net::Worker& worker, ServerAddress to,
                                                 TimePoint deadline) {
  auto stream = co_await net::Dial(worker, to.host, to.port, deadline);
  if (!stream.ok() || config_.tls == nullptr) co_return stream;
  net::ByteStreamPtr plain = std::move(*stream);
  co_return co_await config_.tls->Connect(worker, std::move(plain), to.host, deadline);
}

Task<StatusOr<ConnectionPtr>> Dialer::Open(net::Worker& worker, Connect connect,
                                           ConnectionEvents& events, std::string hint,
                                           TimePoint deadline) {
  bool moved = false;
  ServerAddress to = Start(hint, moved);
  for (int hop = 0;; ++hop) {
    auto stream = co_await Reach(worker, to, deadline);
    if (!stream.ok()) {
      if (moved) {
        // Who has moved away again is found where the settings say.
        const std::lock_guard lock(mutex_);
        moved_ = ServerAddress();
      }
      co_return stream.status();
    }
    moved = false;
    Redirect redirect;
    std::string server = NameOf(to);
    net::ByteStreamPtr ready = std::move(*stream);
    auto opened = co_await Connection::Open(worker, std::move(ready), connect, std::move(server),
                                            deadline, events, &redirect);
    if (opened.ok() || redirect.reference.empty() || hop >= kRedirectsMax) co_return opened;
    ServerAddress next = FirstReference(redirect.reference);
    if (next.host.empty()) co_return opened;
    if (next.port == 0) next.port = config_.port;
    const std::string from = NameOf(to);
    const std::string towards = NameOf(next);
    Log(LogLevel::kInfo, "mqtt5.redirected", {{"from", from}, {"to", towards}});
    if (redirect.for_good) Moved(redirect.reference);
    to = std::move(next);
  }
}

Task<bool> Dialer::TestMqtt(net::Worker& worker, net::ByteStreamPtr stream, Connect connect,
                            std::vector<std::string> filters, std::vector<TestStage>& stages) {
  Deaf deaf;
  Redirect redirect;
  std::string server = config_.host + ":" + std::to_string(config_.port);
  const TimePoint deadline = Clock::now() + kConnectTimeout;
  auto opened = co_await Connection::Open(worker, std::move(stream), std::move(connect),
                                          std::move(server), deadline, deaf, &redirect);
  std::string who = config_.username ? "as user " + *config_.username : "without credentials";
  if (!opened.ok() && !redirect.reference.empty()) who = "refers to another server";
  stages.push_back(Stage("auth", opened.status(), std::move(who)));
  if (!opened.ok()) co_return false;
  std::string facts = Facts((*opened)->connack());
  Status readable = OkStatus();
  if (!filters.empty()) {
    std::vector<Subscription> wanted;
    for (const std::string& filter : filters) {
      wanted.emplace_back();
      wanted.back().filter = filter;
    }
    constexpr std::uint8_t kNoRetained = 2;
    auto granted = co_await (*opened)->Subscribe(std::move(wanted), 1, kNoRetained,
                                                 Clock::now() + kConnectTimeout);
    readable = granted.status();
    for (std::size_t i = 0; granted.ok() && i < granted->size(); ++i) {
      const std::uint8_t reason = (*granted)[i];
      if (reason >= 0x80 && readable.ok()) {
        readable = ReasonError("subscribe to " + filters[i], reason, "");
      }
    }
    facts += ", " + std::to_string(filters.size()) + " topic filters granted";
  }
  stages.push_back(Stage("metadata", readable, std::move(facts)));
  co_await (*opened)->Close();
  co_return readable.ok();
}

Task<std::vector<TestStage>> Dialer::Test(net::Worker& worker, Connect connect,
                                          std::vector<std::string> filters) {
  std::vector<TestStage> stages;
  const TimePoint deadline = Clock::now() + kConnectTimeout;
  auto found = co_await net::ResolveHost(worker, config_.host, config_.port, deadline);
  std::string detail;
  if (found.ok()) detail = found->front().address().to_string();
  stages.push_back(Stage("dns", found.status(), std::move(detail)));
  if (!found.ok()) co_return stages;
  auto endpoints = std::move(*found);
  auto stream = co_await net::DialTcp(worker, std::move(endpoints), deadline);
  stages.push_back(Stage("tcp", stream.status(), "port " + std::to_string(config_.port)));
  if (!stream.ok()) co_return stages;
  net::ByteStreamPtr ready = std::move(*stream);
  if (config_.tls != nullptr) {
    auto secure = co_await config_.tls->Connect(worker, std::move(ready), config_.host, deadline);
    stages.push_back(Stage("tls", secure.status(), "verified"));
    if (!secure.ok()) co_return stages;
    ready = std::move(*secure);
  }
  co_await TestMqtt(worker, std::move(ready), std::move(connect), std::move(filters), stages);
  co_return stages;
}

}  // namespace tidegate::mqtt5
