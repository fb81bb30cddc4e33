// Definition directories: applied at start, watched afterwards.
//
// Each directory is an owner of its own ("file:DIR") and is applied with prune. A change that is
// wrong keeps the last good state, is logged once and counted; what was refused may be accepted
// later (another owner gives a listener back, the store has room again), so it is tried again.
//
// A file may move from one directory to another, in either order of the two: what a directory lists
// no longer may be taken over by one that lists it, with all that hangs on it, and is not pruned
// while another lists it, or may do so because its files cannot be read.
// Thread: main. Owner: lifecycle. Fails: at start by violations or Status, later never.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "server/admin/deployer.h"
#include "server/base/status.h"
#include "server/config/secrets.h"
#include "server/config/violation.h"

namespace tidegate::admin {
struct AppliedDefinitions;
struct OtherDirectories;
}  // namespace tidegate::admin

namespace tidegate::sidecar {

class Definitions {
 public:
  Definitions(std::vector<std::string> directories, admin::Deployer& deployer,
              const config::SecretResolver& secrets);

  // All directories; what is wrong with their files is in `violations`, all of it.
  Status ApplyAll(config::Violations& violations);
  // Applies the directories that changed since, and again what could not be done before.
  void Tick();

 private:
  struct Directory {
    std::string path;
    std::string stamp;               // of what was last tried
    std::vector<std::string> files;  // that its references name
    std::string files_stamp;
    // What it lists (full names), as last read; known: nothing else can be in it.
    std::set<std::string> names;
    bool known = false;
    // Accepted, and nothing was kept for another directory; else it is tried again.
    bool settled = false;
    std::uint64_t tried_revision = 0;  // of the configuration
    std::chrono::steady_clock::time_point tried_at;
    bool refused = false;  // and logged
    std::string said;      // why it is not settled, as last logged
  };
  struct Reading;  // of a directory that is to be applied
  bool IsDue(const Directory& directory, bool any_changed) const;
  Reading Read(Directory& directory);
  std::vector<Reading> ReadDue(bool all);
  admin::OtherDirectories OthersOf(const Directory& directory) const;
  Status Apply(Reading& reading);
  void Accepted(Reading& reading, const admin::AppliedDefinitions& applied);
  void Rejected(const Reading& reading);
  void ApplyRead(std::vector<Reading>& readings);

  std::vector<Directory> directories_;
  admin::Deployer& deployer_;
  const config::SecretResolver& secrets_;
};

// Applies definitions that come as text (`tidegate dev`), as owner "dev".
Status ApplyText(const std::string& text, admin::Deployer& deployer,
                 const config::SecretResolver& secrets, config::Violations& violations);

}  // namespace tidegate::sidecar
