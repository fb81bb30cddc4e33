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

Status Definitions::Apply(Directory& directory, config::Violations& violations) {
  directory.stamp = DirectoryStamp(directory.path);
  struct stat info {};
  if (stat(directory.path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return NotFound("definition directory " + directory.path + " is not there");
  }
  const auto documents = config::ReadFiles({directory.path}, violations);
  if (!violations.empty() || !OnlyDefinitions(documents, violations)) {
    model::ValidateDocuments(documents, violations);  // all that is wrong is told at once
    return InvalidArgument("definition directory " + directory.path + " has errors");
  }
  directory.files.clear();
  for (const config::Document& document : documents) {
    for (std::string& file : config::ReferencedFiles(*document.message)) {
      directory.files.push_back(std::move(file));
    }
  }
  directory.files_stamp = FilesStamp(directory.files);
  admin::Call call(admin::kApplyDefinitions);
  call.principal = "file:" + directory.path;
  auto applied = admin::ApplyDefinitions(deployer_, directory.path, documents, secrets_, call);
  if (!applied.ok()) {
    PlaceInFiles(documents, admin::ViolationsOf(applied.status()), violations);
    return applied.status();
  }
  LogApplied(directory.path, *applied);
  admin::CountApply("file", true);
  return OkStatus();
}

Status Definitions::ApplyAll(config::Violations& violations) {
  Status first;
  for (Directory& directory : directories_) {
    config::Violations found;
    const Status status = Apply(directory, found);
    violations.insert(violations.end(), found.begin(), found.end());
    if (!status.ok() && first.ok()) first = status;
  }
  return first;
}

void Definitions::Tick() {
  for (Directory& directory : directories_) {
    if (DirectoryStamp(directory.path) == directory.stamp &&
        FilesStamp(directory.files) == directory.files_stamp) {
      continue;
    }
    config::Violations violations;
    const Status status = Apply(directory, violations);
    if (status.ok()) continue;
    directory.files_stamp = FilesStamp(directory.files);  // tried: not again until it changes
    admin::CountApply("file", false);
    Log(LogLevel::kError, "definitions.rejected",
        {{"directory", directory.path}, {"cause", MessageOf(status)},
         {"note", "the last good state stays"}});
    for (const config::Violation& violation : violations) {
      Log(LogLevel::kError, "definitions.violation", {{"text", config::ToText(violation)}});
    }
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
