#include "sidecar/bootstrap.h"

#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "server/config/yaml_reader.h"
#include "server/model/compile.h"
#include "server/model/validate.h"
#include "tidegate/config/v1/gateway.pb.h"

namespace tidegate::sidecar {
namespace {

namespace v1 = tidegate::config::v1;

// Names what came from a flag or a variable, so that an error can be found.
void AddFlagViolation(config::Violations& violations, std::string_view flag,
                      std::string_view message) {
  violations.push_back(config::FieldViolation(flag, config::kInvalidField, message));
}

std::optional<config::Document> ReadFile(const std::string& path, config::Violations& violations) {
  auto documents = config::ReadFiles({path}, violations);
  if (!violations.empty()) return std::nullopt;
  if (documents.size() != 1 || documents[0].kind != config::DocumentKind::kGateway) {
    config::Violation violation = config::FieldViolation(
        "kind", config::kInvalidField, "a bootstrap file holds one document of kind Gateway");
    violation.file = path;
    violations.push_back(std::move(violation));
    return std::nullopt;
  }
  return std::move(documents[0]);
}

void OverrideHttp(const Options& options, v1::Gateway& gateway, config::Violations& violations) {
  bool replaced = false;
  for (const HttpFlag& flag : options.http) {
    if (flag.name.empty()) {
      if (!replaced) gateway.clear_http();
      replaced = true;
      v1::HttpListener* listener = gateway.add_http();
      const int index = gateway.http_size();
      listener->set_name(index == 1 ? "plain" : "plain-" + std::to_string(index));
      listener->set_address(flag.address);
      continue;
    }
    v1::HttpListener* found = nullptr;
    for (v1::HttpListener& listener : *gateway.mutable_http()) {
      if (listener.name() == flag.name) found = &listener;
    }
    if (found == nullptr) {
      AddFlagViolation(violations, "--http", "no listener of the bootstrap has this name");
      continue;
    }
    found->set_address(flag.address);
  }
}

void Override(const Options& options, v1::Gateway& gateway, config::Violations& violations) {
  OverrideHttp(options, gateway, violations);
  if (!options.admin.empty()) gateway.clear_admin();
  for (const std::string& place : options.admin) {
    v1::AdminListener* listener = gateway.add_admin();
    if (place.rfind("unix:", 0) == 0) {
      listener->set_unix(place.substr(5));
    } else {
      listener->set_address(place);
    }
  }
  if (options.operations) gateway.mutable_operations()->set_address(*options.operations);
  if (options.state) {
    gateway.clear_state();
    if (*options.state == "none") {
      gateway.mutable_state()->mutable_none();
    } else {
      gateway.mutable_state()->mutable_sqlite()->set_directory(*options.state);
    }
  }
  if (!options.definitions.empty()) gateway.clear_definitions();
  for (const std::string& directory : options.definitions) {
    gateway.add_definitions()->set_directory(directory);
  }
  if (options.workers) gateway.set_workers(static_cast<std::int32_t>(*options.workers));
}

model::Surroundings SurroundingsOf() {
  model::Surroundings surroundings;
  char name[HOST_NAME_MAX + 1] = {};
  gethostname(name, sizeof name - 1);
  surroundings.host_name = name[0] == '\0' ? "tidegate" : name;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr) surroundings.runtime_dir = runtime;
  return surroundings;
}

}  // namespace

std::string DefaultAdminSocket() {
  return model::DefaultAdminSocket(SurroundingsOf().runtime_dir);
}

std::string Render(const config::Violations& violations) {
  std::string out;
  for (const config::Violation& violation : violations) out += config::ToText(violation) + "\n";
  return out;
}

std::optional<model::Gateway> LoadBootstrap(const Options& options,
                                            config::Violations& violations) {
  std::optional<config::Document> document;
  v1::Gateway gateway;
  if (!options.config.empty()) {
    document = ReadFile(options.config, violations);
    if (!document) return std::nullopt;
    gateway.CopyFrom(*document->message);
  }
  Override(options, gateway, violations);
  const std::size_t first = violations.size();
  model::Validate(gateway, violations);
  if (document) config::Locate(*document, violations, first);
  if (!violations.empty()) return std::nullopt;
  model::Gateway compiled = model::CompileGateway(gateway, SurroundingsOf());
  if (compiled.workers == 0) compiled.workers = DefaultWorkers();
  return compiled;
}

}  // namespace tidegate::sidecar
