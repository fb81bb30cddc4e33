#include "server/admin/deployer.h"

#include <algorithm>
#include <ctime>
#include <optional>

#include "server/admin/definitions.h"
#include "server/admin/errors.h"
#include "server/base/check.h"
#include "server/base/log.h"
#include "server/config/names.h"
#include "server/config/secrets.h"
#include "server/flow/data_plane.h"
#include "server/telemetry/metrics.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::admin {
namespace {

using std::chrono::milliseconds;

std::vector<model::ApiPtr> ModelsOf(const State& state) {
  std::vector<model::ApiPtr> models;
  for (const auto& [name, deployment] : state.deployments) {
    if (deployment->model != nullptr) models.push_back(deployment->model);
  }
  return models;
}

bool IsServed(const State& state, const std::string& api) {
  const auto deployment = state.deployments.find(api);
  return deployment != state.deployments.end() && deployment->second->model != nullptr;
}

// The path of the listener in the request: apis/orders.listeners[1].path, say.
std::string ListenerPlace(const Change& change, const std::string& api, const Deployment& deployed,
                          const std::string& path) {
  std::string place = change.PlaceOf(api);
  const cfg::Api& snapshot = deployed.record->snapshot();
  for (int i = 0; i < snapshot.listeners_size(); ++i) {
    if (snapshot.listeners(i).path() != path) continue;
    place = config::Child(config::Item(config::Child(place, "listeners"),
                                       static_cast<std::size_t>(i)), "path");
    break;
  }
  return place;
}

bool SameModels(const State& a, const State& b) { return ModelsOf(a) == ModelsOf(b); }

bool IsOpen(const cfg::Subscription& subscription) {
  return subscription.state() != cfg::SUBSCRIPTION_STATE_CLOSED &&
         subscription.state() != cfg::SUBSCRIPTION_STATE_REJECTED;
}

config::Violations ToViolations(const Change& change,
                                const std::vector<flow::AssembleProblem>& problems) {
  config::Violations violations;
  for (const flow::AssembleProblem& problem : problems) {
    const std::string name = config::ApiName(problem.api);
    config::Violation violation = config::FieldViolation(
        config::Child(change.PlaceOf(name), problem.path), problem.reason, problem.text);
    violation.resource = name;
    violations.push_back(std::move(violation));
  }
  return violations;
}

// The APIs whose workers must hear of their subscriptions.
std::set<std::string> TouchedApis(const State& before, const State& after) {
  std::set<std::string> apis;
  const auto note = [&](const auto& from, const auto& to) {
    for (const auto& [name, subscription] : from.subscriptions) {
      const auto other = to.subscriptions.find(name);
      if (other == to.subscriptions.end() || other->second != subscription) {
        apis.insert(subscription->api());
      }
    }
    for (const auto& [name, deployment] : from.deployments) {
      const auto other = to.deployments.find(name);
      const bool there = other != to.deployments.end() && other->second->model != nullptr;
      if ((deployment->model != nullptr) != there) apis.insert(name);
    }
  };
  note(before, after);
  note(after, before);
  return apis;
}

milliseconds Remaining(const Call& call, milliseconds limit) {
  if (call.deadline == Call::TimePoint::max()) return limit;
  const auto left = std::chrono::duration_cast<milliseconds>(call.deadline -
                                                             std::chrono::steady_clock::now());
  return std::clamp(left, milliseconds(1), limit);
}

}  // namespace

Deployer::Deployer(Repository& repository, flow::DataPlane& data_plane, DeployerOptions options)
    : repository_(repository), data_plane_(data_plane), options_(std::move(options)) {}

model::WallTime Deployer::now() const {
  return options_.now ? options_.now() : std::chrono::system_clock::now();
}

bool Deployer::Serves(const cfg::Api& api) const {
  if (options_.tags.empty() || api.tags().empty()) return true;
  return std::any_of(api.tags().begin(), api.tags().end(), [&](const std::string& tag) {
    return std::find(options_.tags.begin(), options_.tags.end(), tag) != options_.tags.end();
  });
}

