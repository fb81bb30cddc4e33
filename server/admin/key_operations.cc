// The life of API keys. A key's text is in the answer of the call that made it, and nowhere else.
//
// Rotation puts the new key in the place of the old: it takes over the name, so that definitions
// that list the key go on meaning the one that is in use; the old one goes on for the grace period
// under a name made of its own and the first digits of its hash.
#include <algorithm>

#include "server/admin/errors.h"
#include "server/admin/messages.h"
#include "server/admin/subscription_operations.h"
#include "server/admin/writing.h"
#include "server/config/names.h"

namespace tidegate::admin {
namespace {

constexpr char kType[] = "tidegate.config.v1.ApiKey";
constexpr char kSubscriptionType[] = "tidegate.config.v1.Subscription";
constexpr int kKeysMax = 20;                               // the rule of Subscription.api_keys
constexpr std::int64_t kGraceSeconds = 2 * 60 * 60;        // as Gravitee does
constexpr std::int64_t kGraceSecondsMax = 30 * 24 * 60 * 60;

std::string SubscriptionOf(const config::ResourceName& key) {
  return config::SubscriptionName(key.ids[0], key.ids[1]);
}

bool IsOpen(const cfg::Subscription& subscription) {
  return subscription.state() != cfg::SUBSCRIPTION_STATE_CLOSED &&
         subscription.state() != cfg::SUBSCRIPTION_STATE_REJECTED;
}

cfg::ApiKey* FindKey(cfg::Subscription& subscription, const std::string& name) {
  for (cfg::ApiKey& key : *subscription.mutable_api_keys()) {
    if (key.name() == name) return &key;
  }
  return nullptr;
}

cfg::ApiKey Shown(const cfg::ApiKey& key) {
  cfg::ApiKey shown = key;
  HideKey(shown);
  return shown;
}

// Makes room where the list is full: keys that calls made, and that hold no longer, go.
void DropDeadKeys(const Change& change, cfg::Subscription& subscription) {
  if (subscription.api_keys_size() < kKeysMax) return;
  auto& keys = *subscription.mutable_api_keys();
  for (int i = keys.size() - 1; i >= 0; --i) {
    const cfg::ApiKey& key = keys[i];
    const bool dead = key.revoked() || (key.has_expire_time() &&
                                        FromTimestamp(key.expire_time()) <= change.time());
    if (dead && key.managed_by() != cfg::MANAGED_BY_FILE) keys.DeleteSubrange(i, 1);
  }
}

// The subscription of a key call; `edit` changes its copy.
template <typename Edit>
Status OnSubscription(Deployer& deployer, Call& call, const std::string& name, bool validate_only,
                      Edit edit) {
  return deployer.Mutate(call, validate_only, [&](Change& change) {
    const cfg::Subscription* stored = change.FindSubscription(name);
    if (stored == nullptr) return ResourceMissing(kSubscriptionType, name);
    call.audit.etag_before = stored->etag();
    cfg::Subscription changed = *stored;
    TG_RETURN_IF_ERROR(edit(change, changed));
    TG_RETURN_IF_ERROR(CheckKeysUnique(change, changed));
    change.Put(changed);
    call.audit.etag_after = change.FindSubscription(name)->etag();
    return OkStatus();
  });
}

template <typename Edit>
Status OnKey(Deployer& deployer, Call& call, const std::string& name, std::string_view field,
             bool validate_only, Edit edit) {
  call.audit.resource = name;
  TG_ASSIGN_OR_RETURN(const config::ResourceName parsed,
                      RequestName(config::ResourceKind::kApiKey, field, name));
  return OnSubscription(deployer, call, SubscriptionOf(parsed), validate_only,
                        [&](Change& change, cfg::Subscription& subscription) {
                          if (FindKey(subscription, name) == nullptr) {
                            return ResourceMissing(kType, name);
                          }
                          DropDeadKeys(change, subscription);
                          cfg::ApiKey* key = FindKey(subscription, name);
                          if (key == nullptr) {
                            return Precondition("WRONG_STATE", name, "it holds no longer");
                          }
                          return edit(change, subscription, *key);
                        });
}

Status CheckExpiry(const Change& change, const cfg::ApiKey& key) {
  if (!key.has_expire_time() || FromTimestamp(key.expire_time()) > change.time()) {
    return OkStatus();
  }
  return InvalidField("api_key.expire_time", "must be in the future");
}

// The credential as it came, hashed; else one that is made. Returns the text to be shown.
StatusOr<std::string> SettleCredential(Call& call, cfg::ApiKey& key) {
  if (key.credential_case() == cfg::ApiKey::CREDENTIAL_NOT_SET) return MakeKey(key);
  config::Violations violations;
  HashKey(key, call.secrets, "api_key", violations);
  if (!violations.empty()) return Refuse(violations);
  return std::string();
}

}  // namespace

Status CreateApiKey(Deployer& deployer, Call& call, const v1::CreateApiKeyRequest& request,
                    v1::ApiKeySecret& response) {
  const std::string& parent = request.parent();
  TG_RETURN_IF_ERROR(
      RequestName(config::ResourceKind::kSubscription, "parent", parent).status());
  TG_ASSIGN_OR_RETURN(const std::string name,
                      CreateName(config::ResourceKind::kApiKey, parent, "api_key_id",
                                 request.api_key_id(), "api_key.name", request.api_key().name()));
  call.audit.resource = name;
  return OnSubscription(
      deployer, call, parent, request.validate_only(),
      [&](Change& change, cfg::Subscription& subscription) {
        if (!IsOpen(subscription)) {
          return Precondition("WRONG_STATE", parent, "it is over: it takes no more keys");
        }
        if (FindKey(subscription, name) != nullptr) return ResourceExists(kType, name);
        DropDeadKeys(change, subscription);
        if (subscription.api_keys_size() >= kKeysMax) {
          return LimitReached(parent, "holds " + std::to_string(kKeysMax) + " keys already");
        }
        cfg::ApiKey key;
        key.set_name(name);
        if (request.api_key().has_key()) *key.mutable_key() = request.api_key().key();
        if (request.api_key().has_sha256()) key.set_sha256(request.api_key().sha256());
        if (request.api_key().has_expire_time()) {
          *key.mutable_expire_time() = request.api_key().expire_time();
        }
        TG_RETURN_IF_ERROR(CheckExpiry(change, key));
        TG_ASSIGN_OR_RETURN(std::string text, SettleCredential(call, key));
        *key.mutable_create_time() = ToTimestamp(change.time());
        key.set_managed_by(cfg::MANAGED_BY_ADMIN);
        *subscription.add_api_keys() = key;
        *response.mutable_api_key() = Shown(key);
        if (!request.validate_only()) response.set_plaintext(std::move(text));
        return OkStatus();
      });
}

Status ListApiKeys(Deployer& deployer, Call&, const v1::ListApiKeysRequest& request,
                   v1::ListApiKeysResponse& response) {
  const std::string& parent = request.parent();
  TG_RETURN_IF_ERROR(
      RequestName(config::ResourceKind::kSubscription, "parent", parent).status());
  TG_ASSIGN_OR_RETURN(const Page page, ReadPage(parent + "/apiKeys", request.page_size(),
                                                request.page_token()));
  const StatePtr state = deployer.Read();
  const auto found = state->subscriptions.find(parent);
  if (found == state->subscriptions.end()) return ResourceMissing(kSubscriptionType, parent);
  std::map<std::string, const cfg::ApiKey*> keys;
  for (const cfg::ApiKey& key : found->second->api_keys()) keys[key.name()] = &key;
  response.set_next_page_token(TakePage(
      parent + "/apiKeys", page, keys, [](const auto& item) { return item.first; },
      [&](const auto& item) {
        cfg::ApiKey& shown = *response.add_api_keys();
        shown = *item.second;
        shown.clear_credential();
      }));
  return OkStatus();
}

Status RotateApiKey(Deployer& deployer, Call& call, const v1::RotateApiKeyRequest& request,
                    v1::ApiKeySecret& response) {
  const std::string& name = request.name();
  const std::int64_t grace =
      request.has_grace_period() ? request.grace_period().seconds() : kGraceSeconds;
  if (grace < 0 || grace > kGraceSecondsMax || request.grace_period().nanos() < 0) {
    return InvalidField("grace_period", "must be from 0s to 30d");
  }
  const auto rotate = [&](Change& change, cfg::Subscription& subscription, cfg::ApiKey& old) {
    if (!IsOpen(subscription)) {
      return Precondition("WRONG_STATE", subscription.name(), "it is over: it takes no more keys");
    }
    if (old.revoked()) return Precondition("WRONG_STATE", name, "it is revoked");
    if (subscription.api_keys_size() >= kKeysMax) {
      return LimitReached(subscription.name(),
                          "holds " + std::to_string(kKeysMax) + " keys already");
    }
    cfg::ApiKey fresh;
    fresh.set_name(name);
    if (!request.key().empty()) fresh.mutable_key()->set_text(request.key());
    TG_ASSIGN_OR_RETURN(std::string text, SettleCredential(call, fresh));
    *fresh.mutable_create_time() = ToTimestamp(change.time());
    fresh.set_managed_by(old.managed_by());
    if (old.has_expire_time() && FromTimestamp(old.expire_time()) > change.time()) {
      *fresh.mutable_expire_time() = old.expire_time();
    }
    cfg::ApiKey leaving = old;
    leaving.set_name(RotatedName(name, old.sha256()));
    leaving.set_managed_by(cfg::MANAGED_BY_ADMIN);
    const model::WallTime end = change.time() + std::chrono::seconds(grace);
    if (!leaving.has_expire_time() || FromTimestamp(leaving.expire_time()) > end) {
      *leaving.mutable_expire_time() = ToTimestamp(end);
    }
    if (FindKey(subscription, leaving.name()) != nullptr) {
      return ResourceExists(kType, leaving.name());
    }
    old = fresh;
    *subscription.add_api_keys() = leaving;
    *response.mutable_api_key() = Shown(fresh);
    if (!request.validate_only()) response.set_plaintext(std::move(text));
    return OkStatus();
  };
  return OnKey(deployer, call, name, "name", request.validate_only(), rotate);
}

Status RevokeApiKey(Deployer& deployer, Call& call, const v1::RevokeApiKeyRequest& request,
                    cfg::ApiKey& response) {
  return OnKey(deployer, call, request.name(), "name", request.validate_only(),
               [&](Change& change, cfg::Subscription&, cfg::ApiKey& key) {
                 if (key.revoked()) {
                   return Precondition("WRONG_STATE", key.name(), "it is revoked");
                 }
                 key.set_revoked(true);
                 *key.mutable_revoke_time() = ToTimestamp(change.time());
                 response = Shown(key);
                 return OkStatus();
               });
}

Status UpdateApiKey(Deployer& deployer, Call& call, const v1::UpdateApiKeyRequest& request,
                    cfg::ApiKey& response) {
  for (const std::string& path : request.update_mask().paths()) {
    if (path == "expire_time" || path == "*") continue;
    return InvalidField("update_mask", "only expire_time of a key can change",
                        "UNKNOWN_FIELD_MASK");
  }
  return OnKey(deployer, call, request.api_key().name(), "api_key.name", request.validate_only(),
               [&](Change& change, cfg::Subscription&, cfg::ApiKey& key) {
                 if (key.revoked()) {
                   return Precondition("WRONG_STATE", key.name(), "it is revoked");
                 }
                 TG_RETURN_IF_ERROR(CheckExpiry(change, request.api_key()));
                 // Without a mask what is given changes; only a mask takes an expiry away.
                 if (request.update_mask().paths_size() > 0) key.clear_expire_time();
                 if (request.api_key().has_expire_time()) {
                   *key.mutable_expire_time() = request.api_key().expire_time();
                 }
                 response = Shown(key);
                 return OkStatus();
               });
}

}  // namespace tidegate::admin
