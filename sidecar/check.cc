#include "sidecar/check.h"

#include <cstdio>

#include "server/config/secrets.h"
#include "server/config/yaml_reader.h"
#include "server/model/validate.h"
#include "server/model/validate_documents.h"
#include "sidecar/bootstrap.h"

namespace tidegate::sidecar {
namespace {

void CheckDefinitions(const std::vector<config::Document>& documents,
                      config::Violations& violations) {
  for (const config::Document& document : documents) {
    if (document.kind != config::DocumentKind::kGateway) continue;
    config::Violation violation = config::FieldViolation(
        "kind", config::kInvalidField, "a bootstrap (kind: Gateway) is given with --config");
    violation.file = document.file;
    violations.push_back(std::move(violation));
  }
  model::ValidateDocuments(documents, violations);
}

}  // namespace

int Check(const Options& options) {
  config::Violations violations;
  const auto gateway = LoadBootstrap(options, violations);
  const std::vector<std::string> directories =
      gateway ? gateway->definitions : options.definitions;
  config::Violations unread;
  const auto documents = config::ReadFiles(directories, unread);
  CheckDefinitions(documents, violations);
  violations.insert(violations.end(), unread.begin(), unread.end());
  if (gateway) {
    const config::SecretResolver secrets(
        config::DefaultSecretRules(gateway->definitions, true));
    config::Violations warnings;
    for (const config::Document& document : documents) {
      const std::size_t first = warnings.size();
      secrets.Resolve(document.message.get(), true, warnings);
      config::Locate(document, warnings, first);
    }
    for (const config::Violation& warning : warnings) {
      std::fprintf(stderr, "warning: %s\n", config::ToText(warning).c_str());
    }
  }
  if (violations.empty()) {
    const char* noun = documents.size() == 1 ? "definition" : "definitions";
    std::printf("valid: %s%zu %s\n", options.config.empty() ? "" : "the bootstrap, ",
                documents.size(), noun);
    return 0;
  }
  std::fputs(Render(violations).c_str(), stderr);
  return 3;
}

}  // namespace tidegate::sidecar
