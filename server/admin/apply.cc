#include "server/admin/apply.h"

#include <set>

#include "server/admin/definitions.h"
#include "server/admin/errors.h"
#include "server/admin/rendering.h"
#include "server/admin/writing.h"
#include "server/base/strings.h"
#include "server/config/diff.h"
#include "server/config/names.h"
#include "tidegate/admin/v1/config_service.pb.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::admin {
namespace {

constexpr std::size_t kBundleResourcesMax = 20'000;  // 10,000 APIs and as much again beside them

// One run of a bundle over a change.
class BundleRun {
 public:
  BundleRun(Change& change, const v1::ConfigBundle& bundle, const ApplyOptions& options)
      : change_(change), bundle_(bundle), options_(options) {}

  Status Run(v1::ApplyConfigResponse& response);

 private:
  WriteOptions Write(const char* list, int index, std::vector<std::string>* warnings);
  // A directory that lists something no longer must not keep the process from starting because a
  // consumer subscribed to it in the meantime.
  bool Cascades() const {
    return options_.force || StartsWith(options_.owner, kFileOwnerPrefix);
  }
  void Note(const std::string& kind_path, std::string name);
  Status StoreAll();
  bool Goes(const std::string& name, const std::string& owner) const;
  Status Prune();
  Status DeployAll();
  Status Deploy(const std::string& name);
  void Report(v1::ApplyConfigResponse& response) const;
  std::string QualifiedName(config::ResourceKind kind, const std::string& parent,
                            const std::string& name) const;

