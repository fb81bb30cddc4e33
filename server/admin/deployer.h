// The one road by which configuration changes: edit a copy, check it, compile and assemble what is
// deployed, store it, publish subscriptions, publish the snapshot to every worker. Subscriptions go
// first, so that no key is unknown to an API or a plan that is served already.
//
// A step that fails leaves the old configuration running and the store as it was: what was already
// stored or published is taken back. One mutation runs at a time; readers never wait for it.
// Thread: any thread that may block for seconds (gRPC's, the control thread); never a worker.
// Owner: sidecar; repository and data plane outlive it.
// Fails: by the error catalogue (errors.h).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "server/admin/call.h"
#include "server/admin/repository.h"

namespace tidegate::flow {
class DataPlane;
class Snapshot;
struct AssembleProblem;
}  // namespace tidegate::flow

namespace tidegate::admin {

struct DeployerOptions {
  DeployerOptions() = default;
  // APIs that have tags are served only where they share one; empty: all are served.
  std::vector<std::string> tags;
  std::string tenant;  // endpoints that name tenants are used only where theirs is among them
  // How long workers may take to confirm a change.
  std::chrono::milliseconds publish_limit{30'000};
  std::function<model::WallTime()> now;  // null: the system's clock
};

// tidegate_config_applies_total{source, result} and, when accepted, the time of the last success.
void CountApply(const std::string& source, bool accepted);

// Since when all references of an API are in use, or one is not and why (no secret is in the text).
struct RefsState {
  std::string problem;  // empty: they are
  model::WallTime since{};
};

class Deployer {
 public:
  Deployer(Repository& repository, flow::DataPlane& data_plane, DeployerOptions options);

  // At start: loads the store, assembles and publishes what was deployed. An API that this process
  // cannot serve (a secret is gone, say) is left out with a condition and a log line; the others
  // are served. Fails when the store cannot be read or nothing can be published.
  Status Restore();

  using Edit = std::function<Status(Change&)>;
  // Runs `edit` on a copy of the state and makes the result hold. With `validate_only` everything
  // is checked, and nothing is stored or published.
  Status Mutate(Call& call, bool validate_only, const Edit& edit);

  // A secret, a password or a key store that deployed APIs name has changed: their endpoints are
  // looked at again (flow::DataPlane::RefreshSecrets), nothing is stored. What cannot be used keeps
  // what runs and is logged. APIs that Restore left out are tried again.
  Status RefreshSecrets();
  // The files that deployed APIs name, each once: what to watch.
  std::vector<std::string> ReferencedFiles() const;
  // Whether what the references of a deployed API stand for now is in use: the condition
  // ResolvedRefs. `api` is its full name.
  RefsState RefsOf(const std::string& api) const;

  StatePtr Read() const { return repository_.Read(); }
  Repository& repository() { return repository_; }
  flow::DataPlane& data_plane() { return data_plane_; }
  model::WallTime now() const;

 private:
  Status MutateLocked(Call& call, bool validate_only, const Edit& edit);
  using SnapshotPtr = std::shared_ptr<const flow::Snapshot>;

  bool Serves(const cfg::Api& api) const;
  Status CompileChanged(Change& change);
  Status CheckSecrets(const Call& call, const Change& change) const;
  Status CheckListeners(const Change& change) const;
  Status CheckReferences(const Change& change) const;
  StatusOr<SnapshotPtr> Assemble(const State& state, const Change& change);
  Status Publish(const Change& change, SnapshotPtr snapshot, std::chrono::milliseconds limit);
  Status PublishSubscriptions(const State& state, const std::set<std::string>& apis,
                              std::chrono::milliseconds limit);
  void TakeBack(const Change& change, const std::set<std::string>& apis, bool assembled);
  bool LeaveOutBroken(State& state);
  Status ServeLeftOut();
  void NoteRefs(const std::vector<flow::AssembleProblem>& kept);

  Repository& repository_;
  flow::DataPlane& data_plane_;
  DeployerOptions options_;
  std::timed_mutex mutation_;
  // What refreshes have said of an API, for as long as the model is deployed that they looked at.
  struct NotedRefs {
    model::ApiPtr model;
    RefsState state;
  };
  mutable std::mutex refs_mutex_;
  std::map<std::string, NotedRefs> refs_;
};

}  // namespace tidegate::admin
