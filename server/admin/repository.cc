#include "server/admin/repository.h"

#include <algorithm>

#include "server/base/codec.h"
#include "server/config/redact.h"
#include "server/admin/messages.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::admin {
namespace {

constexpr char kApiKind[] = "api";
constexpr char kApplicationKind[] = "application";
constexpr char kSubscriptionKind[] = "subscription";
constexpr char kDeploymentKind[] = "deployment";

std::string Quoted(const std::string& bytes) {
  const Sha256Digest digest = Sha256(bytes);
  return "\"" + Hex(digest.data(), 16) + "\"";
}

template <typename Resource>
std::string ContentOf(Resource resource) {
  config::ClearOutputOnly(&resource);
  return Canonical(resource);
}

void StampPlans(const cfg::Api* old, cfg::Api& api, const google::protobuf::Timestamp& now) {
  std::map<std::string, const cfg::Plan*> known;
  if (old != nullptr) {
    for (const cfg::Plan& plan : old->plans()) known[plan.name()] = &plan;
  }
  for (cfg::Plan& plan : *api.mutable_plans()) {
    const auto found = known.find(plan.name());
    plan.clear_etag();
    if (found == known.end()) {
      plan.set_uid(Uuid4());
      *plan.mutable_create_time() = now;
      *plan.mutable_update_time() = now;
      continue;
    }
    const cfg::Plan& before = *found->second;
    plan.set_uid(before.uid());
    *plan.mutable_create_time() = before.create_time();
    *plan.mutable_update_time() =
        ContentOf(before) == ContentOf(plan) ? before.update_time() : now;
  }
}

// Only APIs hold lists whose items are stamped.
void StampParts(const cfg::Api* old, cfg::Api& api, const google::protobuf::Timestamp& now) {
  api.clear_state();
  api.clear_deployed_revision();
  api.clear_reconciling();
  api.clear_conditions();
  StampPlans(old, api, now);
}
void StampParts(const cfg::Application*, cfg::Application&, const google::protobuf::Timestamp&) {}
void StampParts(const cfg::Subscription*, cfg::Subscription& subscription,
                const google::protobuf::Timestamp&) {
  subscription.clear_conditions();
}

template <typename Map>
void AddWrites(const char* kind, const Map& before, const Map& after, state::Transaction& out) {
  for (const auto& [name, resource] : after) {
    const auto old = before.find(name);
    if (old != before.end() && old->second == resource) continue;
    state::RecordWrite write;
    write.kind = kind;
    write.name = name;
    write.bytes = Canonical(*resource);
    write.owner = resource->owner();
    write.etag = resource->etag();
    write.expected_etag = old == before.end() ? "" : old->second->etag();
    out.writes.push_back(std::move(write));
  }
  for (const auto& [name, resource] : before) {
    if (after.count(name) != 0) continue;
    state::RecordWrite write;
    write.kind = kind;
    write.name = name;
    out.writes.push_back(std::move(write));
  }
}

void AddDeployments(const State& before, const State& after, state::Transaction& out) {
  for (const auto& [name, deployment] : after.deployments) {
    const auto old = before.deployments.find(name);
    if (old != before.deployments.end() && old->second->record == deployment->record) continue;
    state::RecordWrite write;
    write.kind = kDeploymentKind;
    write.name = name;
    write.bytes = Canonical(*deployment->record);
    out.writes.push_back(std::move(write));
  }
  for (const auto& [name, deployment] : before.deployments) {
    if (after.deployments.count(name) != 0) continue;
    state::RecordWrite write;
    write.kind = kDeploymentKind;
    write.name = name;
    out.writes.push_back(std::move(write));
  }
}

state::Transaction Between(const State& before, const State& after) {
  state::Transaction transaction;
  AddWrites(kApiKind, before.apis, after.apis, transaction);
  AddWrites(kApplicationKind, before.applications, after.applications, transaction);
  AddWrites(kSubscriptionKind, before.subscriptions, after.subscriptions, transaction);
  AddDeployments(before, after, transaction);
  return transaction;
}

template <typename Resource>
std::shared_ptr<const Resource> Find(
    const std::map<std::string, std::shared_ptr<const Resource>>& map, const std::string& name) {
  const auto found = map.find(name);
  return found == map.end() ? nullptr : found->second;
}

template <typename Resource>
Status Decode(const state::Record& record,
              std::map<std::string, std::shared_ptr<const Resource>>& map) {
  auto resource = std::make_shared<Resource>();
  if (!resource->ParseFromString(record.bytes)) {
    return MakeStatus(StatusCode::kDataLoss,
                      "state: " + record.kind + " " + record.name + " cannot be read");
  }
  map[record.name] = std::move(resource);
  return OkStatus();
}

Status DecodeDeployment(const state::Record& record, State& state) {
  auto revision = std::make_shared<cfg::ApiRevision>();
  if (!revision->ParseFromString(record.bytes)) {
    return MakeStatus(StatusCode::kDataLoss,
                      "state: deployment of " + record.name + " cannot be read");
  }
  auto deployment = std::make_shared<Deployment>();
  deployment->revision = RevisionNumber(revision->name());
  deployment->stopped = revision->snapshot().state() == cfg::API_STATE_STOPPED;
  deployment->record = std::move(revision);
  state.deployments[record.name] = std::move(deployment);
  return OkStatus();
}

}  // namespace

