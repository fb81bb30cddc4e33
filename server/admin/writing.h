// How resources are stored, whoever asks: the services, ApplyConfig, definition directories.
//
// Each function takes a resource as it came, checks it against what is stored, and puts it into the
// change. What is wrong with fields is appended to `violations` (the caller refuses them all at
// once); what is wrong with the situation is the Status.
// Thread: inside Deployer::Mutate. Owner: none. Fails: by the error catalogue.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/admin/repository.h"
#include "server/config/violation.h"

namespace tidegate::config {
class SecretResolver;
}
namespace tidegate::config::v1 {
class ApiKey;
class Plan;
}  // namespace tidegate::config::v1

namespace tidegate::admin {

// What the other watched directories say, where a directory is written: a file that moves from one
// to another changes the owner of its resources, and nothing else. A function that is null says no.
struct OtherDirectories {
  // Whether `owner` is one of them and lists the resource `name` (full) no longer: it is given up.
  std::function<bool(const std::string& owner, const std::string& name)> yields;
  // Whether one of them lists the resource, or may do so: it is not pruned, that one will take it.
  std::function<bool(const std::string& name)> claims;
};

struct WriteOptions {
  std::string owner{kAdminOwner};
  bool force = false;         // takes over what others own; deletes what hangs on what goes
  bool cascade = false;       // deletes what hangs on what goes
  bool keep_missing = false;  // plans and keys that the resource lacks stay (apply without prune)
  std::string path;         // of the resource in the request: "api", "bundle.apis[2]"
  const config::SecretResolver* secrets = nullptr;  // for API keys; null: no references
  // Where given, a state that a call has ended for good (a closed plan or subscription) stays, with
  // a warning: a definition directory must not keep the process from starting. Null: refused.
  std::vector<std::string>* warnings = nullptr;
  const OtherDirectories* others = nullptr;  // of a definition directory; null: there are none
};

struct MadeKey {
  std::string name;       // full
  std::string plaintext;  // shown once
};

Status CheckOwner(const std::string& name, const std::string& current, const WriteOptions& options);
// An empty `given` fits everything.
Status CheckEtag(const std::string& name, const std::string& current, const std::string& given);

Status StoreApi(Change& change, cfg::Api api, const WriteOptions& options,
                config::Violations& violations);
Status StoreApplication(Change& change, cfg::Application application, const WriteOptions& options,
                        config::Violations& violations);
// `bundle`: accepted unless desiredState says otherwise, and missing keys are made; else the plan
// decides, and a key without a credential is refused.
Status StoreSubscription(Change& change, cfg::Subscription subscription,
                         const WriteOptions& options, bool bundle, std::vector<MadeKey>& made,
                         config::Violations& violations);

// FAILED_PRECONDITION `HAS_CHILDREN` when subscriptions hang on it and `force` is not set.
Status DeleteApi(Change& change, const std::string& name, bool force);
Status DeleteApplication(Change& change, const std::string& name, bool force);

// Makes what is stored the deployed state.
Status DeployStored(Change& change, const std::string& name, bool stopped);
// The stage with its default.
int StageOf(const cfg::Plan& plan);
// Closes what is open among the subscriptions of a plan (full name).
void CloseSubscriptions(Change& change, const std::string& plan, std::string_view reason);

// --- keys (keys.cc)

// Replaces the credential of a key by its hash. Violations where it is not a key.
void HashKey(cfg::ApiKey& key, const config::SecretResolver* secrets, std::string_view path,
             config::Violations& violations);
// What is shown of a key: that it is set, and the first digits of its hash.
void HideKey(cfg::ApiKey& key);
// The full name under which a call that rotates the key `name` keeps its credential, which has
// `sha256`.
std::string RotatedName(const std::string& name, const std::string& sha256);
// A new key's text, and its hash into `key`.
std::string MakeKey(cfg::ApiKey& key);
// Keys of a subscription as they come, against those that are stored.
void TakeKeys(const Change& change, const cfg::Subscription* stored, cfg::Subscription& fresh,
              const WriteOptions& options, bool make_missing, std::vector<MadeKey>& made,
              config::Violations& violations);
// One key opens one subscription of an API, and one application's everywhere.
Status CheckKeysUnique(const Change& change, const cfg::Subscription& subscription);

}  // namespace tidegate::admin