  Change& change_;
  const v1::ConfigBundle& bundle_;
  const ApplyOptions& options_;
  config::Violations violations_;
  std::vector<std::string> names_;  // in the order of the results
  std::set<std::string> seen_;
  std::vector<std::string> deleted_;
  std::map<std::string, std::vector<std::string>> warnings_;  // by name
  std::map<std::string, std::vector<MadeKey>> made_;          // by subscription
};

std::string BundleRun::QualifiedName(config::ResourceKind kind, const std::string& parent,
                                     const std::string& name) const {
  const auto full = config::QualifyName(kind, parent, name);
  return full.ok() ? *full : name;
}

WriteOptions BundleRun::Write(const char* list, int index, std::vector<std::string>* warnings) {
  WriteOptions write;
  write.owner = options_.owner;
  write.force = options_.force;
  write.cascade = Cascades();
  write.keep_missing = !options_.prune;
  write.secrets = options_.secrets;
  write.others = options_.others;
  write.warnings = warnings;
  const std::size_t place = names_.size();
  write.path = place < options_.places.size()
                   ? options_.places[place]
                   : std::string("bundle.") + list + "[" + std::to_string(index) + "]";
  return write;
}

void BundleRun::Note(const std::string& path, std::string name) {
  if (!seen_.insert(name).second) {
    violations_.push_back(config::FieldViolation(config::Child(path, "name"), config::kDuplicate,
                                                 "stands twice in the bundle"));
  }
  names_.push_back(std::move(name));
}

// An etag that was written out says which state its author had seen.
template <typename Resource>
Status SeenByAuthor(const std::string& name, const Resource* stored, const Resource& given) {
  return stored == nullptr ? OkStatus() : CheckEtag(name, stored->etag(), given.etag());
}

Status BundleRun::StoreAll() {
  // In the order of the results; what subscriptions refer to comes before them in any case.
  for (int i = 0; i < bundle_.apis_size(); ++i) {
    const cfg::Api& api = bundle_.apis(i);
    const std::string name = QualifiedName(config::ResourceKind::kApi, "", api.name());
    const WriteOptions write = Write("apis", i, &warnings_[name]);
    Note(write.path, name);
    TG_RETURN_IF_ERROR(SeenByAuthor(name, change_.FindApi(name), api));
    TG_RETURN_IF_ERROR(StoreApi(change_, api, write, violations_));
    const cfg::Api* stored = change_.FindApi(name);
    if (stored == nullptr || !violations_.empty()) continue;
    for (std::string& text : Warnings(*stored)) warnings_[name].push_back(std::move(text));
  }
  for (int i = 0; i < bundle_.applications_size(); ++i) {
    const cfg::Application& application = bundle_.applications(i);
    const std::string name =
        QualifiedName(config::ResourceKind::kApplication, "", application.name());
    const WriteOptions write = Write("applications", i, &warnings_[name]);
    Note(write.path, name);
    TG_RETURN_IF_ERROR(SeenByAuthor(name, change_.FindApplication(name), application));
    TG_RETURN_IF_ERROR(StoreApplication(change_, application, write, violations_));
  }
  for (int i = 0; i < bundle_.subscriptions_size(); ++i) {
    const cfg::Subscription& subscription = bundle_.subscriptions(i);
    const std::string api = QualifiedName(config::ResourceKind::kApi, "", subscription.api());
    const std::string name =
        QualifiedName(config::ResourceKind::kSubscription, api, subscription.name());
    const WriteOptions write = Write("subscriptions", i, &warnings_[name]);
    Note(write.path, name);
    TG_RETURN_IF_ERROR(SeenByAuthor(name, change_.FindSubscription(name), subscription));
    TG_RETURN_IF_ERROR(StoreSubscription(change_, subscription, write, true, made_[name],
                                         violations_));
  }
  return violations_.empty() ? OkStatus() : Refuse(violations_);
}

bool BundleRun::Goes(const std::string& name, const std::string& owner) const {
  if (owner != options_.owner || seen_.count(name) != 0) return false;
  const OtherDirectories* others = options_.others;
  if (others == nullptr || !others->claims || !others->claims(name)) return true;
  if (options_.kept != nullptr) options_.kept->push_back(name);
  return false;
}

Status BundleRun::Prune() {
  const State before = change_.now();
  for (const auto& [name, subscription] : before.subscriptions) {
    if (!Goes(name, subscription->owner())) continue;
    change_.EraseSubscription(name);
    deleted_.push_back(name);
  }
  for (const auto& [name, api] : before.apis) {
    if (!Goes(name, api->owner())) continue;
    TG_RETURN_IF_ERROR(DeleteApi(change_, name, Cascades()));
    deleted_.push_back(name);
  }
  for (const auto& [name, application] : before.applications) {
    if (!Goes(name, application->owner())) continue;
    TG_RETURN_IF_ERROR(DeleteApplication(change_, name, Cascades()));
    deleted_.push_back(name);
  }
  return OkStatus();
}

Status BundleRun::Deploy(const std::string& name) {
  const cfg::Api* api = change_.FindApi(name);
  if (api == nullptr) return OkStatus();
  const auto desired =
      api->has_desired_state() ? api->desired_state() : cfg::API_DESIRED_STATE_LIVE;
  const Deployment* deployment = change_.FindDeployment(name);
  if (desired == cfg::API_DESIRED_STATE_STORED) {
    if (deployment != nullptr) change_.Undeploy(name);
    return OkStatus();
  }
  const bool stopped = desired == cfg::API_DESIRED_STATE_STOPPED;
  const bool same = deployment != nullptr && deployment->problem.empty() &&
                    SameContent(deployment->record->snapshot(), *api);
  if (!same) return DeployStored(change_, name, stopped);
  change_.SetStopped(name, stopped);
  return OkStatus();
}

Status BundleRun::DeployAll() {
  for (int i = 0; i < bundle_.apis_size(); ++i) {
    TG_RETURN_IF_ERROR(Deploy(names_[static_cast<std::size_t>(i)]));
  }
  return OkStatus();
}

template <typename Map>
bool Differs(const Map& before, const Map& after, const std::string& name) {
  const auto a = before.find(name);
  const auto b = after.find(name);
  const bool in_a = a != before.end();
  const bool in_b = b != after.end();
  return in_a != in_b || (in_a && in_b && a->second != b->second);
}

bool Exists(const State& state, const std::string& name) {
  return state.apis.count(name) + state.applications.count(name) +
             state.subscriptions.count(name) !=
         0;
}

v1::ApplyAction ActionOf(const Change& change, const std::string& name) {
  const State& before = change.before();
  const State& after = change.now();
  if (!Exists(before, name)) return v1::APPLY_ACTION_CREATED;
  if (!Exists(after, name)) return v1::APPLY_ACTION_DELETED;
  const bool differs = Differs(before.apis, after.apis, name) ||
                       Differs(before.deployments, after.deployments, name) ||
                       Differs(before.applications, after.applications, name) ||
                       Differs(before.subscriptions, after.subscriptions, name);
  return differs ? v1::APPLY_ACTION_UPDATED : v1::APPLY_ACTION_UNCHANGED;
}

void BundleRun::Report(v1::ApplyConfigResponse& response) const {
  for (const std::string& name : names_) {
    v1::ApplyResult& result = *response.add_results();
    result.set_name(name);
    result.set_action(ActionOf(change_, name));
    const Deployment* deployment = change_.FindDeployment(name);
    if (deployment != nullptr) result.set_revision(deployment->record->name());
    if (const auto found = warnings_.find(name); found != warnings_.end()) {
      for (const std::string& warning : found->second) result.add_warnings(warning);
    }
    if (const auto found = made_.find(name); found != made_.end()) {
      for (const MadeKey& key : found->second) {
        v1::ApiKeySecretEntry& entry = *result.add_api_keys();
        entry.set_name(key.name);
        if (!options_.validate_only) entry.set_plaintext(key.plaintext);
      }
    }
  }
  for (const std::string& name : deleted_) {
    v1::ApplyResult& result = *response.add_results();
    result.set_name(name);
    result.set_action(v1::APPLY_ACTION_DELETED);
  }
}

Status BundleRun::Run(v1::ApplyConfigResponse& response) {
  TG_RETURN_IF_ERROR(StoreAll());
  if (options_.prune) TG_RETURN_IF_ERROR(Prune());
  if (!options_.no_deploy) TG_RETURN_IF_ERROR(DeployAll());
  Report(response);
  return OkStatus();
}

Status CheckOwnerName(const std::string& owner) {
  if (owner.empty()) return InvalidField("owner", "is required", config::kRequiredField);
  if (owner.size() > 255) return InvalidField("owner", "is longer than 255 bytes");
  for (const char c : owner) {
    if (c < ' ' || c == 0x7f) return InvalidField("owner", "must not hold control characters");
  }
  return OkStatus();
}

Status CheckBundle(const v1::ConfigBundle& bundle, const ApplyOptions& options) {
  TG_RETURN_IF_ERROR(CheckOwnerName(options.owner));
  const std::size_t count = static_cast<std::size_t>(bundle.apis_size()) +
                            static_cast<std::size_t>(bundle.applications_size()) +
                            static_cast<std::size_t>(bundle.subscriptions_size());
  if (count > kBundleResourcesMax) {
    return LimitReached("bundle", "holds more than " + std::to_string(kBundleResourcesMax) +
                                      " resources");
  }
  return OkStatus();
}

void AddField(const std::string& path, const std::string& old_value,
              const std::string& new_value, v1::ResourceDiff& diff) {
  v1::FieldDiff& field = *diff.add_fields();
  field.set_path(path);
  field.set_old_value(old_value);
  field.set_new_value(new_value);
}

template <typename Resource, typename Map>
void AddDiff(const std::string& name, v1::ApplyAction action, const Map& before, const Map& after,
             v1::DiffConfigResponse& response) {
  const auto a = before.find(name);
  const auto b = after.find(name);
  if (a == before.end() && b == after.end()) return;
  v1::ResourceDiff& diff = *response.add_diffs();
  diff.set_name(name);
  diff.set_action(action);
  Resource old = a == before.end() ? Resource() : *a->second;
  Resource fresh = b == after.end() ? Resource() : *b->second;
  HideKeys(old);
  HideKeys(fresh);
  for (const config::FieldDifference& one : config::Diff(old, fresh)) {
    AddField(one.path, one.old_value, one.new_value, diff);
  }
  if (action == v1::APPLY_ACTION_UPDATED && old.owner() != fresh.owner()) {
    AddField("owner", old.owner(), fresh.owner(), diff);
  }
}

std::string RevisionOf(const State& state, const std::string& api) {
  const auto found = state.deployments.find(api);
  return found == state.deployments.end() ? "" : found->second->record->name();
}

// What is stored may be right already, and only not be what is deployed.
void AddDeployment(const State& before, const State& after, v1::DiffConfigResponse& response) {
  if (response.diffs_size() == 0) return;
  v1::ResourceDiff& diff = *response.mutable_diffs(response.diffs_size() - 1);
  if (diff.action() != v1::APPLY_ACTION_UPDATED || diff.fields_size() > 0) return;
  const std::string old = RevisionOf(before, diff.name());
  const std::string fresh = RevisionOf(after, diff.name());
  if (old != fresh) AddField("deployedRevision", old, fresh, diff);
}

}  // namespace