std::vector<std::shared_ptr<const cfg::Subscription>> SubscriptionsOf(const State& state,
                                                                      const std::string& api) {
  std::vector<std::shared_ptr<const cfg::Subscription>> result;
  const std::string prefix = api + "/subscriptions/";
  for (auto at = state.subscriptions.lower_bound(prefix);
       at != state.subscriptions.end() && at->first.compare(0, prefix.size(), prefix) == 0; ++at) {
    result.push_back(at->second);
  }
  return result;
}

Change::Change(StatePtr before, model::WallTime now)
    : before_(std::move(before)), draft_(*before_), time_(now) {}

const cfg::Api* Change::FindApi(const std::string& name) const {
  return Find(draft_.apis, name).get();
}
const cfg::Application* Change::FindApplication(const std::string& name) const {
  return Find(draft_.applications, name).get();
}
const cfg::Subscription* Change::FindSubscription(const std::string& name) const {
  return Find(draft_.subscriptions, name).get();
}
const Deployment* Change::FindDeployment(const std::string& api) const {
  return Find(draft_.deployments, api).get();
}

template <typename Map, typename Resource>
void Change::PutInto(Map& map, const Resource& resource) {
  const std::shared_ptr<const Resource> old = Find(map, resource.name());
  auto fresh = std::make_shared<Resource>(resource);
  const google::protobuf::Timestamp now = ToTimestamp(time_);
  if (old != nullptr) {
    fresh->set_uid(old->uid());
    *fresh->mutable_create_time() = old->create_time();
    *fresh->mutable_update_time() = old->update_time();
  } else {
    fresh->set_uid(Uuid4());
    *fresh->mutable_create_time() = now;
    *fresh->mutable_update_time() = now;
  }
  StampParts(old.get(), *fresh, now);
  fresh->set_etag(EtagOf(*fresh));
  if (old != nullptr) {
    if (Canonical(*old) == Canonical(*fresh)) return;
    *fresh->mutable_update_time() = now;
  }
  map[resource.name()] = std::move(fresh);
}

void Change::Put(const cfg::Api& api) { PutInto(draft_.apis, api); }
void Change::Put(const cfg::Application& application) {
  PutInto(draft_.applications, application);
}
void Change::Put(const cfg::Subscription& subscription) {
  PutInto(draft_.subscriptions, subscription);
}

void Change::EraseApi(const std::string& name) {
  draft_.apis.erase(name);
  draft_.deployments.erase(name);
  draft_.last_revision.erase(name);
  std::erase_if(revisions_, [&](const state::RevisionRecord& r) { return r.api == name; });
  forget_api_.push_back(name);
}
void Change::EraseApplication(const std::string& name) { draft_.applications.erase(name); }
void Change::EraseSubscription(const std::string& name) { draft_.subscriptions.erase(name); }

void Change::Deploy(const cfg::Api& snapshot, bool stopped) {
  const std::string& name = snapshot.name();
  const std::uint64_t number = ++draft_.last_revision[name];
  auto record = std::make_shared<cfg::ApiRevision>();
  record->set_name(name + "/revisions/" + std::to_string(number));
  *record->mutable_create_time() = ToTimestamp(time_);
  cfg::Api& kept = *record->mutable_snapshot();
  kept = snapshot;
  kept.clear_conditions();
  kept.clear_reconciling();
  kept.set_deployed_revision(record->name());
  kept.set_state(stopped ? cfg::API_STATE_STOPPED : cfg::API_STATE_LIVE);
  revisions_.push_back(state::RevisionRecord{name, number, Canonical(*record)});
  auto deployment = std::make_shared<Deployment>();
  deployment->revision = number;
  deployment->stopped = stopped;
  deployment->record = std::move(record);
  draft_.deployments[name] = std::move(deployment);
}

