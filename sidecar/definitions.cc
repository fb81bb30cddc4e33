#include "sidecar/definitions.h"

#include <sys/stat.h>
#include <unistd.h>

#include "server/admin/apply.h"
#include "server/admin/errors.h"
#include "server/base/log.h"
#include "server/config/yaml_reader.h"
#include "server/model/validate_documents.h"
#include "sidecar/bootstrap.h"
#include "sidecar/directory_watch.h"

namespace tidegate::sidecar {
namespace {

constexpr char kDevDirectory[] = "dev";
// A refusal may pass without any change of configuration: a broker or the disk is back. This is
// short beside the time until somebody looks, and long beside what trying a directory costs.
constexpr std::chrono::seconds kRetryInterval(30);

std::string OwnerOf(const std::string& directory) {
  return std::string(admin::kFileOwnerPrefix) + directory;
}

void LogApplied(const std::string& directory, const admin::AppliedDefinitions& applied) {
  for (const std::string& name : applied.changed) {
    Log(LogLevel::kInfo, "definitions.applied", {{"directory", directory}, {"resource", name}});
  }
  for (const std::string& warning : applied.warnings) {
    Log(LogLevel::kWarn, "definitions.warning", {{"directory", directory}, {"text", warning}});
  }
  // A key that a file asks for without giving one can only be shown here, once, and only to a
  // person: where standard error is kept as a log, a secret must not stand in it.
  const bool person = isatty(STDERR_FILENO) == 1;
  for (const auto& [name, plaintext] : applied.keys) {
    if (person) {
      std::fprintf(stderr, "tidegate: new API key %s (shown once): %s\n", name.c_str(),
                   plaintext.c_str());
      continue;
    }
    Log(LogLevel::kWarn, "definitions.key_unseen",
        {{"key", name}, {"note", "made but not logged; get a new one: tidegatectl rotate key/…"}});
  }
}

// What applying has refused names `FILE RESOURCE.path`, or the resource alone: where that stands.
void PlaceInFiles(const std::vector<config::Document>& documents, config::Violations refused,
                  config::Violations& violations) {
  for (config::Violation& one : refused) {
    for (const config::Document& document : documents) {
      const std::string place = document.file + " " + document.name;
      const bool within = one.path.compare(0, place.size(), place) == 0;
      const std::string rest = within ? one.path.substr(place.size()) : "";
      if (one.path != document.name && (!within || (!rest.empty() && rest[0] != '.'))) continue;
      one.path = rest.empty() ? "" : rest.substr(1);
      config::Violations placed = {std::move(one)};
      config::Locate(document, placed);
      violations.push_back(std::move(placed.front()));
      break;
    }
  }
}

bool OnlyDefinitions(const std::vector<config::Document>& documents,
                     config::Violations& violations) {
  for (const config::Document& document : documents) {
    if (document.kind != config::DocumentKind::kGateway) continue;
    config::Violation violation = config::FieldViolation(
        "kind", config::kInvalidField, "a bootstrap (kind: Gateway) is given with --config");
    violation.file = document.file;
    violations.push_back(std::move(violation));
  }
  return violations.empty();
}

}  // namespace

Definitions::Definitions(std::vector<std::string> directories, admin::Deployer& deployer,
                         const config::SecretResolver& secrets)
    : deployer_(deployer), secrets_(secrets) {
  for (std::string& path : directories) {
    Directory directory;
    directory.path = std::move(path);
    directories_.push_back(std::move(directory));
  }
}

struct Definitions::Reading {
  Directory* directory = nullptr;
  bool fresh = false;  // its files have changed since they were last tried
  std::vector<config::Document> documents;
  Status read;                    // why they cannot be used
  config::Violations violations;  // of the files, then of applying them
  Status outcome;
};

bool Definitions::IsDue(const Directory& directory, bool any_changed) const {
  if (directory.settled && directory.known) return false;
  return any_changed || deployer_.Read()->revision != directory.tried_revision ||
         std::chrono::steady_clock::now() - directory.tried_at >= kRetryInterval;
}

Definitions::Reading Definitions::Read(Directory& directory) {
  Reading reading;
  reading.directory = &directory;
  directory.known = false;
  directory.names.clear();
  struct stat info {};
  if (stat(directory.path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    reading.read = NotFound("definition directory " + directory.path + " is not there");
  } else {
    reading.documents = config::ReadFiles({directory.path}, reading.violations);
    if (!reading.violations.empty() || !OnlyDefinitions(reading.documents, reading.violations)) {
      model::ValidateDocuments(reading.documents, reading.violations);  // all that is wrong at once
      reading.read = InvalidArgument("definition directory " + directory.path + " has errors");
    }
  }
  if (reading.read.ok()) {
    directory.known = true;
    directory.files.clear();
    for (const config::Document& document : reading.documents) {
      directory.names.insert(document.name);
      for (std::string& file : config::ReferencedFiles(*document.message)) {
        directory.files.push_back(std::move(file));
      }
    }
  }
  directory.files_stamp = FilesStamp(directory.files);
  return reading;
}

std::vector<Definitions::Reading> Definitions::ReadDue(bool all) {
  std::vector<bool> changed;
  bool any_changed = false;
  for (Directory& directory : directories_) {
    const std::string stamp = DirectoryStamp(directory.path);
    const bool differs = all || stamp != directory.stamp ||
                         FilesStamp(directory.files) != directory.files_stamp;
    directory.stamp = stamp;
    changed.push_back(differs);
    any_changed = any_changed || differs;
  }
  std::vector<Reading> readings;
  for (std::size_t i = 0; i < directories_.size(); ++i) {
    if (!changed[i] && !IsDue(directories_[i], any_changed)) continue;
    readings.push_back(Read(directories_[i]));
    readings.back().fresh = changed[i];
  }
  if (readings.empty()) return readings;
  // A file that moved while they were read may have been seen in none of them. The lists are those
  // of one moment only where nothing has changed from the first look to this one.
  for (Directory& directory : directories_) {
    if (DirectoryStamp(directory.path) != directory.stamp) directory.known = false;
  }
  return readings;
}

admin::OtherDirectories Definitions::OthersOf(const Directory& directory) const {
  admin::OtherDirectories others;
  others.yields = [this, self = &directory](const std::string& owner, const std::string& name) {
    for (const Directory& other : directories_) {
      if (&other == self || OwnerOf(other.path) != owner) continue;
      return other.known && other.names.count(name) == 0;
    }
    return false;
  };
  others.claims = [this, self = &directory](const std::string& name) {
    for (const Directory& other : directories_) {
      if (&other != self && (!other.known || other.names.count(name) != 0)) return true;
    }
    return false;
  };
  return others;
}

Status Definitions::Apply(Reading& reading) {
  Directory& directory = *reading.directory;
  directory.settled = false;
  directory.tried_revision = deployer_.Read()->revision;
  directory.tried_at = std::chrono::steady_clock::now();
  if (!reading.read.ok()) return reading.read;
  reading.violations.clear();
  admin::Call call(admin::kApplyDefinitions);
  call.principal = OwnerOf(directory.path);
  auto applied = admin::ApplyDefinitions(deployer_, directory.path, reading.documents, secrets_,
                                         call, OthersOf(directory));
  if (!applied.ok()) {
    PlaceInFiles(reading.documents, admin::ViolationsOf(applied.status()), reading.violations);
    return applied.status();
  }
  directory.settled = applied->kept.empty();
  Accepted(reading, *applied);
  return OkStatus();
}

void Definitions::Accepted(Reading& reading, const admin::AppliedDefinitions& applied) {
  Directory& directory = *reading.directory;
  std::string kept;
  for (const std::string& name : applied.kept) kept += (kept.empty() ? "" : ", ") + name;
  for (const std::string& name : applied.kept) {
    if (kept == directory.said) break;
    Log(LogLevel::kInfo, "definitions.kept",
        {{"directory", directory.path}, {"resource", name},
         {"note", "not deleted: another directory lists it, or cannot be read"}});
  }
  directory.said = kept;
  const bool again = !reading.fresh && !directory.refused && applied.changed.empty();
  reading.fresh = directory.refused = false;
  if (again) return;  // only to see whether what was kept may go now
  LogApplied(directory.path, applied);
  admin::CountApply("file", true);
}

void Definitions::Rejected(const Reading& reading) {
  Directory& directory = *reading.directory;
  std::string cause = MessageOf(reading.outcome);
  for (const config::Violation& one : reading.violations) cause += '\n' + config::ToText(one);
  if (!reading.fresh && cause == directory.said) return;  // tried again, and refused as before
  directory.said = cause;
  directory.refused = true;
  admin::CountApply("file", false);
  Log(LogLevel::kError, "definitions.rejected",
      {{"directory", directory.path}, {"cause", MessageOf(reading.outcome)},
       {"note", "the last good state stays"}});
  for (const config::Violation& violation : reading.violations) {
    Log(LogLevel::kError, "definitions.violation", {{"text", config::ToText(violation)}});
  }
}

// One may need what another brings or gives back (an application, a listener), in whatever order
// they are given; so those that are left are tried again while the others get on.
void Definitions::ApplyRead(std::vector<Reading>& readings) {
  for (Reading& one : readings) one.directory->settled = false;
  for (std::size_t round = 0; round < readings.size(); ++round) {
    const std::uint64_t before = deployer_.Read()->revision;
    for (Reading& one : readings) {
      if (!one.directory->settled) one.outcome = Apply(one);
    }
    if (deployer_.Read()->revision == before) return;
  }
}

Status Definitions::ApplyAll(config::Violations& violations) {
  std::vector<Reading> readings = ReadDue(true);
  ApplyRead(readings);
  Status first;
  for (const Reading& one : readings) {
    violations.insert(violations.end(), one.violations.begin(), one.violations.end());
    if (!one.outcome.ok() && first.ok()) first = one.outcome;
  }
  return first;
}

void Definitions::Tick() {
  std::vector<Reading> readings = ReadDue(false);
  ApplyRead(readings);
  for (const Reading& one : readings) {
    if (!one.outcome.ok()) Rejected(one);
  }
}

Status ApplyText(const std::string& text, admin::Deployer& deployer,
                 const config::SecretResolver& secrets, config::Violations& violations) {
  const auto documents = config::ReadText("dev.yaml", text, "", violations);
  if (!violations.empty()) return Internal("the built-in definitions have errors");
  admin::Call call(admin::kApplyDefinitions);
  call.principal = kDevDirectory;
  return admin::ApplyDefinitions(deployer, kDevDirectory, documents, secrets, call).status();
}

}  // namespace tidegate::sidecar
