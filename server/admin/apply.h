// A whole bundle of resources made live, all or nothing: what `tidegatectl apply` and definition
// directories do. Needs no gRPC.
//
//   ApplyOptions options;
//   options.owner = "file:/etc/tidegate/definitions";
//   options.prune = true;
//   StatusOr<v1::ApplyConfigResponse> done = ApplyBundle(deployer, bundle, options, call);
//
// Thread: like Deployer::Mutate. Owner: none. Fails: by the error catalogue, all violations at
// once; nothing has changed then.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/admin/deployer.h"
#include "server/admin/writing.h"
#include "server/config/yaml_reader.h"

namespace tidegate::config {
class SecretResolver;
}
namespace tidegate::admin::v1 {
class ApplyConfigResponse;
class ConfigBundle;
class DiffConfigResponse;
class DumpConfigResponse;
}  // namespace tidegate::admin::v1

namespace tidegate::admin {

struct ApplyOptions {
  ApplyOptions() = default;
  std::string owner{kAdminOwner};
  bool prune = false;
  bool force = false;
  bool validate_only = false;
  bool no_deploy = false;
  const config::SecretResolver* secrets = nullptr;  // for API keys given by reference
  // Where each resource stands, in the order apis, applications, subscriptions; empty: bundle.…
  std::vector<std::string> places;
  const OtherDirectories* others = nullptr;  // null: there are none
  std::vector<std::string>* kept = nullptr;  // takes names that are not pruned as others claim them
};

StatusOr<v1::ApplyConfigResponse> ApplyBundle(Deployer& deployer, const v1::ConfigBundle& bundle,
                                              const ApplyOptions& options, Call& call);

// The same for what the YAML reader has read, owned by "file:" and `directory`, with prune, beside
// what `others` say.
// Keys that had to be made are returned: the caller shows them once.
struct AppliedDefinitions {
  std::vector<std::string> changed;   // names of resources that were created, updated or deleted
  std::vector<std::pair<std::string, std::string>> keys;  // name and plaintext
  std::vector<std::string> warnings;
  std::vector<std::string> kept;      // not deleted, because another directory claims them
};
StatusOr<AppliedDefinitions> ApplyDefinitions(Deployer& deployer, const std::string& directory,
                                              const std::vector<config::Document>& documents,
                                              const config::SecretResolver& secrets, Call& call,
                                              const OtherDirectories& others = {});

StatusOr<v1::DiffConfigResponse> DiffBundle(Deployer& deployer, const v1::ConfigBundle& bundle,
                                            const ApplyOptions& options, Call& call);

// Everything that is stored (of one owner, where one is given). Secrets are redacted by the caller.
void Dump(const State& state, const std::string& owner, v1::DumpConfigResponse& response);

}  // namespace tidegate::admin