void Change::SetStopped(const std::string& api, bool stopped) {
  const auto old = Find(draft_.deployments, api);
  if (old == nullptr || old->stopped == stopped) return;
  auto record = std::make_shared<cfg::ApiRevision>(*old->record);
  record->mutable_snapshot()->set_state(stopped ? cfg::API_STATE_STOPPED : cfg::API_STATE_LIVE);
  auto deployment = std::make_shared<Deployment>();
  deployment->revision = old->revision;
  deployment->stopped = stopped;
  deployment->record = std::move(record);
  draft_.deployments[api] = std::move(deployment);
}

void Change::Undeploy(const std::string& api) { draft_.deployments.erase(api); }

void Change::SetModel(const std::string& api, model::ApiPtr model) {
  const auto old = Find(draft_.deployments, api);
  if (old == nullptr) return;
  auto deployment = std::make_shared<Deployment>(*old);
  deployment->model = std::move(model);
  deployment->problem.clear();
  draft_.deployments[api] = std::move(deployment);
}

std::string Change::PlaceOf(const std::string& name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? std::string() : found->second;
}

state::Transaction Change::Forward() const {
  state::Transaction transaction = Between(*before_, draft_);
  transaction.revisions = revisions_;
  transaction.forget_api = forget_api_;
  return transaction;
}

// Revisions of deleted APIs do not come back: the APIs themselves do.
state::Transaction Change::Backward() const {
  state::Transaction transaction = Between(draft_, *before_);
  transaction.forget = revisions_;
  return transaction;
}

StatePtr Change::Finish(std::uint64_t revision) const {
  auto state = std::make_shared<State>(draft_);
  state->revision = revision;
  return state;
}

bool Change::empty() const {
  return before_->apis == draft_.apis && before_->deployments == draft_.deployments &&
         before_->applications == draft_.applications &&
         before_->subscriptions == draft_.subscriptions;
}

Repository::Repository(state::ConfigStore& store)
    : store_(store), state_(std::make_shared<const State>()) {}

Status Repository::Load() {
  TG_ASSIGN_OR_RETURN(const state::Contents contents, store_.Load());
  auto state = std::make_shared<State>();
  for (const state::Record& record : contents.records) {
    if (record.kind == kApiKind) {
      TG_RETURN_IF_ERROR(Decode(record, state->apis));
    } else if (record.kind == kApplicationKind) {
      TG_RETURN_IF_ERROR(Decode(record, state->applications));
    } else if (record.kind == kSubscriptionKind) {
      TG_RETURN_IF_ERROR(Decode(record, state->subscriptions));
    } else if (record.kind == kDeploymentKind) {
      TG_RETURN_IF_ERROR(DecodeDeployment(record, *state));
    } else {
      return MakeStatus(StatusCode::kDataLoss, "state: unknown kind of record: " + record.kind);
    }
  }
  state->last_revision = contents.last_revision;
  for (const auto& [name, deployment] : state->deployments) {
    std::uint64_t& last = state->last_revision[name];
    last = std::max(last, deployment->revision);
  }
  state->revision = contents.revision;
  Set(std::move(state));
  return OkStatus();
}

StatePtr Repository::Read() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void Repository::Set(StatePtr state) {
  const std::lock_guard lock(mutex_);
  state_.swap(state);
}

std::string EtagOf(const cfg::Api& api) { return Quoted(ContentOf(api)); }
std::string EtagOf(const cfg::Application& application) { return Quoted(ContentOf(application)); }

std::string EtagOf(const cfg::Subscription& subscription) {
  std::string text = ContentOf(subscription) + std::to_string(subscription.state());
  for (const cfg::ApiKey& key : subscription.api_keys()) text += key.revoked() ? "r" : "k";
  return Quoted(text);
}

bool SameContent(const cfg::Api& a, const cfg::Api& b) { return ContentOf(a) == ContentOf(b); }

}  // namespace tidegate::admin