StatusOr<v1::ApplyConfigResponse> ApplyBundle(Deployer& deployer, const v1::ConfigBundle& bundle,
                                              const ApplyOptions& options, Call& call) {
  TG_RETURN_IF_ERROR(CheckBundle(bundle, options));
  v1::ApplyConfigResponse response;
  call.audit.resource = "owner " + options.owner;
  TG_RETURN_IF_ERROR(deployer.Mutate(call, options.validate_only, [&](Change& change) {
    BundleRun run(change, bundle, options);
    return run.Run(response);
  }));
  response.set_config_revision(static_cast<std::int64_t>(deployer.Read()->revision));
  return response;
}

StatusOr<v1::DiffConfigResponse> DiffBundle(Deployer& deployer, const v1::ConfigBundle& bundle,
                                            const ApplyOptions& options, Call& call) {
  TG_RETURN_IF_ERROR(CheckBundle(bundle, options));
  v1::DiffConfigResponse response;
  TG_RETURN_IF_ERROR(deployer.Mutate(call, true, [&](Change& change) {
    v1::ApplyConfigResponse applied;
    BundleRun run(change, bundle, options);
    TG_RETURN_IF_ERROR(run.Run(applied));
    const State& before = change.before();
    const State& after = change.now();
    for (const v1::ApplyResult& result : applied.results()) {
      if (result.action() == v1::APPLY_ACTION_UNCHANGED) continue;
      const std::string& name = result.name();
      AddDiff<cfg::Api>(name, result.action(), before.apis, after.apis, response);
      AddDeployment(before, after, response);
      AddDiff<cfg::Application>(name, result.action(), before.applications, after.applications,
                                response);
      AddDiff<cfg::Subscription>(name, result.action(), before.subscriptions,
                                 after.subscriptions, response);
    }
    return OkStatus();
  }));
  return response;
}

