#include "connectors/solace/reach.h"

#include <proton/link.h>
#include <proton/terminus.h>

#include <memory>

#include "connectors/solace/connection.h"
#include "connectors/solace/limits.h"
#include "server/base/codec.h"

namespace tidegate::solace {
namespace {

using connectors::TestStage;
using std::chrono::milliseconds;

// A link that is attached for its answer only.
class Probe final : public LinkListener {
 public:
  Probe(net::Event& changed, std::string what) : changed_(changed), what_(std::move(what)) {}

  void Open(Connection& connection, const std::string& address, bool sender) {
    const std::string name = "tidegate-test-" + RandomToken(8);
    link_ = sender ? connection.MakeSender(name, *this)
                   : connection.MakeReceiver(name, *this, kSessionBytesMin);
    pn_terminus_t* source = pn_link_source(link_);
    pn_terminus_t* target = pn_link_target(link_);
    pn_terminus_set_type(source, PN_SOURCE);
    pn_terminus_set_type(target, PN_TARGET);
    pn_terminus_set_address(sender ? target : source, address.c_str());
    if (!sender) pn_terminus_set_expiry_policy(source, PN_EXPIRE_WITH_LINK);
    pn_link_open(link_);
  }
  void OnAttached() override {
    done_ = true;
    changed_.Set();
  }
  void OnGone(const Status& status) override {
    link_ = nullptr;
    done_ = true;
    status_ = status;
    changed_.Set();
  }
  void Leave(Connection& connection) {
    if (link_ != nullptr) connection.ReleaseLink(std::exchange(link_, nullptr), false);
  }
  bool done() const { return done_; }
  const Status& status() const { return status_; }
  const std::string& what() const { return what_; }

 private:
  net::Event& changed_;
  const std::string what_;
  pn_link_t* link_ = nullptr;
  bool done_ = false;
  Status status_;
};

using Probes = std::vector<std::unique_ptr<Probe>>;

Probes OpenAll(const SolaceConfig& config, Connection& connection, net::Event& changed) {
  Probes probes;
  auto add = [&](const std::string& name, const std::string& address, bool sender) {
    auto probe = std::make_unique<Probe>(
        changed, name + (sender ? " can be published to" : " can be read"));
    probe->Open(connection, address, sender);
    probes.push_back(std::move(probe));
  };
  if (config.producer.enabled) {
    for (const std::string& topic : config.producer.topics) {
      add(topic, connection.TopicAddress(topic), true);
    }
  }
  if (config.consumer.enabled && !config.consumer.queue.empty()) {
    add(config.consumer.queue, connection.QueueAddress(config.consumer.queue), false);
  } else if (config.consumer.enabled) {
    for (const std::string& topic : config.consumer.topics) {
      add(topic, connection.TopicAddress(topic), false);
    }
  }
  connection.Flush();
  return probes;
}

TestStage Judge(const Probes& probes) {
  TestStage stage;
  stage.stage = "metadata";
  stage.ok = true;
  for (const auto& probe : probes) {
    const bool fine = probe->done() && probe->status().ok();
    std::string text = probe->what();
    if (!fine) {
      text = "not so: " + text + ": " +
             (probe->done() ? MessageOf(probe->status()) : std::string("no answer in time"));
    }
    if (fine && !stage.ok) continue;   // what is wrong is what is told
    if (!fine && stage.ok) stage.detail.clear();
    stage.ok = stage.ok && fine;
    if (!stage.detail.empty()) stage.detail += "; ";
    stage.detail += text;
  }
  return stage;
}

}  // namespace

Task<std::vector<TestStage>> Reach(SharedPtr shared, net::Worker& worker) {
  const TimePoint deadline = Clock::now() + kTestTimeout;
  std::vector<TestStage> stages;
  std::string container = "tidegate-test-" + RandomToken(8);
  auto opened = co_await Connection::Open(shared, worker, std::move(container), deadline, &stages);
  if (!opened.ok()) co_return stages;
  const ConnectionPtr connection = std::move(*opened);
  net::Event changed(worker);
  Probes probes = OpenAll(shared->config, *connection, changed);
  for (;;) {
    bool all = true;
    for (const auto& probe : probes) all = all && probe->done();
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (all || left <= milliseconds(0)) break;
    co_await changed.WaitFor(left);
  }
  stages.push_back(Judge(probes));
  for (const auto& probe : probes) probe->Leave(*connection);
  co_await connection->Close();
  co_return stages;
}

}  // namespace tidegate::solace