Status Deployer::CompileChanged(Change& change) {
  config::Violations violations;
  std::vector<std::pair<std::string, model::ApiPtr>> compiled;
  for (const auto& [name, deployment] : change.now().deployments) {
    const auto old = change.before().deployments.find(name);
    if (old != change.before().deployments.end() && old->second == deployment) continue;
    const cfg::Api& snapshot = deployment->record->snapshot();
    if (!Serves(snapshot)) continue;
    compiled.emplace_back(name, Compile(snapshot, deployment->revision, deployment->stopped,
                                        options_.tenant, change.PlaceOf(name), violations));
  }
  if (!violations.empty()) return Refuse(violations);
  for (auto& [name, model] : compiled) change.SetModel(name, std::move(model));
  return OkStatus();
}

// References that a change brings to what is deployed must be within the caller's reach. Those that
// were there before are not asked again: a remote caller may publish a plan of an API whose author
// on this machine named a variable.
Status Deployer::CheckSecrets(const Call& call, const Change& change) const {
  if (call.secrets == nullptr) return OkStatus();
  config::Violations violations;
  for (const auto& [name, deployment] : change.now().deployments) {
    const auto old = change.before().deployments.find(name);
    const bool known = old != change.before().deployments.end();
    if (known && old->second->record == deployment->record) continue;
    config::Violations before;
    config::Violations after;
    cfg::Api snapshot = deployment->record->snapshot();
    call.secrets->Resolve(&snapshot, true, after);
    if (known) {
      snapshot = old->second->record->snapshot();
      call.secrets->Resolve(&snapshot, true, before);
    }
    for (config::Violation& one : after) {
      const bool was_there = std::any_of(
          before.begin(), before.end(), [&](const config::Violation& other) {
            return other.path == one.path && other.message == one.message;
          });
      if (was_there) continue;
      one.path = config::Child(change.PlaceOf(name), one.path);
      violations.push_back(std::move(one));
    }
  }
  return violations.empty() ? OkStatus() : Refuse(violations);
}

Status Deployer::CheckListeners(const Change& change) const {
  struct Conflict {
    std::string other;
    model::Listener listener;
  };
  std::map<std::pair<std::string, std::string>, std::string> taken;
  config::Violations violations;
  std::optional<Conflict> first;
  for (const auto& [name, deployment] : change.now().deployments) {
    if (deployment->model == nullptr) continue;
    for (const model::Listener& listener : deployment->model->listeners) {
      const auto [entry, fresh] = taken.emplace(std::pair(listener.host, listener.path), name);
      if (fresh) continue;
      // The one that changed is the one that is refused.
      const auto old = change.before().deployments.find(name);
      const bool changed =
          old == change.before().deployments.end() || old->second != deployment;
      const std::string& culprit = changed ? name : entry->second;
      const std::string& other = changed ? entry->second : name;
      if (!first) first = Conflict{other, listener};
      violations.push_back(config::FieldViolation(
          ListenerPlace(change, culprit, *change.now().deployments.at(culprit), listener.path),
          "LISTENER_CONFLICT", "listener " + listener.host + listener.path + " of " + culprit +
                                   " is taken by " + other));
    }
  }
  if (!first) return OkStatus();
  return ListenerConflict(violations, first->other, first->listener.host, first->listener.path);
}

Status Deployer::CheckReferences(const Change& change) const {
  config::Violations violations;
  for (const auto& [name, subscription] : change.now().subscriptions) {
    const auto old = change.before().subscriptions.find(name);
    const bool changed =
        old == change.before().subscriptions.end() || old->second != subscription;
    const cfg::Api* api = change.FindApi(subscription->api());
    const bool has_plan =
        api != nullptr && std::any_of(api->plans().begin(), api->plans().end(),
                                      [&plan_name = subscription->plan()](const cfg::Plan& plan) {
                                        return plan.name() == plan_name;
                                      });
    const bool has_application =
        change.FindApplication(subscription->application()) != nullptr;
    if (api != nullptr && has_plan && has_application) continue;
    if (!changed) {
      if (!IsOpen(*subscription) && api != nullptr) continue;
      const std::string& gone = api == nullptr ? subscription->api()
                                : has_plan     ? subscription->application()
                                               : subscription->plan();
      return Precondition("HAS_CHILDREN", gone,
                          "it has subscriptions, such as " + name + "; force deletes them as well");
    }
    const std::string place = change.PlaceOf(name);
    const char* field = api == nullptr ? "api" : has_plan ? "application" : "plan";
    violations.push_back(config::FieldViolation(config::Child(place, field), config::kUnresolved,
                                                "names something that does not exist"));
  }
  return violations.empty() ? OkStatus() : Refuse(violations);
}

