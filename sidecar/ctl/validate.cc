// validate: definitions checked without a server, by the same validators that the server has.
#include <algorithm>
#include <ostream>

#include "server/config/secrets.h"
#include "server/model/validate.h"
#include "server/model/validate_documents.h"
#include "sidecar/ctl/source_map.h"
#include "sidecar/ctl/style.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/config/v1/api.pb.h"

namespace tidegate::ctl {
namespace {

namespace v1 = tidegate::config::v1;
using config::DocumentKind;

// What is allowed but looks like a slip.
void LintDocument(const config::Document& document, config::Violations& warnings) {
  if (document.kind != DocumentKind::kApi) return;
  const std::size_t first = warnings.size();
  model::Lint(static_cast<const v1::Api&>(*document.message), warnings);
  config::Locate(document, warnings, first);
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
    LintDocument(document, warnings);
    CheckSecrets(context, document, resolver);
  }
  model::ValidateDocuments(sources.documents(), violations);
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