StatusOr<AppliedDefinitions> ApplyDefinitions(Deployer& deployer, const std::string& directory,
                                              const std::vector<config::Document>& documents,
                                              const config::SecretResolver& secrets, Call& call,
                                              const OtherDirectories& others) {
  v1::ConfigBundle bundle;
  std::vector<std::string> places[3];
  for (const config::Document& document : documents) {
    const std::string place = document.file + " " + document.name;
    switch (document.kind) {
      case config::DocumentKind::kApi:
        bundle.add_apis()->CopyFrom(*document.message);
        places[0].push_back(place);
        break;
      case config::DocumentKind::kApplication:
        bundle.add_applications()->CopyFrom(*document.message);
        places[1].push_back(place);
        break;
      case config::DocumentKind::kSubscription:
        bundle.add_subscriptions()->CopyFrom(*document.message);
        places[2].push_back(place);
        break;
      case config::DocumentKind::kGateway:
        return InvalidField(place, "a definition directory holds no Gateway: it is given by "
                                   "--config");
    }
  }
  ApplyOptions options;
  options.owner = std::string(kFileOwnerPrefix) + directory;
  options.prune = true;
  options.secrets = &secrets;
  options.others = &others;
  call.secrets = &secrets;
  for (const auto& list : places) {
    options.places.insert(options.places.end(), list.begin(), list.end());
  }
  AppliedDefinitions applied;
  options.kept = &applied.kept;
  TG_ASSIGN_OR_RETURN(const v1::ApplyConfigResponse response,
                      ApplyBundle(deployer, bundle, options, call));
  for (const v1::ApplyResult& result : response.results()) {
    if (result.action() != v1::APPLY_ACTION_UNCHANGED) applied.changed.push_back(result.name());
    for (const auto& key : result.api_keys()) {
      applied.keys.emplace_back(key.name(), key.plaintext());
    }
    for (const std::string& warning : result.warnings()) applied.warnings.push_back(warning);
  }
  return applied;
}

void Dump(const State& state, const std::string& owner, v1::DumpConfigResponse& response) {
  v1::ConfigBundle& bundle = *response.mutable_bundle();
  const auto wanted = [&](const auto& resource) {
    return owner.empty() || resource.owner() == owner;
  };
  for (const auto& [name, api] : state.apis) {
    if (wanted(*api)) *bundle.add_apis() = Render(state, *api);
  }
  for (const auto& [name, application] : state.applications) {
    if (wanted(*application)) *bundle.add_applications() = *application;
  }
  for (const auto& [name, subscription] : state.subscriptions) {
    if (wanted(*subscription)) *bundle.add_subscriptions() = Render(*subscription);
  }
  response.set_config_revision(static_cast<std::int64_t>(state.revision));
}

}  // namespace tidegate::admin