StatusOr<Deployer::SnapshotPtr> Deployer::Assemble(const State& state, const Change& change) {
  std::vector<flow::AssembleProblem> problems;
  auto snapshot = data_plane_.Assemble(ModelsOf(state), problems);
  if (snapshot.ok()) return snapshot;
  if (!problems.empty()) return Refuse(ToViolations(change, problems));
  return snapshot.status();
}

Status Deployer::PublishSubscriptions(const State& state, const std::set<std::string>& apis,
                                      milliseconds limit) {
  for (const std::string& name : apis) {
    std::vector<model::Subscription> subscriptions;
    if (IsServed(state, name)) {
      for (const auto& subscription : SubscriptionsOf(state, name)) {
        if (IsOpen(*subscription)) subscriptions.push_back(Compile(*subscription));
      }
    }
    TG_RETURN_IF_ERROR(data_plane_.PublishSubscriptions(config::LocalPart(name),
                                                        std::move(subscriptions), limit));
  }
  return OkStatus();
}

// Best effort: what fails here is what failed before, and the next change publishes everything.
void Deployer::TakeBack(const Change& change, const std::set<std::string>& apis, bool assembled) {
  const auto stored = repository_.store().Commit(change.Backward());
  if (!stored.ok()) {
    Log(LogLevel::kError, "admin.take_back_failed", {{"cause", MessageOf(stored.status())}});
  }
  if (assembled) {
    std::vector<flow::AssembleProblem> problems;
    auto snapshot = data_plane_.Assemble(ModelsOf(change.before()), problems);
    if (snapshot.ok()) {
      (void)data_plane_.Publish(std::move(*snapshot), options_.publish_limit);
    }
  }
  (void)PublishSubscriptions(change.before(), apis, options_.publish_limit);
}

// The keys of an API come before it serves, and those of one that goes leave after it: its streams
// are told to come again elsewhere, not that their key is no good.
Status Deployer::Publish(const Change& change, SnapshotPtr snapshot, milliseconds limit) {
  const std::set<std::string> apis = TouchedApis(change.before(), change.now());
  std::set<std::string> kept;
  std::set<std::string> gone;
  for (const std::string& name : apis) {
    (IsServed(change.now(), name) ? kept : gone).insert(name);
  }
  const bool assembled = snapshot != nullptr;
  Status status = PublishSubscriptions(change.now(), kept, limit);
  if (status.ok() && assembled) status = data_plane_.Publish(std::move(snapshot), limit);
  if (status.ok()) status = PublishSubscriptions(change.now(), gone, limit);
  if (status.ok()) return status;
  Log(LogLevel::kError, "admin.publish_failed", {{"cause", MessageOf(status)}});
  TakeBack(change, apis, assembled);
  return status;
}

void CountApply(const std::string& source, bool accepted) {
  auto& registry = telemetry::Registry::Global();
  registry
      .GetCounter("tidegate_config_applies_total", "Attempts to change the configuration.",
                  {{"source", source}, {"result", accepted ? "accepted" : "rejected"}})
      .Add();
  if (!accepted) return;
  registry
      .GetGauge("tidegate_config_last_success_timestamp_seconds",
                "When the configuration was last changed, Unix time.")
      .Set(static_cast<double>(std::time(nullptr)));
}

