#include "sidecar/ctl/source_map.h"

#include <fstream>
#include <ostream>
#include <set>

#include "google/protobuf/message.h"
#include "server/base/strings.h"
#include "server/config/names.h"
#include "server/config/text_tree.h"
#include "server/model/validate_documents.h"
#include "sidecar/ctl/context.h"
#include "sidecar/ctl/style.h"
#include "tidegate/admin/v1/config_service.pb.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::ctl {
namespace {

namespace v1 = tidegate::config::v1;
using config::DocumentKind;

// Standard input, up to one byte more than the reader takes, so that it refuses what is longer.
std::string ReadAll(std::istream& in) {
  std::string text;
  char block[16 * 1024];
  while (text.size() <= config::kFileBytesMax) {
    in.read(block, sizeof(block));
    if (in.gcount() == 0) break;
    text.append(block, static_cast<std::size_t>(in.gcount()));
  }
  return text;
}

bool IsKind(DocumentKind kind, std::string_view list) {
  return (kind == DocumentKind::kApi && (list == "apis" || list == "api")) ||
         (kind == DocumentKind::kApplication &&
          (list == "applications" || list == "application")) ||
         (kind == DocumentKind::kSubscription &&
          (list == "subscriptions" || list == "subscription"));
}

// "apis[orders].plans[gold]" -> apis, orders, plans[gold]; false for other forms.
bool SplitItem(std::string_view field, std::string& list, std::string& key, std::string& rest) {
  const std::size_t open = field.find('[');
  const std::size_t close = field.find(']', open);
  if (open == std::string_view::npos || close == std::string_view::npos) return false;
  list = field.substr(0, open);
  key = field.substr(open + 1, close - open - 1);
  rest = field.substr(close + 1);
  if (StartsWith(rest, ".")) rest.erase(0, 1);
  return true;
}

}  // namespace

config::Violations SourceMap::Read(const Environment& environment,
                                   const std::vector<std::string>& paths) {
  config::Violations violations;
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (path != "-") files.push_back(path);
  }
  documents_ = config::ReadFiles(files, violations);
  if (files.size() == paths.size()) return violations;
  std::set<std::string> names;
  for (const config::Document& document : documents_) names.insert(document.name);
  for (config::Document& document :
       config::ReadText("standard input", ReadAll(environment.in), ".", violations)) {
    if (!names.insert(document.name).second) {
      config::Violation twice = config::FieldViolation("name", config::kDuplicate,
                                                       "this resource stands twice");
      config::Violations located{std::move(twice)};
      config::Locate(document, located);
      violations.push_back(std::move(located[0]));
    }
    documents_.push_back(std::move(document));
  }
  return violations;
}

int SourceMap::Read(Context& context, const std::vector<std::string>& paths) {
  if (paths.empty()) {
    return context.Usage(context.options.verb + " needs -f with a file, a directory or -");
  }
  config::Violations violations = Read(context.environment, paths);
  if (!violations.empty()) {
    // The server is not asked about the others then: what can be said without it is said now.
    model::ValidateDocuments(documents_, violations);
    PrintViolations(context, violations);
    return kRefused;
  }
  if (documents_.empty()) return context.Refused("no definitions found in " + Join(paths, ", "));
  return kDone;
}

void SourceMap::FillBundle(admin::v1::ConfigBundle& bundle) const {
  for (const config::Document& document : documents_) {
    switch (document.kind) {
      case DocumentKind::kApi:
        *bundle.add_apis() = static_cast<const v1::Api&>(*document.message);
        break;
      case DocumentKind::kApplication:
        *bundle.add_applications() = static_cast<const v1::Application&>(*document.message);
        break;
      case DocumentKind::kSubscription:
        *bundle.add_subscriptions() = static_cast<const v1::Subscription&>(*document.message);
        break;
      case DocumentKind::kGateway: break;
    }
  }
}

// `key` is the index within its list, or the local name.
const config::Document* SourceMap::Find(std::string_view list, std::string_view key) const {
  const auto wanted = ParseUint(key);
  std::uint64_t index = 0;
  const config::Document* by_index = nullptr;
  for (const config::Document& document : documents_) {
    if (!IsKind(document.kind, list)) continue;
    if (document.name == key || config::LocalPart(document.name) == key) return &document;
    if (wanted && index == *wanted) by_index = &document;
    ++index;
  }
  return by_index;
}

config::Violation SourceMap::Locate(const CallViolation& violation,
                                    std::string_view resource) const {
  std::string field = violation.field;
  if (StartsWith(field, "bundle.")) field.erase(0, 7);
  const config::Document* found = nullptr;
  std::string list, key, rest;
  if (StartsWith(field, "apis/") || StartsWith(field, "applications/")) {
    const std::size_t end = field.find_first_of(":. ");
    resource = std::string_view(violation.field).substr(violation.field.size() - field.size(), end);
    field = end == std::string::npos ? "" : std::string(Trim(field.substr(end + 1)));
  } else if (SplitItem(field, list, key, rest)) {
    found = Find(list, key);
    if (found != nullptr) field = rest;
  }
  for (const config::Document& document : documents_) {
    if (found == nullptr && !resource.empty() && document.name == resource) found = &document;
  }
  if (found == nullptr && documents_.size() == 1 && resource.empty()) {
    const std::size_t dot = field.find('.');
    if (dot != std::string::npos && IsKind(documents_[0].kind, field.substr(0, dot))) {
      field.erase(0, dot + 1);
    }
    // A field of the request rather than of the definition has no place in the file.
    const bool known = documents_[0].places.count(field.substr(0, field.find_first_of(".["))) > 0;
    if (known) found = &documents_[0];
  }
  config::Violation result = config::FieldViolation(field, "", violation.text);
  if (found == nullptr) {
    result.path = violation.field;
    return result;
  }
  config::Violations located{std::move(result)};
  config::Locate(*found, located);
  return located[0];
}

bool ReadFragment(const Environment& environment, const std::string& path, std::string& text) {
  if (path == "-") {
    text = ReadAll(environment.in);
    return true;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  text = ReadAll(file);
  return !file.bad();
}

void WarnOfGateways(Context& context, const SourceMap& sources) {
  for (const config::Document& document : sources.documents()) {
    if (document.kind != config::DocumentKind::kGateway) continue;
    context.Warn(document.file + ": the Gateway is read by tidegate serve --config; skipped here");
  }
}

void PrintViolations(Context& context, const config::Violations& violations) {
  const bool colour = UsesColour(context.environment, context.environment.err_is_tty);
  std::set<std::string> files;
  for (const config::Violation& violation : violations) {
    context.err() << Printable(config::ToText(violation)) << '\n';
    if (!violation.file.empty()) files.insert(violation.file);
  }
  context.err() << Paint(colour, Colour::kRed, "error:") << ' '
                << Count(violations.size(), "problem");
  if (!files.empty()) context.err() << " in " << Count(files.size(), "file");
  context.err() << (context.options.verb == "validate" ? "\n" : "; nothing was changed\n");
}

}  // namespace tidegate::ctl
