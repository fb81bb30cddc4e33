// The desired state in memory, over the store: what is stored, what is deployed, what was deployed.
//
// A State is immutable and shared; readers take the current one, a mutation edits a copy of it (a
// map of shared pointers, so that copying is cheap) inside a Change, and the deployer makes the
// whole change hold at once or not at all. What differs between two states is told by pointers.
// Thread: any. Owner: sidecar owns the repository; states are counted. Fails: see config_store.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/status.h"
#include "server/model/api.h"
#include "server/model/subscription.h"
#include "server/state/config_store.h"

namespace tidegate::config::v1 {
class Api;
class ApiRevision;
class Application;
class Subscription;
}  // namespace tidegate::config::v1

namespace tidegate::admin {

namespace cfg = ::tidegate::config::v1;

// Owner of what plain calls write.
inline constexpr std::string_view kAdminOwner = "admin";
// Owner of what a definition directory holds: "file:" and the directory.
inline constexpr std::string_view kFileOwnerPrefix = "file:";

struct Deployment {
  std::uint64_t revision = 0;
  bool stopped = false;
  std::shared_ptr<const cfg::ApiRevision> record;  // as stored, with the snapshot
  model::ApiPtr model;   // null: kept, but this process cannot serve it
  std::string problem;   // why not, for a condition
};

// All maps are by full name: apis/orders, apis/orders/subscriptions/storefront.
struct State {
  std::map<std::string, std::shared_ptr<const cfg::Api>> apis;
  std::map<std::string, std::shared_ptr<const Deployment>> deployments;
  std::map<std::string, std::shared_ptr<const cfg::Application>> applications;
  std::map<std::string, std::shared_ptr<const cfg::Subscription>> subscriptions;
  std::map<std::string, std::uint64_t> last_revision;  // newest number of each API
  std::uint64_t revision = 0;                          // of the configuration
};

using StatePtr = std::shared_ptr<const State>;

// The subscriptions of one API (full name), as a range of the map.
std::vector<std::shared_ptr<const cfg::Subscription>> SubscriptionsOf(const State& state,
                                                                      const std::string& api);

// One mutation in the making.
class Change {
 public:
  Change(StatePtr before, model::WallTime now);
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  const State& before() const { return *before_; }
  const State& now() const { return draft_; }
  model::WallTime time() const { return time_; }

  // Null: there is none.
  const cfg::Api* FindApi(const std::string& name) const;
  const cfg::Application* FindApplication(const std::string& name) const;
  const cfg::Subscription* FindSubscription(const std::string& name) const;
  const Deployment* FindDeployment(const std::string& api) const;

  // Stores; stamps uid, times and etag. A resource that says what is there already is no change.
  void Put(const cfg::Api& api);
  void Put(const cfg::Application& application);
  void Put(const cfg::Subscription& subscription);
  void EraseApi(const std::string& name);  // its deployment and revisions as well
  void EraseApplication(const std::string& name);
  void EraseSubscription(const std::string& name);

  // Makes `snapshot` the deployed state of its API, as a new revision.
  void Deploy(const cfg::Api& snapshot, bool stopped);
  // The same revision, stopped or not.
  void SetStopped(const std::string& api, bool stopped);
  void Undeploy(const std::string& api);
  // Puts the compiled form beside a deployment (called by the deployer).
  void SetModel(const std::string& api, model::ApiPtr model);

  // Where a resource stands in the request, for field paths: apis/orders → bundle.apis[0].
  void SetPlace(const std::string& name, const std::string& path) { places_[name] = path; }
  std::string PlaceOf(const std::string& name) const;

  // What turns the stored state before into the state now, and back.
  state::Transaction Forward() const;
  state::Transaction Backward() const;
  StatePtr Finish(std::uint64_t revision) const;
  bool empty() const;

 private:
  template <typename Map, typename Resource>
  void PutInto(Map& map, const Resource& resource);

  StatePtr before_;
  State draft_;
  model::WallTime time_;
  std::vector<state::RevisionRecord> revisions_;
  std::vector<std::string> forget_api_;
  std::map<std::string, std::string> places_;
};

class Repository {
 public:
  explicit Repository(state::ConfigStore& store);

  // Reads the store; deployments are not compiled yet.
  Status Load();
  StatePtr Read() const;
  void Set(StatePtr state);
  state::ConfigStore& store() { return store_; }

 private:
  state::ConfigStore& store_;
  mutable std::mutex mutex_;  // of the pointer only
  StatePtr state_;
};

// Quoted hash of the canonical serialisation without output-only fields; of a subscription with its
// state and its keys', for these change by calls of their own.
std::string EtagOf(const cfg::Api& api);
std::string EtagOf(const cfg::Application& application);
std::string EtagOf(const cfg::Subscription& subscription);
// Whether two resources say the same, output-only fields aside.
bool SameContent(const cfg::Api& a, const cfg::Api& b);

}  // namespace tidegate::admin