// What definition directories do is counted where their files are read: those may fail before.
Status Deployer::Mutate(Call& call, bool validate_only, const Edit& edit) {
  const Status status = MutateLocked(call, validate_only, edit);
  if (!validate_only && call.method != kApplyDefinitions) CountApply("admin", status.ok());
  return status;
}

Status Deployer::MutateLocked(Call& call, bool validate_only, const Edit& edit) {
  std::unique_lock lock(mutation_, std::defer_lock);
  const bool locked = call.deadline == Call::TimePoint::max()
                          ? (lock.lock(), true)
                          : lock.try_lock_until(call.deadline);
  if (!locked) return DeadlineExceeded("admin: another change was still being made");
  Change change(repository_.Read(), now());
  TG_RETURN_IF_ERROR(edit(change));
  if (change.empty()) return OkStatus();
  TG_RETURN_IF_ERROR(CheckReferences(change));
  TG_RETURN_IF_ERROR(CompileChanged(change));
  TG_RETURN_IF_ERROR(CheckSecrets(call, change));
  TG_RETURN_IF_ERROR(CheckListeners(change));
  SnapshotPtr snapshot;
  if (!SameModels(change.before(), change.now())) {
    TG_ASSIGN_OR_RETURN(snapshot, Assemble(change.now(), change));
  }
  if (validate_only) return OkStatus();
  const auto revision = repository_.store().Commit(change.Forward());
  if (!revision.ok()) return StoreFailed(revision.status());
  TG_RETURN_IF_ERROR(
      Publish(change, std::move(snapshot), Remaining(call, options_.publish_limit)));
  repository_.Set(change.Finish(*revision));
  return OkStatus();
}

// Asks the assembler which APIs cannot be served, and marks them. True: the rest is worth a try.
bool Deployer::LeaveOutBroken(State& state) {
  std::vector<flow::AssembleProblem> problems;
  if (data_plane_.Assemble(ModelsOf(state), problems).ok()) return false;
  bool any = false;
  for (const flow::AssembleProblem& problem : problems) {
    const auto found = state.deployments.find(config::ApiName(problem.api));
    if (found == state.deployments.end() || found->second->model == nullptr) continue;
    auto broken = std::make_shared<Deployment>(*found->second);
    broken->model = nullptr;
    broken->problem = problem.path + ": " + problem.text;
    Log(LogLevel::kError, "admin.api_not_served",
        {{"api", found->first}, {"reason", problem.reason}, {"cause", broken->problem}});
    found->second = std::move(broken);
    any = true;
  }
  return any;
}

Status Deployer::Restore() {
  const std::lock_guard lock(mutation_);
  TG_RETURN_IF_ERROR(repository_.Load());
  auto state = std::make_shared<State>(*repository_.Read());
  for (auto& [name, deployment] : state->deployments) {
    const cfg::Api& snapshot = deployment->record->snapshot();
    if (!Serves(snapshot)) continue;
    config::Violations violations;
    auto loaded = std::make_shared<Deployment>(*deployment);
    loaded->model = Compile(snapshot, deployment->revision, deployment->stopped, options_.tenant,
                            "", violations);
    if (!violations.empty()) {
      loaded->model = nullptr;
      loaded->problem = violations.front().path + ": " + violations.front().message;
      Log(LogLevel::kError, "admin.api_not_served", {{"api", name}, {"cause", loaded->problem}});
    }
    deployment = std::move(loaded);
  }
  // Each round leaves out one API at least.
  while (LeaveOutBroken(*state)) {
  }
  std::vector<flow::AssembleProblem> problems;
  TG_ASSIGN_OR_RETURN(SnapshotPtr snapshot, data_plane_.Assemble(ModelsOf(*state), problems));
  std::set<std::string> apis;
  for (const auto& [name, deployment] : state->deployments) apis.insert(name);
  TG_RETURN_IF_ERROR(PublishSubscriptions(*state, apis, options_.publish_limit));
  TG_RETURN_IF_ERROR(data_plane_.Publish(std::move(snapshot), options_.publish_limit));
  repository_.Set(std::move(state));
  return OkStatus();
}

}  // namespace tidegate::admin
