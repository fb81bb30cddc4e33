#include "server/config/secrets.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <climits>
#include <cstdlib>
#include <memory>

#include "server/base/strings.h"
#include "server/config/bind.h"
#include "tidegate/config/v1/common.pb.h"

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;

Status Unresolved(const std::string& text) {
  return WithReason(FailedPrecondition(text), kSecretUnresolved);
}

// The path with links followed, or empty.
std::string Canonical(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real ? std::string(real.get()) : std::string();
}

bool MatchesName(const std::string& pattern, std::string_view name) {
  if (!pattern.empty() && pattern.back() == '*') {
    return StartsWith(name, std::string_view(pattern).substr(0, pattern.size() - 1));
  }
  return name == pattern;
}

void CutNewline(std::string* text) {
  if (!text->empty() && text->back() == '\n') text->pop_back();
  if (!text->empty() && text->back() == '\r') text->pop_back();
}

// Env and file of Secret and DataSource alike.
struct Reference {
  std::string env;
  std::string file;
};
bool ReferenceOf(const pb::Message& message, Reference* out) {
  if (const auto* secret = dynamic_cast<const v1::Secret*>(&message)) {
    out->env = secret->source_case() == v1::Secret::kEnv ? secret->env() : "";
    out->file = secret->source_case() == v1::Secret::kFile ? secret->file() : "";
    return true;
  }
  if (const auto* source = dynamic_cast<const v1::DataSource*>(&message)) {
    out->env = source->source_case() == v1::DataSource::kEnv ? source->env() : "";
    out->file = source->source_case() == v1::DataSource::kFile ? source->file() : "";
    return true;
  }
  return false;
}

void SetText(pb::Message* message, std::string text) {
  if (auto* secret = dynamic_cast<v1::Secret*>(message)) secret->set_text(std::move(text));
  if (auto* source = dynamic_cast<v1::DataSource*>(message)) source->set_text(std::move(text));
}

// Calls `visit(path, message)` for the message and all below it.
template <typename Visit>
void Walk(pb::Message* message, const std::string& path, const Visit& visit) {
  visit(path, message);
  const pb::Reflection* reflection = message->GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) continue;
    const std::string child = Child(path, field->json_name());
    if (!field->is_repeated()) {
      Walk(reflection->MutableMessage(message, field), child, visit);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
      Walk(reflection->MutableRepeatedMessage(message, field, i),
           Item(child, static_cast<std::size_t>(i)), visit);
    }
  }
}

// The field that names a file which a library or a store reader opens.
const pb::FieldDescriptor* LocationField(const pb::Message& message) {
  for (const char* name : {"location", "keytab"}) {
    const pb::FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
    if (field != nullptr && !field->is_repeated() &&
        field->cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING) {
      return field;
    }
  }
  return nullptr;
}

}  // namespace

SecretRules DefaultSecretRules(const std::vector<std::string>& definition_directories,
                               bool trusted_author) {
  SecretRules rules;
  rules.files = {"/secrets", "/etc/tidegate", "/var/run/secrets"};
  rules.files.insert(rules.files.end(), definition_directories.begin(),
                     definition_directories.end());
  if (trusted_author) rules.env = {"*"};
  return rules;
}

SecretResolver::SecretResolver(SecretRules rules) : rules_(std::move(rules)) {}

StatusOr<std::string> SecretResolver::Env(std::string_view name) const {
  const std::string key(name);
  bool allowed = false;
  for (const std::string& pattern : rules_.env) allowed = allowed || MatchesName(pattern, key);
  if (!allowed) {
    return Unresolved("environment variable " + key + " is not among the bootstrap's secrets");
  }
  const char* value = std::getenv(key.c_str());
  if (value == nullptr) return Unresolved("environment variable " + key + " is not set");
  std::string text(value);
  CutNewline(&text);
  return text;
}

Status SecretResolver::CheckPath(std::string_view path) const {
  const std::string name(path);
  if (name.empty() || name.front() != '/') {
    return Unresolved("file " + name + " must be an absolute path");
  }
  const std::string real = Canonical(name);
  if (real.empty()) return Unresolved("file " + name + " cannot be found");
  for (const std::string& directory : rules_.files) {
    const std::string root = Canonical(directory);
    if (root.empty()) continue;
    if (root == "/" || StartsWith(real, root + "/")) return OkStatus();
  }
  return Unresolved("file " + name + " is not below a directory of the bootstrap's secrets");
}

StatusOr<std::string> SecretResolver::Bytes(std::string_view path, std::size_t bytes_max) const {
  TG_RETURN_IF_ERROR(CheckPath(path));
  std::string text;
  std::string error;
  if (!ReadWholeFile(Canonical(std::string(path)), bytes_max, &text, &error)) {
    return Unresolved("file " + std::string(path) + ": " + error);
  }
  return text;
}

StatusOr<std::string> SecretResolver::File(std::string_view path) const {
  auto text = Bytes(path, kSecretBytesMax);
  if (text.ok()) CutNewline(&*text);
  return text;
}

void SecretResolver::Resolve(pb::Message* message, bool check_only,
                             Violations& violations) const {
  Walk(message, "", [&](const std::string& path, pb::Message* at) {
    if (const pb::FieldDescriptor* field = LocationField(*at)) {
      const std::string location = at->GetReflection()->GetString(*at, field);
      const Status status = location.empty() ? OkStatus() : CheckPath(location);
      if (!status.ok()) {
        violations.push_back(
            FieldViolation(Child(path, field->json_name()), kSecretUnresolved, MessageOf(status)));
      }
      return;
    }
    Reference reference;
    if (!ReferenceOf(*at, &reference)) return;
    if (reference.env.empty() && reference.file.empty()) return;
    auto value = reference.env.empty() ? File(reference.file) : Env(reference.env);
    if (!value.ok()) {
      violations.push_back(FieldViolation(path, kSecretUnresolved, MessageOf(value.status())));
    } else if (!check_only) {
      SetText(at, *std::move(value));
    }
  });
}

StatusOr<std::string> ValueOf(const pb::Message& message, const SecretResolver& resolver) {
  Reference reference;
  if (!ReferenceOf(message, &reference)) return Internal("not a secret");
  if (!reference.env.empty()) return resolver.Env(reference.env);
  if (!reference.file.empty()) return resolver.File(reference.file);
  if (const auto* secret = dynamic_cast<const v1::Secret*>(&message)) return secret->text();
  return static_cast<const v1::DataSource&>(message).text();
}

std::vector<std::string> ReferencedFiles(const pb::Message& message) {
  std::vector<std::string> files;
  const std::unique_ptr<pb::Message> copy(message.New());
  copy->CopyFrom(message);
  Walk(copy.get(), "", [&files](const std::string&, pb::Message* at) {
    Reference reference;
    if (ReferenceOf(*at, &reference)) {
      if (!reference.file.empty()) files.push_back(reference.file);
    } else if (const pb::FieldDescriptor* field = LocationField(*at)) {
      std::string location = at->GetReflection()->GetString(*at, field);
      if (!location.empty()) files.push_back(std::move(location));
    }
  });
  return files;
}

}  // namespace tidegate::config
