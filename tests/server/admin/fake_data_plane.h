// A serving side that remembers what it was told, and fails where a test says so.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "server/base/check.h"
#include "server/flow/data_plane.h"

namespace tidegate::admin {

class FakeDataPlane final : public flow::DataPlane {
 public:
  // What a test sets.
  std::vector<flow::AssembleProblem> problems;       // of APIs that are among the assembled
  Status publish_result = OkStatus();                // of the next publish
  Status subscriptions_result = OkStatus();          // of the next one
  std::vector<flow::ConnectionInfo> connections;
  std::vector<flow::EndpointHealth> endpoints;

  std::vector<flow::AssembleProblem> kept;           // of the next refreshes
  std::size_t changed_by_refresh = 0;

  // What a test reads.
  int refreshed = 0;
  std::vector<model::ApiPtr> serving;                // of the last snapshot published
  std::map<std::string, std::vector<model::Subscription>> subscriptions;
  int assembled = 0;
  int published = 0;

  const model::Api* Serving(const std::string& api) const {
    for (const model::ApiPtr& one : serving) {
      if (one->name == api) return one.get();
    }
    return nullptr;
  }
  const model::Subscription* SubscriptionOf(const std::string& api, const std::string& name) const {
    const auto found = subscriptions.find(api);
    if (found == subscriptions.end()) return nullptr;
    for (const model::Subscription& one : found->second) {
      if (one.name == name) return &one;
    }
    return nullptr;
  }

  http::Handler& handler() override { CheckFailed(__FILE__, __LINE__, "no handler here"); }

  StatusOr<std::shared_ptr<const flow::Snapshot>> Assemble(
      const std::vector<model::ApiPtr>& apis, std::vector<flow::AssembleProblem>& out) override {
    ++assembled;
    for (const flow::AssembleProblem& problem : problems) {
      for (const model::ApiPtr& api : apis) {
        if (api->name == problem.api) out.push_back(problem);
      }
    }
    if (!out.empty()) return InvalidArgument("assemble: refused");
    // Snapshots are opaque to admin: ours is the list of APIs under another type.
    auto list = std::make_shared<std::vector<model::ApiPtr>>(apis);
    const auto* opaque = reinterpret_cast<const flow::Snapshot*>(list.get());
    return std::shared_ptr<const flow::Snapshot>(std::move(list), opaque);
  }

  Status Publish(std::shared_ptr<const flow::Snapshot> snapshot,
                 std::chrono::milliseconds) override {
    const Status result = std::exchange(publish_result, OkStatus());
    if (!result.ok()) return result;
    ++published;
    serving = *reinterpret_cast<const std::vector<model::ApiPtr>*>(snapshot.get());
    return OkStatus();
  }
  StatusOr<std::size_t> RefreshSecrets(std::chrono::milliseconds,
                                       std::vector<flow::AssembleProblem>& out) override {
    ++refreshed;
    out = kept;
    return std::size_t{changed_by_refresh};
  }
  std::uint64_t generation() const override { return static_cast<std::uint64_t>(published); }

  Status PublishSubscriptions(const std::string& api, std::vector<model::Subscription> list,
                              std::chrono::milliseconds) override {
    const Status result = std::exchange(subscriptions_result, OkStatus());
    if (!result.ok()) return result;
    subscriptions[api] = std::move(list);
    return OkStatus();
  }

  std::vector<flow::ConnectionInfo> Connections(std::size_t max) override {
    auto list = connections;
    if (list.size() > max) list.resize(max);
    return list;
  }
  bool CloseConnection(const std::string& id) override {
    return std::erase_if(connections, [&](const auto& one) { return one.id == id; }) != 0;
  }
  std::vector<flow::EndpointHealth> Endpoints() override { return endpoints; }
  StatusOr<std::vector<connectors::TestStage>> TestEndpoint(const std::string& api,
                                                            const std::string& name) override {
    if (api != "orders" || name != "main") return NotFound("flow: no such endpoint");
    return std::vector<connectors::TestStage>{{"dns", true, ""}, {"tcp", false, "refused"}};
  }
  flow::ReaderStats readers() const override { return {}; }
  void StartDrain() override { draining_ = true; }
  void CancelDrain() override { draining_ = false; }
  bool draining() const override { return draining_; }
  void EndStreams() override {}
  std::size_t WaitForStreams(std::chrono::milliseconds) override { return connections.size(); }
  std::map<std::string, flow::Backlog> Backlogs() override { return {}; }
  void Shutdown(TimePoint) override {}

 private:
  bool draining_ = false;
};

}  // namespace tidegate::admin
