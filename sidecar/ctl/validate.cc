// validate: definitions checked without a server, by the same validators that the server has.
#include <algorithm>
#include <ostream>

#include "server/config/secrets.h"
#include "server/model/validate.h"
#include "sidecar/ctl/source_map.h"
#include "sidecar/ctl/style.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/gateway.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::ctl {
namespace {

namespace v1 = tidegate::config::v1;
using config::DocumentKind;

// What one document says wrong, and what is allowed but looks like a slip.
void CheckDocument(const config::Document& document, config::Violations& violations,
                   config::Violations& warnings) {
  config::Violations found;
  config::Violations lint;
  switch (document.kind) {
    case DocumentKind::kApi: {
      const auto& api = static_cast<const v1::Api&>(*document.message);
      model::Validate(api, found);
      model::Lint(api, lint);
      break;
    }
    case DocumentKind::kApplication:
      model::Validate(static_cast<const v1::Application&>(*document.message), found);
      break;
    case DocumentKind::kSubscription:
      model::Validate(static_cast<const v1::Subscription&>(*document.message), found);
      break;
    case DocumentKind::kGateway:
      model::Validate(static_cast<const v1::Gateway&>(*document.message), found);
      break;
  }
  config::Locate(document, found);
  config::Locate(document, lint);
  violations.insert(violations.end(), found.begin(), found.end());
  warnings.insert(warnings.end(), lint.begin(), lint.end());
}

// What documents say about each other.
void CheckTogether(const std::vector<config::Document>& documents,
                   config::Violations& violations) {
  model::Bundle bundle;
  for (const config::Document& document : documents) {
    if (document.kind == DocumentKind::kApi) {
      bundle.apis.push_back(static_cast<const v1::Api*>(document.message.get()));
    } else if (document.kind == DocumentKind::kApplication) {
      bundle.applications.push_back(static_cast<const v1::Application*>(document.message.get()));
    } else if (document.kind == DocumentKind::kSubscription) {
      bundle.subscriptions.push_back(static_cast<const v1::Subscription*>(document.message.get()));
    }
  }
  config::Violations found;
  // What these files refer to may be at the server already.
  model::ValidateBundle(bundle, false, found);
  for (config::Violation& violation : found) {
    config::Violations one{std::move(violation)};
    for (const config::Document& document : documents) {
      if (document.name == one[0].resource) config::Locate(document, one);
    }
    violations.push_back(std::move(one[0]));
  }
}

// What the gateway must have and this machine has not. It may well be right: only a warning.
void CheckSecrets(Context& context, const config::Document& document,
                  const config::SecretResolver& resolver) {
  config::Violations found;
  resolver.Resolve(document.message.get(), true, found);
  config::Locate(document, found);
  for (const config::Violation& violation : found) {
    context.Warn(config::ToText(violation) + " here; the gateway must have it");
  }
}

std::string Summary(const std::vector<config::Document>& documents) {
  static constexpr std::pair<DocumentKind, std::string_view> kinds[] = {
      {DocumentKind::kApi, "API"},
      {DocumentKind::kApplication, "application"},
      {DocumentKind::kSubscription, "subscription"},
      {DocumentKind::kGateway, "gateway"}};
  std::string text;
  for (const auto& [kind, word] : kinds) {
    const auto count = std::count_if(documents.begin(), documents.end(),
                                     [k = kind](const auto& d) { return d.kind == k; });
    if (count == 0) continue;
    text += (text.empty() ? "" : ", ") + Count(static_cast<std::size_t>(count), word);
  }
  return text;
}

}  // namespace

int RunValidate(Context& context) {
  const Options& options = context.options;
  if (!options.arguments.empty() || options.files.empty()) {
    return context.Usage("validate needs -f with a file, a directory or -");
  }
  SourceMap sources;
  config::Violations violations = sources.Read(context.environment, options.files);
  config::Violations warnings;
  const config::SecretResolver resolver(config::SecretRules{{"/"}, {"*"}});
  for (const config::Document& document : sources.documents()) {
    CheckDocument(document, violations, warnings);
    CheckSecrets(context, document, resolver);
  }
  CheckTogether(sources.documents(), violations);
  if (options.strict) {
    violations.insert(violations.end(), warnings.begin(), warnings.end());
  } else {
    for (const config::Violation& warning : warnings) context.Warn(config::ToText(warning));
  }
  if (!violations.empty()) {
    PrintViolations(context, violations);
    return kRefused;
  }
  if (sources.documents().empty()) return context.Refused("no definitions found");
  context.out() << "valid: " << Summary(sources.documents()) << '\n';
  return kDone;
}

}  // namespace tidegate::ctl
