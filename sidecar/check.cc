#include "sidecar/check.h"

#include <cstdio>

#include "server/config/secrets.h"
#include "server/config/yaml_reader.h"
#include "server/model/validate.h"
#include "sidecar/bootstrap.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::sidecar {
namespace {

namespace v1 = tidegate::config::v1;

template <typename T>
void CheckOne(const config::Document& document, std::vector<const T*>& bundle,
              config::Violations& violations) {
  const auto* message = static_cast<const T*>(document.message.get());
  const std::size_t first = violations.size();
  model::Validate(*message, violations);
  config::Locate(document, violations, first);
  bundle.push_back(message);
}

void CheckDefinitions(const std::vector<config::Document>& documents,
                      config::Violations& violations) {
  model::Bundle bundle;
  for (const config::Document& document : documents) {
    switch (document.kind) {
      case config::DocumentKind::kApi:
        CheckOne(document, bundle.apis, violations);
        break;
      case config::DocumentKind::kApplication:
        CheckOne(document, bundle.applications, violations);
        break;
      case config::DocumentKind::kSubscription:
        CheckOne(document, bundle.subscriptions, violations);
        break;
      case config::DocumentKind::kGateway: {
        config::Violation violation = config::FieldViolation(
            "kind", config::kInvalidField, "a bootstrap (kind: Gateway) is given with --config");
        violation.file = document.file;
        violations.push_back(std::move(violation));
        break;
      }
    }
  }
  // What the definitions lack may be in the store, so the bundle does not claim to be complete.
  const std::size_t first = violations.size();
  model::ValidateBundle(bundle, false, violations);
  for (const config::Document& document : documents) {
    for (std::size_t i = first; i < violations.size(); ++i) {
      if (violations[i].resource == document.name && violations[i].file.empty()) {
        config::Violations one{violations[i]};
        config::Locate(document, one);
        violations[i] = std::move(one.front());
      }
    }
  }
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
